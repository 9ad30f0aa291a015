/// The bytes of one data file, which are UTF-8, and the name that errors give it.
struct DataInput {
    /// What the file holds, without a byte order mark.
    let bytes: UnsafeRawBufferPointer
    let file: String

    /// - Throws: what is not UTF-8, with its line and byte, and how to convert the file where that can be told.
    init(validating bytes: UnsafeRawBufferPointer, file: String) throws(DistillationError) {
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        self.bytes = bytes.starts(with: mark) ? UnsafeRawBufferPointer(rebasing: bytes[mark.count...]) : bytes
        self.file = file
        guard let place = firstInvalidUTF8(self.bytes) else { return }
        let before = self.bytes[..<place]
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        throw error(
            line: lineNumber(at: place),
            "byte \(place - lineStart + 1) of the line is not UTF-8\(Self.advice(self.bytes, at: place, file: file))"
        )
    }

    /// The line, counted from 1, of the byte at `offset`.
    func lineNumber(at offset: Int) -> Int {
        var line = 1
        for byte in bytes[..<offset] where byte == 0x0A { line += 1 }
        return line
    }

    func string(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    func error(line: Int, _ message: String) -> DistillationError {
        .failed("\(file), line \(line): \(message)")
    }

    /// What most likely wrote a byte that is not UTF-8, and the command that converts the file.
    private static func advice(_ bytes: UnsafeRawBufferPointer, at place: Int, file: String) -> String {
        func command(_ encoding: String, _ name: String) -> String {
            "; the file seems to be \(name): iconv -f \(encoding) -t utf-8 \(file) converts it"
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return command("utf-16", "UTF-16") }
        func isLetter(_ index: Int) -> Bool {
            guard bytes.indices.contains(index) else { return false }
            return (0x61...0x7A).contains(bytes[index] | 0x20)
        }
        guard isLetter(place - 1) || isLetter(place + 1) else { return "" }
        return bytes[place] >= 0xA0 ? command("latin1", "Latin-1") : command("windows-1252", "Windows-1252")
    }
}

/// Where the bytes stop being UTF-8 (Unicode 16, table 3-7: no overlong forms, no surrogates); nil when they never do.
private func firstInvalidUTF8(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var index = 0
    while index < bytes.count {
        let lead = bytes[index]
        if lead < 0x80 {
            index += 1
            continue
        }
        let (length, second): (Int, ClosedRange<UInt8>)
        switch lead {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return index
        }
        guard index + length <= bytes.count, second.contains(bytes[index + 1]) else { return index }
        for next in 2..<max(2, length) where bytes[index + next] & 0xC0 != 0x80 { return index }
        index += length
    }
    return nil
}
