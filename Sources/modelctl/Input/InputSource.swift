import ArgumentParser
import ModelClient

/// The inputs of a command in order: the texts of the command line, then the lines of the file.
struct InputSource: ~Copyable, Sendable {
    private let texts: [TextInput]
    private var nextText = 0
    private var lines: LineReader?
    private var lineNumber = 0

    init(texts: [String], pair: String? = nil, file: String?) throws(LineReader.Failure) {
        self.texts = texts.map { TextInput($0, pair: pair) }
        if let file { lines = try LineReader(path: file) }
    }

    /// The next input; nil when there is no more. Empty lines are passed over. May wait for standard input.
    mutating func next() throws(LineReader.Failure) -> TaskInput? {
        if nextText < texts.count {
            nextText += 1
            return TaskInput(text: texts[nextText - 1], place: "text \(nextText)")
        }
        while let line = try lines?.next() {
            lineNumber += 1
            if line.contains(where: { $0 != 0x20 && $0 != 0x09 }) { return TaskInput(line: line, number: lineNumber) }
        }
        return nil
    }
}
