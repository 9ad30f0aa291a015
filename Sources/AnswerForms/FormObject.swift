package import JSON

/// The members of an object in which nothing is unknown. One that is null counts as absent, as `transformers` has it.
package struct FormObject {
    /// The way to the object: "input"; empty at the top.
    private let path: String
    private let object: JSONObject

    /// - Parameters:
    ///   - value: nil stands for an object without members.
    ///   - path: the way to it, for messages; empty at the top.
    ///   - owner: whose members they are, for messages.
    ///   - known: the keys that there may be.
    package init(
        _ value: JSONValue?,
        at path: String,
        of owner: String,
        has known: [String]
    ) throws(FormError) {
        self.path = path
        switch value {
        case nil, .null: object = [:]
        case .object(let members): object = members
        // A text stands for an object that has but the text.
        case .string where known.first == "text": object = ["text": value!]
        case let value?:
            let form =
                known.first == "text" ? "a string, or an object with \(known.joined(separator: ", "))" : "an object"
            throw FormError(
                "`\(path)` must be \(form), and it is \(value.kind)",
                aboutInput: "expected a JSON string, or an object with \"text\" and perhaps \"text_pair\""
            )
        }
        for (key, _) in object.members where !known.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
            let list = known.isEmpty ? "nothing" : known.joined(separator: ", ")
            throw FormError("`\(place(key))` is unknown; \(owner) has \(list)")
        }
    }

    /// The member; nil where it is absent or null.
    package func member(_ key: String) -> JSONValue? {
        if let value = object[key], !value.isNull { value } else { nil }
    }

    /// Whether the member is there and null.
    func isNull(_ key: String) -> Bool { object[key]?.isNull ?? false }

    /// What is read of a member that must be there.
    package func required<Value>(
        _ key: String,
        _ read: (String) throws(FormError) -> Value?
    ) throws(FormError) -> Value {
        guard let value = try read(key) else {
            throw FormError(
                "\(path.isEmpty ? "" : "\(path): ")the key \(quoted(key)) is missing",
                aboutInput: "the object has no \"\(key)\""
            )
        }
        return value
    }

    package func string(_ key: String) throws(FormError) -> String? {
        guard let value = member(key) else { return nil }
        guard case .string(let text) = value else { throw mismatch(key, "a string", value) }
        return text
    }

    package func strings(_ key: String) throws(FormError) -> [String]? {
        try list(key, "a string", of: "strings") { if case .string(let text) = $0 { text } else { nil } }
    }

    func bool(_ key: String) throws(FormError) -> Bool? {
        guard let value = member(key) else { return nil }
        guard case .bool(let flag) = value else { throw mismatch(key, "true or false", value) }
        return flag
    }

    package func number(_ key: String) throws(FormError) -> Double? {
        guard let value = member(key) else { return nil }
        guard let number = value.asNumber else { throw mismatch(key, "a number", value) }
        return number
    }

    /// A number from 1; 0 where it is absent, as the messages have it.
    func count(_ key: String) throws(FormError) -> UInt32 {
        guard let value = member(key) else { return 0 }
        guard case .integer(let count) = value, (1...Int(Int32.max)).contains(count) else {
            throw mismatch(key, "an integer from 1 to \(Int32.max)", value)
        }
        return UInt32(count)
    }

    /// A member that is one of a few words.
    package func choice<Value>(
        _ key: String,
        _ values: [Value],
        _ word: (Value) -> String
    ) throws(FormError) -> Value? {
        guard let value = member(key) else { return nil }
        if case .string(let text) = value, let choice = values.first(where: { word($0) == text }) { return choice }
        throw mismatch(key, "one of \(values.map(word).joined(separator: ", "))", value)
    }

    /// A list of what `read` takes.
    ///
    /// - Parameters:
    ///   - element: what each is, for messages: "a string".
    ///   - elements: what they are together: "strings".
    func list<Element>(
        _ key: String,
        _ element: String,
        of elements: String,
        _ read: (JSONValue) throws(FormError) -> Element?
    ) throws(FormError) -> [Element]? {
        guard let value = member(key) else { return nil }
        guard case .array(let array) = value else { throw mismatch(key, "a list of \(elements)", value) }
        var list: [Element] = []
        for (index, value) in array.enumerated() {
            guard let next = try read(value) else {
                throw mismatch(key, element, value, element: (index, "a list of \(elements)"))
            }
            list.append(next)
        }
        return list
    }

    /// - Parameter element: which element of the member it is, and what the member is as a whole.
    private func mismatch(
        _ key: String,
        _ form: String,
        _ value: JSONValue,
        element: (index: Int, list: String)? = nil
    ) -> FormError {
        FormError(
            "`\(place(key))\(element.map { "[\($0.index)]" } ?? "")` must be \(form), and it is \(value.kind)",
            aboutInput: "\"\(key)\" is not \(element?.list ?? form)"
        )
    }

    private func place(_ key: String) -> String {
        let name = String(quoted(key).dropFirst().dropLast())
        return path.isEmpty ? name : "\(path).\(name)"
    }
}

extension JSONValue {
    fileprivate var isNull: Bool { if case .null = self { true } else { false } }

    var asNumber: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default: nil
        }
    }
}
