import Glibc

/// Standard output and standard error.
enum Console {
    /// Whether a person looks at standard output.
    static let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Whether a person looks at standard error.
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    /// Whether to use colours: on a terminal that has them, unless `NO_COLOR` is set (no-color.org).
    static let hasColors: Bool = {
        guard isTerminal, getenv("NO_COLOR").map({ $0.pointee == 0 }) ?? true else { return false }
        return getenv("TERM").map { String(cString: $0) != "dumb" } ?? false
    }()
    /// The terminal's width in columns; 100 when standard output is none.
    static var width: Int {
        var size = winsize()
        guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 100 }
        return Int(size.ws_col)
    }

    /// Writes a line to standard output at once, so that a reader at the other end of a pipe need not wait.
    static func line(_ text: String) {
        write(text + "\n")
    }

    /// Writes to standard output. Ends the process when nobody reads it any more, as `SIGPIPE` would have.
    static func write(_ text: String) {
        guard let code = write(text, to: STDOUT_FILENO) else { return }
        if code == EPIPE {
            signal(SIGPIPE, SIG_DFL)
            raise(SIGPIPE)
        }
        error("cannot write to standard output: \(String(cString: strerror(code)))")
        exit(EX_IOERR)
    }

    /// Writes one line for people to standard error.
    static func error(_ message: String) {
        progress("modelctl: \(message)\n")
    }

    /// Writes to standard error as it is.
    static func progress(_ text: String) {
        _ = write(text, to: STDERR_FILENO)
    }

    /// - Returns: `errno` when it could not be written.
    private static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var text = text
        return text.withUTF8 { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Glibc.write(
                    descriptor,
                    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[rest.indices]).baseAddress,
                    rest.count
                )
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&wanted, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return nil
        }
    }
}
