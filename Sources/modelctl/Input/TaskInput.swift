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

extension JSONValue {
    /// The members of an input that a task reads; others are passed over, so that a data set's lines are inputs as they are.
    ///
    /// - Parameters:
    ///   - keys: the members that the task reads.
    ///   - common: what the command line gives to lines that lack it.
    ///   - textKey: the member that a text without a key stands for.
    func members(
        _ keys: [String],
        common: JSONObject = [:],
        textKey: String = "text"
    ) throws(FormError) -> FormObject {
        var value = self
        if let own = isString ? ["text": self] : object {
            var chosen: JSONObject = [:]
            for key in keys {
                guard let member = own[key] ?? common[key] ?? (key == textKey ? own["text"] : nil) else { continue }
                _ = chosen.append(key: key, value: member)
            }
            value = .object(chosen)
        }
        return try FormObject(value, at: "input", of: "`input`", has: keys)
    }

    private var isString: Bool { if case .string = self { true } else { false } }
    private var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
}
