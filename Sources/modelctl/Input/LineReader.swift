import Glibc

/// Reads lines from a file or from standard input, as they come.
final class LineReader {
    /// A file that cannot be read.
    struct Failure: Error {
        var message: String
    }

    private let name: String
    private let file: UnsafeMutablePointer<FILE>
    /// Where the last line is, in memory of this capacity.
    private var line: UnsafeMutablePointer<CChar>?
    private var capacity = 0

    /// - Parameter path: a file; `-` for standard input.
    init(path: String) throws(Failure) {
        name = path == "-" ? "standard input" : "'\(path)'"
        guard let file = path == "-" ? fdopen(STDIN_FILENO, "r") : fopen(path, "re") else {
            throw Failure(message: "cannot open \(name): \(String(cString: strerror(errno)))")
        }
        self.file = file
    }

    deinit {
        free(line)
        fclose(file)
    }

    /// The next line without its end, which may be `\n` or `\r\n`; nil at the end. Waits for it.
    func next() throws(Failure) -> [UInt8]? {
        let count = getline(&line, &capacity, file)
        guard count >= 0 else {
            guard ferror(file) == 0 else {
                throw Failure(message: "cannot read \(name): \(String(cString: strerror(errno)))")
            }
            return nil
        }
        var bytes = UnsafeRawBufferPointer(start: line, count: count)[...]
        for end in [UInt8(ascii: "\n"), UInt8(ascii: "\r")] where bytes.last == end { bytes.removeLast() }
        return Array(bytes)
    }
}
