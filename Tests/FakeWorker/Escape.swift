import Glibc

/// What a worker should not be able to do, whoever commands it.
enum Escape {
    /// Tries what the words say if they name an attempt: `open PATH`, `create PATH`, `socket`, `exec PATH`, `thread`, `code` (memory
    /// that is written and then run), `signal PID`.
    ///
    /// - Returns: `done`, or the name of the error; nil when it is none.
    static func attempt(_ words: Substring) -> String? {
        let parts = words.split(separator: " ", maxSplits: 1)
        let rest = parts.count > 1 ? String(parts[1]) : ""
        errno = 0
        let error: Int32
        switch parts.first {
        case "open": error = open(rest, O_RDONLY) < 0 ? errno : 0
        case "create": error = open(rest, O_WRONLY | O_CREAT, 0o600) < 0 ? errno : 0
        case "socket": error = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0) < 0 ? errno : 0
        case "exec":
            var child = pid_t()
            var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(rest), nil]
            error = posix_spawn(&child, rest, nil, nil, &arguments, nil)
            free(arguments[0])
        case "thread":
            var thread = pthread_t()
            error = pthread_create(&thread, nil, { _ in nil }, nil)
        case "code":
            guard let page = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) else {
                return nil
            }
            error = mprotect(page, 4096, PROT_READ | PROT_EXEC) < 0 ? errno : 0
        case "signal": error = kill(Int32(rest) ?? 0, 0) < 0 ? errno : 0
        default: return nil
        }
        return error == 0 ? "done" : error == EPERM ? "EPERM" : error == EACCES ? "EACCES" : "error \(error)"
    }
}
