import Glibc

/// The lock file beside a socket, held by the process that serves it. It contains that process's number.
struct SocketLock: ~Copyable, Sendable {
    private let path: String
    private let descriptor: OwnedDescriptor

    /// Takes the lock; an error that names the holder when another process has it.
    init(beside socketPath: String) throws(SystemError) {
        let path = socketPath + ".lock"
        let file = try Self.acquire(path, for: socketPath)
        let contents = Array("\(getpid())\n".utf8)
        try retrying("write", path: path) { ftruncate(file.rawValue, 0) }
        try retrying("write", path: path) { pwrite(file.rawValue, contents, contents.count, 0) }
        self.path = path
        descriptor = file
    }

    // Removed while still locked: who waits for it then notices that the file it opened is no longer the one at the path.
    deinit { unlink(path) }

    private static func acquire(_ path: String, for socketPath: String) throws(SystemError) -> OwnedDescriptor {
        while true {
            let file = try OwnedDescriptor.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            let opened = try FileStatus(of: file)
            if let fault = opened.isRegular ? opened.distrust : "it is no regular file" {
                throw SystemError("lock", EPERM, path: path, hint: "Remove it: \(fault).")
            }
            // Whoever may read it could lock it.
            try retrying("chmod", path: path) { fchmod(file.rawValue, 0o600) }
            guard try file.lock() else {
                let holder = (try? FileContents.readText(path, limit: 64)).flatMap { Int32($0) }
                let who = holder.map { describe(processID: $0) } ?? "another process"
                throw SystemError("listen on", EADDRINUSE, path: socketPath, hint: "It is served by \(who).")
            }
            if let current = try? FileStatus(at: path), current.isSameFile(as: opened) { return file }
        }
    }

    /// "process 1234 (modeld)".
    static func describe(processID: Int32) -> String {
        let name = try? FileContents.readText("/proc/\(processID)/comm", limit: 64)
        return "process \(processID)" + (name.map { " (\($0))" } ?? "")
    }
}
