import Yams

/// One key of a YAML file with its line.
struct YAMLEntry: Equatable {
    let key: String
    let value: SettingValue
    let line: Int
}

/// Flattens a YAML mapping into dotted keys, in the order of the file. `keys` are the keys that a table knows: a nested
/// mapping goes on only while some of them lie inside it.
func flattenYAML(_ text: String, file: String, keys: [String]) throws(ConfigurationError) -> [YAMLEntry] {
    let root: Node?
    do {
        root = try Yams.compose(yaml: text)
    } catch {
        throw ConfigurationError("\(file): \(describe(error))")
    }
    guard let root else { return [] }
    if case .scalar(let scalar) = root, scalar.string.isEmpty { return [] }
    guard case .mapping(let mapping) = root else {
        throw ConfigurationError("\(file): the file should hold 'key: value' lines")
    }
    var entries: [YAMLEntry] = []
    try collect(mapping, prefix: "", file: file, keys: keys, into: &entries)
    return entries
}

/// The recursion is as deep as the deepest known key.
private func collect(
    _ mapping: Node.Mapping,
    prefix: String,
    file: String,
    keys: [String],
    into entries: inout [YAMLEntry]
) throws(ConfigurationError) {
    for (name, node) in mapping {
        let line = name.mark?.line ?? 1
        guard case .scalar(let scalar) = name else {
            throw ConfigurationError("\(file):\(line): a key should be a word")
        }
        let key = prefix + scalar.string
        switch node {
        case .mapping(let inner) where keys.contains { $0.hasPrefix(key + ".") }:
            try collect(inner, prefix: key + ".", file: file, keys: keys, into: &entries)
        case .mapping(let inner) where inner.isEmpty:
            entries.append(YAMLEntry(key: key, value: .scalar(""), line: line))
        case .mapping:
            // Either unknown, or a plain setting: the table says which.
            entries.append(YAMLEntry(key: key, value: .scalar("{…}"), line: line))
        case .scalar(let value):
            entries.append(YAMLEntry(key: key, value: .scalar(value.string), line: line))
        case .sequence(let sequence):
            var words: [String] = []
            for element in sequence {
                guard case .scalar(let word) = element else {
                    throw ConfigurationError("\(file):\(line): the list '\(key)' should hold plain values")
                }
                words.append(word.string)
            }
            entries.append(YAMLEntry(key: key, value: .list(words), line: line))
        case .alias:
            throw ConfigurationError("\(file):\(line): aliases are not supported")
        }
    }
}

/// Yams' message on one line.
private func describe(_ error: any Error) -> String {
    "not valid YAML: " + String(describing: error).split(separator: "\n").joined(separator: " ")
}

extension Configured {
    /// Applies all keys of a YAML text. `file` is its path, for messages.
    package mutating func apply(yaml text: String, file: String) throws(ConfigurationError) {
        var problems = ConfigurationProblems()
        for entry in try flattenYAML(text, file: file, keys: Self.settings.map(\.key)) {
            problems.attempt { () throws(ConfigurationError) in
                try apply(entry.key, entry.value, place: "\(file):\(entry.line)")
            }
        }
        try problems.check()
    }
}

/// A text as a YAML file would have it: in quotes where it has to be.
func yaml(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || "0123456789/._".unicodeScalars.contains($0)
    }
    return isPlain ? text : "'\(text.replacing("'", with: "''"))'"
}
