import CLinuxShims
import Glibc

/// A listening Unix socket at a path that it owns.
///
/// Beside the socket lies `PATH.lock`, locked for as long as the listener lives. Only the holder of the lock removes a
/// stale socket, so two servers that start at once cannot take the path from each other. The kernel drops the lock with
/// the process, however that ends, so a killed server never blocks its successor.
package struct UnixListener: ~Copyable, Sendable {
    package let path: String
    private let lock: SocketLock
    private let descriptor: OwnedDescriptor
    private let inode: UInt64

    /// Binds and listens. The descriptor is non-blocking and close-on-exec.
    ///
    /// A missing directory is made, with mode 0750. What is at the path already is removed only when it is a socket on
    /// which nobody listens.
    ///
    /// - Parameters:
    ///   - mode: the permissions of the socket; connecting needs write permission.
    ///   - backlog: how many connections may wait to be accepted.
    package init(path: String, mode: UInt32 = 0o660, backlog: Int32 = 512) throws(SystemError) {
        try requireSocketPath(path)
        try Self.makeDirectory(of: path)
        try Self.requireSocketOrNothing(path)
        let lock = try SocketLock(beside: path)
        try Self.removeStale(path)

        let descriptor = OwnedDescriptor(try checked("socket", linux_unix_socket()))
        try descriptor.setNonBlocking(true)
        try checked("bind", path: path, linux_bind_unix(descriptor.rawValue, path))
        let bound: UInt64
        do throws(SystemError) {
            // Before `listen` nobody can connect, so nobody slips in under the permissions that the umask left.
            try retrying("chmod", path: path) { chmod(path, mode) }
            try retrying("listen", path: path) { listen(descriptor.rawValue, backlog) }
            bound = try Self.inode(path)
        } catch {
            unlink(path)
            throw error
        }
        inode = bound
        self.path = path
        self.lock = lock
        self.descriptor = descriptor
    }

    deinit {
        // Somebody may have removed our socket and put another there by hand.
        if let current = try? Self.inode(path), current == inode { unlink(path) }
    }

    package var rawValue: Int32 { descriptor.rawValue }

    /// Stops listening and removes the socket and its lock file.
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

    private static func inode(_ path: String) throws(SystemError) -> UInt64 {
        var information = stat()
        guard lstat(path, &information) == 0 else { throw SystemError("look at", errno, path: path) }
        return UInt64(information.st_ino)
    }
}
