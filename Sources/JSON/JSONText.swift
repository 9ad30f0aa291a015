/// A value that can be written as JSON, on one line.
package protocol JSONWritable {
    /// The value as JSON.
    var json: String { get }
}

/// JSON, written.
package struct JSONText: JSONWritable {
    package let json: String

    /// An object with its members in this order.
    package static func object(_ members: KeyValuePairs<String, any JSONWritable>) -> JSONText {
        object(Array(members))
    }

    /// An object with its members in this order.
    package static func object(_ members: [(key: String, value: any JSONWritable)]) -> JSONText {
        JSONText(json: "{" + members.map { "\($0.key.json):\($0.value.json)" }.joined(separator: ",") + "}")
    }
}

extension String: JSONWritable {
    /// Whatever may end a line for some reader is escaped, so that a value stays on one line.
    package var json: String {
        var result = "\""
        for scalar in unicodeScalars {
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
}

extension BinaryFloatingPoint where Self: CustomStringConvertible {
    /// The shortest number that reads back as the same value; `null` for what JSON has no number for.
    package var json: String { isFinite ? description : "null" }
}

extension BinaryInteger {
    package var json: String { description }
}

extension Array: JSONWritable where Element: JSONWritable {
    package var json: String { "[" + lazy.map(\.json).joined(separator: ",") + "]" }
}

extension Optional: JSONWritable where Wrapped: JSONWritable {
    package var json: String { self?.json ?? "null" }
}

extension Bool: JSONWritable {
    package var json: String { description }
}

extension Double: JSONWritable {}
extension Float: JSONWritable {}
extension Int: JSONWritable {}
extension Int64: JSONWritable {}
extension UInt32: JSONWritable {}
extension UInt64: JSONWritable {}
