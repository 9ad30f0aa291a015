package import JSON

extension AnswerValue {
    /// What is otherwise than expected: objects must have the same members, lists the same length and order, texts the
    /// same code points; integers are equal, and other numbers as near as the tolerance.
    ///
    /// - Parameter path: where the value stands: "answer[0].score".
    /// - Returns: a sentence about the first difference, of a list of numbers the largest; nil where there is none.
    package func difference(from expected: JSONValue, at path: String, tolerance: Double) -> String? {
        switch (self, expected) {
        case (.integer(let own), .integer(let other)) where own == other: return nil
        case (.number(let own), _):
            guard let other = expected.asNumber else { return "\(path) is \(own), expected \(expected.kind)" }
            // Not a number is near nothing.
            return abs(Double(own) - other) <= tolerance
                ? nil : "\(path) is \(own), expected \(other) ± \(tolerance)"
        case (.text(let own), .string(let other)):
            return own.utf8.elementsEqual(other.utf8)
                ? nil : "\(path) is \(quoted(own)), expected \(quoted(other))"
        case (.numbers(let own), .array):
            return AnswerValue.list(own.map { .number($0) }).difference(
                from: expected,
                at: path,
                tolerance: tolerance
            )
        case (.list(let own), .array(let other)):
            return Self.difference(own, other, at: path, tolerance: tolerance)
        case (.object(let own), .object(let other)):
            return Self.difference(own, other, at: path, tolerance: tolerance)
        default: return "\(path) is \(summary), expected \(expected.kind)"
        }
    }

    private static func difference(
        _ own: [AnswerValue],
        _ other: [JSONValue],
        at path: String,
        tolerance: Double
    ) -> String? {
        let pairs = zip(own, other).enumerated()
        let worst = pairs.max { $0.element.0.distance(to: $0.element.1) < $1.element.0.distance(to: $1.element.1) }
        // The largest difference of numbers first, so that the sentence says how far off a vector is.
        let order = (worst.map { [$0.offset] } ?? []) + Array(0..<min(own.count, other.count))
        let first = order.lazy.compactMap {
            own[$0].difference(from: other[$0], at: "\(path)[\($0)]", tolerance: tolerance)
        }
        .first
        guard own.count != other.count else { return first }
        let lengths = "\(path) has \(own.count) \(own.count == 1 ? "element" : "elements"), expected \(other.count)"
        return first.map { "\(lengths); \($0)" } ?? lengths
    }

    private static func difference(
        _ own: [(key: String, value: AnswerValue)],
        _ other: JSONObject,
        at path: String,
        tolerance: Double
    ) -> String? {
        for (key, value) in own {
            guard let expected = other[key] else { return "\(path) has \"\(key)\", which the expected answer lacks" }
            if let difference = value.difference(from: expected, at: "\(path).\(key)", tolerance: tolerance) {
                return difference
            }
        }
        guard let extra = other.members.first(where: { member in !own.contains { $0.key == member.key } }) else {
            return nil
        }
        let keys = own.map(\.key).joined(separator: ", ")
        return "\(path) has no \(quoted(extra.key)), which the expected answer has; it has \(keys)"
    }

    /// How far a number is off; 0 for what is none.
    private func distance(to expected: JSONValue) -> Double {
        guard case .number(let own) = self, let other = expected.asNumber else { return 0 }
        let distance = abs(Double(own) - other)
        return distance.isNaN ? .infinity : distance
    }

    private var summary: String {
        switch self {
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .text(let text): quoted(text)
        case .list, .numbers: "a list"
        case .object: "an object"
        }
    }
}
