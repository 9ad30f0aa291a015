import Dispatch
import JSON

/// The inputs of a command in order: those of the command line, then the lines of the file. For one loop.
final class InputSource: AsyncSequence, AsyncIteratorProtocol, @unchecked Sendable {
    private let given: [JSONValue]
    private var nextGiven = 0
    private let lines: LineReader?
    private var lineNumber = 0
    /// Reading may block, so it has a thread of its own.
    private let thread = DispatchQueue(label: "modelctl.input")
    /// What was read last, and who waits has yet to take.
    private var result: Result<TaskInput?, any Error>?

    init(given: [JSONValue], file: String?) throws(LineReader.Failure) {
        self.given = given
        lines = if let file { try LineReader(path: file) } else { nil }
    }

    func makeAsyncIterator() -> InputSource { self }

    func next() async throws -> TaskInput? {
        await withCheckedContinuation { continuation in
            thread.async {
                self.result = Result { try self.read() }
                continuation.resume()
            }
        }
        // Taken from the queue, and not from the continuation, whose order of memory ThreadSanitizer does not see.
        return try thread.sync { self.result.take() }?.get()
    }

    /// The next input; nil when there is no more. Empty lines are passed over. May wait for standard input.
    func read() throws(LineReader.Failure) -> TaskInput? {
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
