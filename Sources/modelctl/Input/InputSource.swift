import JSON

/// The inputs of a command in order: those of the command line, then the lines of the file.
struct InputSource: ~Copyable, Sendable {
    private let given: [JSONValue]
    private var nextGiven = 0
    private var lines: LineReader?
    private var lineNumber = 0

    init(given: [JSONValue], file: String?) throws(LineReader.Failure) {
        self.given = given
        if let file { lines = try LineReader(path: file) }
    }

    /// The next input; nil when there is no more. Empty lines are passed over. May wait for standard input.
    mutating func next() throws(LineReader.Failure) -> TaskInput? {
        if nextGiven < given.count {
            nextGiven += 1
            return TaskInput(given[nextGiven - 1], place: "text \(nextGiven)")
        }
        while let line = try lines?.next() {
            lineNumber += 1
            if line.contains(where: { $0 != 0x20 && $0 != 0x09 }) { return TaskInput(line: line, number: lineNumber) }
        }
        return nil
    }
}
