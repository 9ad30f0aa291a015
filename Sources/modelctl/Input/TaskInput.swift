import AnswerForms
import JSON

/// One input of a task: what the command line gives, or a line of a file.
struct TaskInput: Sendable {
    /// Where it comes from, for messages: `text 2`, `line 17`.
    let place: String
    /// What it says, or what is wrong with it.
    let line: Result<JSONValue, FormError>

    /// What it is about, for people; empty when it could not be read.
    var label: String { (try? line.get().title) ?? "" }

    /// Reads a line of a file.
    init(line: [UInt8], number: Int) {
        place = "line \(number)"
        self.line = Result { () throws(FormError) in try Self.parse(line) }
    }

    init(_ line: JSONValue, place: String) {
        self.place = place
        self.line = .success(line)
    }

    static func parse(_ line: [UInt8]) throws(FormError) -> JSONValue {
        do {
            return try JSONValue.parse(line)
        } catch {
            throw FormError("this is not JSON; write a string in double quotes, or an object with the task's members")
        }
    }
}
