package import JSON

/// The members of an object, read by their keys. One that is null counts as absent, as `transformers` has it; those that
/// nobody reads can be refused in the end.
package final class FormObject {
    /// The way to the object: "input"; empty at the top.
    private let path: String
    private let object: JSONObject
    /// What stands for members that the object lacks.
    private let common: JSONObject
    /// The keys that were asked for.
    private var known: [String] = []

    /// - Parameters:
    ///   - value: nil stands for an object without members.
    ///   - path: the way to it, for messages; empty at the top.
    package init(_ value: JSONValue?, at path: String) throws(FormError) {
        (self.path, common) = (path, [:])
        switch value {
        case nil, .null: object = [:]
        case .object(let members): object = members
        case let value?: throw FormError("`\(path)` must be an object, and it is \(value.kind)")
        }
    }

    /// The members of an input. One that is a text stands for an object with `text` alone.
    ///
    /// - Parameters:
    ///   - common: what stands for members that the input lacks.
    ///   - textKey: the member for which `text` stands where neither has it.
    package init(input: JSONValue, common: JSONObject = [:], textKey: String = "text") throws(FormError) {
        path = "input"
        let text: JSONValue?
        switch input {
        case .string: (object, text) = ([:], input)
        case .object(let members): (object, text) = (members, members["text"])
        default:
            throw FormError(
                "`input` must be a string or an object, and it is \(input.kind)",
                aboutInput: "expected a JSON string, or an object with \"text\" and perhaps \"text_pair\""
            )
        }
        var common = common
        if let text { _ = common.append(key: textKey, value: text) }
        self.common = common
    }

    /// Refuses members that nobody has read.
    ///
    /// - Parameter owner: whose members they are, for messages.
    package func refuseOthers(of owner: String) throws(FormError) {
        for (key, _) in object.members where !known.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
            let list = known.isEmpty ? "nothing" : known.joined(separator: ", ")
            throw FormError("`\(place(key))` is unknown; \(owner) has \(list)")
        }
    }

    /// The member; nil where it is absent or null.
    package func member(_ key: String) -> JSONValue? {
        known.append(key)
        if let value = object[key] ?? common[key], !value.isNull { return value }
        return nil
    }

    /// Whether the member is there and null.
    func isNull(_ key: String) -> Bool { object[key]?.isNull ?? false }

    /// What is read of a member that must be there.
    package func required<Value>(
        _ key: String,
        _ read: (String) throws(FormError) -> Value?
    ) throws(FormError) -> Value {
        if let value = try read(key) { return value }
        let message = "the key \(quoted(key)) is missing"
        throw FormError(path.isEmpty ? message : "\(path): \(message)", aboutInput: "the object has no \"\(key)\"")
    }

    package func string(_ key: String) throws(FormError) -> String? {
        try read(key, "a string") { if case .string(let text) = $0 { text } else { nil } }
    }

    package func strings(_ key: String) throws(FormError) -> [String]? {
        try list(key, "a string") { if case .string(let text) = $0 { text } else { nil } }
    }

    func bool(_ key: String) throws(FormError) -> Bool? {
        try read(key, "true or false") { if case .bool(let flag) = $0 { flag } else { nil } }
    }

    package func number(_ key: String) throws(FormError) -> Double? { try read(key, "a number") { $0.asNumber } }

    /// A number from 1; 0 where it is absent, as the messages have it.
    func count(_ key: String) throws(FormError) -> UInt32 {
        try read(key, "an integer from 1 to \(Int32.max)") {
            if case .integer(let count) = $0, (1...Int(Int32.max)).contains(count) { UInt32(count) } else { nil }
        } ?? 0
    }

    /// A member that is one of a few words.
    package func choice<Value>(
        _ key: String,
        _ values: [Value],
        _ word: (Value) -> String
    ) throws(FormError) -> Value? {
        try read(key, "one of \(values.map(word).joined(separator: ", "))") {
            if case .string(let text) = $0 { values.first { word($0) == text } } else { nil }
        }
    }

    /// A list of what `take` takes, each of which is `element`: "a string".
    func list<Element>(
        _ key: String,
        _ element: String,
        _ take: (JSONValue) throws(FormError) -> Element?
    ) throws(FormError) -> [Element]? {
        let form = "a list of \(element.dropFirst(2))s"
        return try read(key, form) { (value) throws(FormError) in
            guard case .array(let array) = value else { return nil }
            var list: [Element] = []
            for value in array {
                guard let next = try take(value) else {
                    throw mismatch("\(key)", "[\(list.count)]", element, value, aboutInput: form)
                }
                list.append(next)
            }
            return list
        }
    }

    private func read<Value>(
        _ key: String,
        _ form: String,
        _ take: (JSONValue) throws(FormError) -> Value?
    ) throws(FormError) -> Value? {
        guard let value = member(key) else { return nil }
        guard let read = try take(value) else { throw mismatch(key, "", form, value, aboutInput: form) }
        return read
    }

    private func mismatch(
        _ key: String,
        _ index: String,
        _ form: String,
        _ value: JSONValue,
        aboutInput: String
    ) -> FormError {
        FormError(
            "`\(place(key))\(index)` must be \(form), and it is \(value.kind)",
            aboutInput: "\"\(key)\" is not \(aboutInput)"
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
