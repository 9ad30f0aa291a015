import CLinuxShims
import Glibc

/// A listening Unix socket: one of its own, at a path that it owns, or one that was passed.
///
/// Beside a socket of its own lies `PATH.lock`, locked for as long as the listener lives. Only the holder of the lock removes
/// a stale socket, so two servers that start at once cannot take the path from each other. The kernel drops the lock with
/// the process, however that ends, so a killed server never blocks its successor.
package struct UnixListener: ~Copyable, Sendable {
    package let path: String
    /// Nil when another process has bound the socket: what lies at the path is not ours.
    private let place: SocketPlace?
    private let descriptor: OwnedDescriptor

    /// Binds and listens. The descriptor is non-blocking and close-on-exec.
    ///
    /// A missing directory is made, with mode 0750. What is at the path already is removed only when it is a socket on
    /// which nobody listens.
    ///
    /// - Parameters:
    ///   - mode: the permissions of the socket; connecting needs write permission.
    ///   - backlog: how many connections may wait to be accepted.
    package init(path: String, mode: UInt32 = 0o660, backlog: Int32 = 512) throws(SystemError) {
        try Self.requireUsable(path: path)
        try Self.makeDirectory(of: path)
        let lock = try SocketLock(beside: path)
        try Self.removeStale(path)

        let descriptor = OwnedDescriptor(try checked("socket", linux_unix_socket()))
        try descriptor.setNonBlocking(true)
        try checked("bind", path: path, linux_bind_unix(descriptor.rawValue, path))
        let inode: UInt64
        do throws(SystemError) {
            // Before `listen` nobody can connect, so nobody slips in under the permissions that the umask left.
            try retrying("chmod", path: path) { chmod(path, mode) }
            try retrying("listen", path: path) { listen(descriptor.rawValue, backlog) }
            inode = try SocketPlace.inode(path)
        } catch {
            unlink(path)
            throw error
        }
        place = SocketPlace(path: path, inode: inode, lock: lock)
        self.path = path
        self.descriptor = descriptor
    }

    /// Takes over a socket on which another process, such as systemd, has made the kernel listen. Its path stays as it is.
    ///
    /// - Throws: with a hint that says what is wrong, when the descriptor is no listening Unix stream socket.
    package init(adopting descriptor: consuming OwnedDescriptor) throws(SystemError) {
        let path = try Self.path(of: descriptor.rawValue)
        try descriptor.setNonBlocking(true)
        self.path = path
        place = nil
        self.descriptor = descriptor
    }

    private static func path(of descriptor: Int32) throws(SystemError) -> String {
        var name = [CChar](repeating: 0, count: linux_socket_path_limit() + 2)
        let result = linux_listening_path(descriptor, &name)
        let wrong: String? =
            switch -result {
            case ENOTSOCK: "It is no socket"
            case EAFNOSUPPORT: "It is no Unix socket"
            case EPROTOTYPE: "It is a Unix socket of another type"
            case EINVAL: "It is a Unix stream socket that does not listen"
            default: nil
            }
        let operation = "serve on the passed descriptor \(descriptor)"
        guard let wrong else {
            try checked(operation, result)
            return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        let hint = "\(wrong); pass one socket by ListenStream=PATH."
        throw SystemError(operation, -result, hint: hint)
    }

    package var rawValue: Int32 { descriptor.rawValue }

    /// Stops listening, and removes a socket of its own and its lock file.
    package consuming func close() {}

    /// The next connection, which blocks until told otherwise; nil when none is waiting.
    ///
    /// EMFILE and ENFILE mean that no descriptor is free: the connection stays in the queue and the listener stays
    /// readable, so pause accepting for a while.
    package borrowing func accept() throws(SystemError) -> UnixStream? {
        let result = linux_accept(descriptor.rawValue)
        switch -result {
        case EAGAIN, ECONNABORTED: return nil
        default: return UnixStream(OwnedDescriptor(try checked("accept on", path: path, result)))
        }
    }

    // MARK: - What is at the path

    private static func makeDirectory(of path: String) throws(SystemError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let directory = String(path[..<slash])
        var information = stat()
        if stat(directory, &information) == 0 { return }
        try makeDirectory(of: directory)
        if mkdir(directory, 0o750) != 0 && errno != EEXIST {
            throw SystemError("make directory", errno, path: directory)
        }
    }

    /// Refuses a path at which no listener can be: what is in its way, and what is wrong with the path itself.
    package static func requireUsable(path: String) throws(SystemError) {
        try requireSocketPath(path)
        try requireSocketOrNothing(path)
    }

    private static func requireSocketOrNothing(_ path: String) throws(SystemError) {
        var information = stat()
        guard lstat(path, &information) == 0 else {
            if errno == ENOENT { return }
            throw SystemError("look at", errno, path: path)
        }
        if information.st_mode & S_IFMT != S_IFSOCK {
            let hint = "It exists and is not a socket; remove it or choose another path."
            throw SystemError("listen on", EEXIST, path: path, hint: hint)
        }
    }

    /// Removes a socket on which nobody listens; called under the lock.
    private static func removeStale(_ path: String) throws(SystemError) {
        try requireSocketOrNothing(path)
        let probe = OwnedDescriptor(try checked("socket", linux_unix_socket()))
        try probe.setNonBlocking(true)
        let result = linux_connect_unix(probe.rawValue, path)
        switch -result {
        case ENOENT: return
        case ECONNREFUSED: try retrying("remove stale socket", path: path) { unlink(path) }
        case 0, EAGAIN:
            // A live server that takes no lock; a full queue (EAGAIN) is live too.
            var peer = linux_peer()
            let known = result == 0 && linux_peer_credentials(probe.rawValue, &peer) == 0
            let who = known ? SocketLock.describe(processID: peer.pid) : "a process"
            throw SystemError("listen on", EADDRINUSE, path: path, hint: "It is served by \(who).")
        default: try checked("probe", path: path, result)
        }
    }
}

/// What lies at the path of a socket of our own; removed when nobody listens any more.
struct SocketPlace: ~Copyable, Sendable {
    let path: String
    let inode: UInt64
    let lock: SocketLock

    deinit {
        // Somebody may have removed our socket and put another there by hand.
        if let current = try? Self.inode(path), current == inode { unlink(path) }
    }

    static func inode(_ path: String) throws(SystemError) -> UInt64 {
        var information = stat()
        guard lstat(path, &information) == 0 else { throw SystemError("look at", errno, path: path) }
        return UInt64(information.st_ino)
    }
}
