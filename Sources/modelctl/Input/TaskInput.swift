import FoundationEssentials
import ModelClient

/// One input of a task: a text from the command line, or a line of a file.
struct TaskInput: Sendable {
    /// Where it comes from, for messages: `text 2`, `line 17`.
    var place: String
    /// What to send, or what is wrong with it.
    var text: Result<TextInput, InputError>

    /// The text, for people; empty when it could not be read.
    var label: String { (try? text.get().text) ?? "" }

    /// Reads a line: a JSON string, or an object with `text` and perhaps `text_pair`.
    init(line: [UInt8], number: Int) {
        place = "line \(number)"
        do {
            let value = try JSONDecoder().decode(JSONInput.self, from: Data(line))
            text = .success(TextInput(value.text, pair: value.pair))
        } catch {
            text = .failure(InputError(message: "line \(number): \(Self.reason(error))"))
        }
    }

    init(text: TextInput, place: String) {
        self.place = place
        self.text = .success(text)
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): "the object has no \"\(key.stringValue)\""
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            if let key = context.codingPath.last {
                "\"\(key.stringValue)\" is not a string"
            } else {
                "expected a JSON string, or an object with \"text\" and perhaps \"text_pair\""
            }
        default: "this is not JSON; write a string in double quotes, or an object with \"text\""
        }
    }
}

/// A line that is not an input.
struct InputError: Error {
    var message: String
}

/// What a line may hold.
private struct JSONInput: Decodable {
    var text: String
    var pair: String?

    private enum Key: String, CodingKey {
        case text
        case pair = "text_pair"
    }

    init(from decoder: any Decoder) throws {
        guard let members = try? decoder.container(keyedBy: Key.self) else {
            text = try decoder.singleValueContainer().decode(String.self)
            return
        }
        text = try members.decode(String.self, forKey: .text)
        pair = try members.contains(.pair) ? members.decode(String.self, forKey: .pair) : nil
    }
}
