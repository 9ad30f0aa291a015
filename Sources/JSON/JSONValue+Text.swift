extension JSONValue: JSONWritable {
    /// The value on one line. Numbers that are not finite are written as Python writes them.
    package var json: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag.json
        case .integer(let integer): integer.json
        case .number(let number): number.json
        case .notFinite(let word, _): word
        case .string(let string): string.json
        case .array(let elements): elements.json
        case .object(let object): JSONText.object(object.members.map { ($0.key, $0.value) }).json
        }
    }

    /// The text of a file: an element or member on each line, two spaces further in than what holds it, as Python's
    /// `json.dump(value, file, indent=2)` lays it out; and a line feed.
    package var fileText: String { text(margin: "\n") + "\n" }

    private func text(margin: String) -> String {
        let inner = margin + "  "
        switch self {
        case .array(let elements) where !elements.isEmpty:
            return "[" + elements.map { inner + $0.text(margin: inner) }.joined(separator: ",") + margin + "]"
        case .object(let object) where !object.members.isEmpty:
            let members = object.members.map { inner + $0.key.json + ": " + $0.value.text(margin: inner) }
            return "{" + members.joined(separator: ",") + margin + "}"
        default: return json
        }
    }
}

extension JSONObject {
    /// An object with these members, whose keys differ.
    package init(_ members: [(key: String, value: JSONValue)]) {
        self = [:]
        for (key, value) in members {
            let isNew = append(key: key, value: value)
            precondition(isNew, "two members named \(key)")
        }
    }
}
