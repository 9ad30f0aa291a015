/// A configuration that cannot be used, in one sentence that names the place and says what to do.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package var message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}

/// A setting's value as it was written: in a YAML file, an environment variable or a flag.
package enum SettingValue: Equatable, Sendable {
    case scalar(String)
    case list([String])

    /// The words of a list, or of a scalar separated by commas.
    var words: [String] {
        switch self {
        case .list(let words): words
        case .scalar(let text):
            text.split(separator: ",").map { $0.drop { $0 == " " } }.map(String.init)
        }
    }
}

/// One key of a table of settings: its name and what it does to a configuration.
struct Setting<Target>: Sendable {
    /// Nested keys are joined by dots: `instance_group.count`.
    let key: String
    /// Returns what was expected instead when the value does not fit.
    let apply: @Sendable (inout Target, SettingValue) -> String?

    /// A single word or number; `expected` says what would fit when `parse` gives nil.
    static func value<Value>(
        _ key: String,
        _ path: any WritableKeyPath<Target, Value> & Sendable,
        _ expected: String,
        _ parse: @escaping @Sendable (String) -> Value?
    ) -> Setting {
        Setting(key: key) { target, value in
            guard case .scalar(let text) = value, let parsed = parse(text) else { return expected }
            target[keyPath: path] = parsed
            return nil
        }
    }

    static func text(_ key: String, _ path: any WritableKeyPath<Target, String> & Sendable) -> Setting {
        value(key, path, "a text") { $0.isEmpty ? nil : $0 }
    }

    static func optionalText(_ key: String, _ path: any WritableKeyPath<Target, String?> & Sendable) -> Setting {
        value(key, path, "a text") { $0.isEmpty ? nil : .some($0) }
    }

    static func flag(_ key: String, _ path: any WritableKeyPath<Target, Bool> & Sendable) -> Setting {
        let words = [
            "true": true, "yes": true, "on": true, "1": true, "false": false, "no": false, "off": false, "0": false,
        ]
        return value(key, path, "true or false") { words[$0] }
    }

    static func integer(
        _ key: String,
        _ range: ClosedRange<Int>,
        _ path: any WritableKeyPath<Target, Int> & Sendable
    ) -> Setting {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return value(key, path, expected) { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
    }

    static func fraction(_ key: String, _ path: any WritableKeyPath<Target, Double> & Sendable) -> Setting {
        value(key, path, "a number from 0 to 1") { text in Double(text).flatMap { (0...1).contains($0) ? $0 : nil } }
    }

    /// A duration given in microseconds and kept in nanoseconds, up to one day.
    static func microseconds(_ key: String, _ path: any WritableKeyPath<Target, Int64> & Sendable) -> Setting {
        let limit: Int64 = 86_400_000_000
        return value(key, path, "a whole number of microseconds from 0 to \(limit)") { text in
            Int64(text).flatMap { (0...limit).contains($0) ? $0 * 1000 : nil }
        }
    }
}

/// All settings of one kind of configuration.
struct SettingTable<Target>: Sendable {
    let settings: [Setting<Target>]

    var keys: [String] { settings.map(\.key) }

    /// Applies one value. `place` says where it was written.
    func apply(_ key: String, _ value: SettingValue, to target: inout Target, place: String) throws(ConfigurationError)
    {
        guard let setting = settings.first(where: { $0.key == key }) else {
            throw ConfigurationError("\(place): unknown key '\(key)'\(suggestion(for: key))")
        }
        guard let expected = setting.apply(&target, value) else { return }
        let written =
            switch value {
            case .scalar(let text): "'\(text)'"
            case .list(let words): "[\(words.joined(separator: ", "))]"
            }
        throw ConfigurationError("\(place): \(key) is \(written), but should be \(expected)")
    }

    /// "; did you mean 'x'?" with the nearest known key, when one is near.
    func suggestion(for key: String) -> String {
        let ranked = keys.map { (key: $0, distance: editDistance($0, key)) }
        guard let nearest = ranked.min(by: { $0.distance < $1.distance }) else { return "" }
        if nearest.distance <= max(2, key.utf8.count / 2) { return "; did you mean '\(nearest.key)'?" }
        return "; known keys are \(keys.sorted().joined(separator: ", "))"
    }
}

/// Insertions, deletions and substitutions that make one text of the other (Levenshtein, 1965).
func editDistance(_ left: String, _ right: String) -> Int {
    let (left, right) = (Array(left.utf8), Array(right.utf8))
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for (column, other) in right.enumerated() {
            let substituted = diagonal + (byte == other ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(substituted, row[column] + 1, row[column + 1] + 1)
        }
    }
    return row[right.count]
}
