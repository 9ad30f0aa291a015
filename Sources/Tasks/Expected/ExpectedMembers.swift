import ModelFiles

/// The members of an object in which nothing is unknown.
struct ExpectedMembers {
    private let object: JSONNode?

    /// - Parameters:
    ///   - object: nil stands for one without members.
    ///   - owner: whose members they are, for messages.
    ///   - known: the keys that there may be.
    init(_ object: JSONNode?, of owner: String, _ known: [String]) throws(ModelFilesError) {
        self.object = object
        for (key, node) in try object?.members() ?? [] where !known.contains(where: { $0.utf8.elementsEqual(key.utf8) })
        {
            let list = known.isEmpty ? "nothing" : known.joined(separator: ", ")
            throw node.unusable("`\(node.path)` is unknown; \(owner) has \(list)")
        }
    }

    func node(_ key: String) throws(ModelFilesError) -> JSONNode? { try object?.member(key) }

    func string(_ key: String) throws(ModelFilesError) -> String? { try node(key)?.string() }

    func bool(_ key: String) throws(ModelFilesError) -> Bool { try node(key)?.bool() ?? false }

    /// A number from 1.
    func count(_ key: String) throws(ModelFilesError) -> Int? { try node(key)?.integer(in: 1...Int(Int32.max)) }

    func strings(_ key: String) throws(ModelFilesError) -> [String]? { try node(key)?.strings() }

    /// Whether the member is there and null.
    func isNull(_ key: String) throws(ModelFilesError) -> Bool {
        for (name, node) in try object?.members() ?? [] where name == key {
            if case .null = node.value { return true }
        }
        return false
    }

    /// A member that is one of a few words.
    func choice<Value>(_ key: String, _ words: KeyValuePairs<String, Value>) throws(ModelFilesError) -> Value? {
        guard let node = try node(key) else { return nil }
        let word = try node.string()
        guard let found = words.first(where: { $0.key == word }) else {
            throw node.mismatch("one of \(words.map(\.key).joined(separator: ", "))")
        }
        return found.value
    }
}

extension JSONNode {
    /// An array of strings.
    func strings() throws(ModelFilesError) -> [String] {
        var strings: [String] = []
        for element in try elements() { strings.append(try element.string()) }
        return strings
    }

    /// An error about this value, in these words.
    func unusable(_ message: String) -> ModelFilesError { ModelFilesError(.invalidConfiguration, file: file, message) }
}
