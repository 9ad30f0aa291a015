import Glibc

/// Reads lines from a file or from standard input, as they come.
struct LineReader: ~Copyable, Sendable {
    /// A file that cannot be read.
    struct Failure: Error {
        var message: String
    }

    private let descriptor: Int32
    private let name: String
    private var buffer: [UInt8] = []
    /// Where in `buffer` the next line begins.
    private var start = 0
    private var isAtEnd = false

    /// - Parameter path: a file; `-` for standard input.
    init(path: String) throws(Failure) {
        name = path == "-" ? "standard input" : "'\(path)'"
        guard path != "-" else {
            descriptor = STDIN_FILENO
            return
        }
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(message: "cannot open \(name): \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        if descriptor > STDIN_FILENO { close(descriptor) }
    }

    /// The next line without its end, which may be `\n` or `\r\n`; nil at the end. Waits for it.
    mutating func next() throws(Failure) -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Self.trimmed(buffer[start..<end])
                start = end + 1
                return line
            }
            guard !isAtEnd else {
                guard start < buffer.count else { return nil }
                let line = Self.trimmed(buffer[start...])
                start = buffer.count
                return line
            }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            try readMore()
        }
    }

    private mutating func readMore() throws(Failure) {
        var room = [UInt8](repeating: 0, count: 64 << 10)
        var count: Int
        repeat { count = read(descriptor, &room, room.count) } while count < 0 && errno == EINTR
        guard count >= 0 else {
            throw Failure(message: "cannot read \(name): \(String(cString: strerror(errno)))")
        }
        isAtEnd = count == 0
        buffer += room[..<count]
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> [UInt8] {
        Array(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
    }
}
