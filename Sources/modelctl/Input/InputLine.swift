import FoundationEssentials
import ModelClient

/// An input as it is written: a text of the command line, or a line of JSON, which is a string or an object.
struct InputLine: Sendable {
    var text: String?
    var pair: String?
    var question: String?
    var context: String?
    var labels: [String]?
    var query: String?
    var texts: [String]?
    var choices: [String]?
    var inputs: [TensorLine]?
    var outputs: [String]?

    /// What it is about, for people.
    var label: String { text ?? question ?? query ?? "" }

    /// The text, and perhaps its pair.
    func textInput() throws(InputError) -> TextInput {
        TextInput(try Self.required(text, "text"), pair: pair)
    }

    /// A member that must be there.
    static func required<Value>(_ value: Value?, _ name: String) throws(InputError) -> Value {
        guard let value else { throw InputError(message: "the object has no \"\(name)\"") }
        return value
    }

    /// Reads a line of JSON.
    static func parse(_ line: [UInt8]) -> Result<InputLine, InputError> {
        do {
            return .success(try JSONDecoder().decode(InputLine.self, from: Data(line)))
        } catch {
            return .failure(InputError(message: reason(error)))
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, _): "the object has no \"\(key.stringValue)\""
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            if let key = context.codingPath.last(where: { $0.intValue == nil }) {
                "\"\(key.stringValue)\" is not \(Key(stringValue: key.stringValue)?.expected ?? "what is expected here")"
            } else {
                "expected a JSON string, or an object with \"text\" and perhaps \"text_pair\""
            }
        default: "this is not JSON; write a string in double quotes, or an object with the task's members"
        }
    }
}

/// A line that is not an input.
struct InputError: Error {
    var message: String
}

extension InputLine: Decodable {
    private enum Key: String, CodingKey {
        case text, question, context, labels, query, texts, choices, inputs, outputs
        case pair = "text_pair"

        /// What its value should be.
        var expected: String {
            switch self {
            case .text, .pair, .question, .context, .query: "a string"
            case .labels, .texts, .choices, .outputs: "a list of strings"
            case .inputs: "a list of tensors"
            }
        }
    }

    init(from decoder: any Decoder) throws {
        guard let members = try? decoder.container(keyedBy: Key.self) else {
            text = try decoder.singleValueContainer().decode(String.self)
            return
        }
        func string(_ key: Key) throws -> String? {
            try members.contains(key) ? members.decode(String.self, forKey: key) : nil
        }
        func strings(_ key: Key) throws -> [String]? {
            try members.contains(key) ? members.decode([String].self, forKey: key) : nil
        }
        text = try string(.text)
        pair = try string(.pair)
        question = try string(.question)
        context = try string(.context)
        query = try string(.query)
        labels = try strings(.labels)
        texts = try strings(.texts)
        choices = try strings(.choices)
        outputs = try strings(.outputs)
        inputs = try members.contains(.inputs) ? members.decode([TensorLine].self, forKey: .inputs) : nil
    }
}

/// A tensor as JSON, with the keys of the KServe protocol.
struct TensorLine: Sendable, Decodable {
    var name: String
    var datatype: String?
    var shape: [Int]
    var data: [Double]

    /// - Throws: `InputError` for a type that there is not, or a value that is none of its type.
    func tensor() throws(InputError) -> Tensor {
        switch datatype ?? "INT64" {
        case "INT64":
            var values: [Int64] = []
            for value in data {
                guard let integer = Int64(exactly: value) else {
                    throw InputError(message: "\"data\" of '\(name)' holds \(value), which is no INT64")
                }
                values.append(integer)
            }
            return Tensor(name, shape: shape, values: .int64(values))
        case "FP32": return Tensor(name, shape: shape, values: .float32(data.map { Float($0) }))
        case let other:
            throw InputError(message: "\"datatype\" of '\(name)' is '\(other)'; it can be INT64 or FP32")
        }
    }
}
