/// JSON, written. Values are texts that are JSON already.
package enum JSONText {
    /// A string. Whatever may end a line for some reader is escaped, so that a value stays on one line.
    package static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// The shortest number that reads back as the same `Float`; `null` for what JSON has no number for.
    package static func number(_ value: Float) -> String { value.isFinite ? value.description : "null" }

    /// The shortest number that reads back as the same `Double`; `null` for what JSON has no number for.
    package static func number(_ value: Double) -> String { value.isFinite ? value.description : "null" }

    /// A list.
    package static func array(_ values: some Sequence<String>) -> String {
        var result = "["
        var isFirst = true
        for value in values {
            if !isFirst { result += "," }
            isFirst = false
            result += value
        }
        return result + "]"
    }

    /// An object with its members in this order.
    package static func object(_ members: KeyValuePairs<String, String>) -> String { object(Array(members)) }

    /// An object with its members in this order.
    package static func object(_ members: [(key: String, value: String)]) -> String {
        "{" + members.map { "\(string($0.key)):\($0.value)" }.joined(separator: ",") + "}"
    }

    /// What stands in the place of an answer that there is none of.
    package static func failure(code: String, message: String) -> String {
        object(["error": object(["code": string(code), "message": string(message)])])
    }
}
