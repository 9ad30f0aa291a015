import LinuxSystem
import Time

/// A configuration that cannot be used: what is wrong first, in one sentence that names the place and says what to do, and what
/// else is.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    package var message: String
    package private(set) var others: [String] = []

    package init(_ message: String) { self.message = message }

    fileprivate init(_ messages: ArraySlice<String>) {
        message = messages.first ?? ""
        others = Array(messages.dropFirst())
    }

    package var messages: [String] { [message] + others }
    package var description: String { messages.joined(separator: "; ") }
}

/// Collects what is wrong, so that all of it can be said at once.
package struct ConfigurationProblems: Sendable {
    package private(set) var messages: [String] = []

    package init() {}

    /// Does something, and notes why it cannot be done.
    package mutating func attempt(_ body: () throws(ConfigurationError) -> Void) {
        do throws(ConfigurationError) {
            try body()
        } catch {
            messages += error.messages
        }
    }

    /// Throws what was noted, if anything was.
    package func check() throws(ConfigurationError) {
        if !messages.isEmpty { throw ConfigurationError(messages[...]) }
    }
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

/// When a change of a setting takes effect.
package enum SettingKind: String, Sendable {
    case hot = "SIGHUP changes it at once"
    case newGeneration = "SIGHUP changes it, for what is loaded from then on"
    case restart = "a change needs a restart"
}

/// How a value is written.
struct Notation<Value>: Sendable {
    /// What would fit, when something does not.
    let expected: String
    /// As a YAML file would have it; nil when there is nothing to write.
    let show: @Sendable (Value) -> String?
    let parse: @Sendable (SettingValue) -> Value?

    /// A single word or number.
    static func word(
        _ expected: String,
        show: @escaping @Sendable (Value) -> String? = { "\($0)" },
        parse: @escaping @Sendable (String) -> Value?
    ) -> Notation {
        Notation(expected: expected, show: show) { if case .scalar(let word) = $0 { parse(word) } else { nil } }
    }
}

extension Notation<String> {
    static let text = word("a text", show: { $0.isEmpty ? nil : yaml($0) }, parse: { $0.isEmpty ? nil : $0 })
}

extension Notation<String?> {
    static let optionalText = word("a text", show: { $0.map(yaml) }, parse: { $0.isEmpty ? nil : .some($0) })
}

extension Notation<[UInt32]> {
    /// Users by their ids or names.
    static let users = Notation(
        expected: "user ids, or names of users that this machine knows",
        show: { "[\($0.map(String.init).joined(separator: ", "))]" },
        parse: { value in
            let users = value.words.map { UInt32($0) ?? Users.id(named: $0) }
            return users.contains(nil) ? nil : users.compactMap { $0 }
        }
    )
}

extension Notation<Bool> {
    static let flag = word("true or false") { word in
        switch word {
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        default: nil
        }
    }
}

extension Notation<Int> {
    static func integer(_ range: ClosedRange<Int>) -> Notation {
        word("a whole number from \(range.lowerBound) to \(range.upperBound)") { word in
            Int(word).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

extension Notation<Double> {
    static func number(_ range: ClosedRange<Double>) -> Notation {
        @Sendable func short(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : "\(number)" }
        return word("a number from \(short(range.lowerBound)) to \(short(range.upperBound))", show: short) { word in
            Double(word).flatMap { range.contains($0) ? $0 : nil }
        }
    }
}

/// One day in microseconds, the longest duration of a setting.
private let day: Int64 = 86_400_000_000

extension Notation<Duration> {
    /// Whole microseconds.
    static let microseconds = word(
        "a whole number of microseconds from 0 to \(day)",
        show: { "\($0.microseconds)" },
        parse: { word in Int64(word).flatMap { 0...day ~= $0 ? .microseconds($0) : nil } }
    )
}

extension Notation<Duration?> {
    /// Whole microseconds; 0 is none.
    static let microsecondsOrNone = optional(Notation<Duration>.microseconds.expected, from: 0)

    /// The same, but none or at least so long.
    static func noneOrMicroseconds(from least: Int64) -> Notation {
        optional("0, or microseconds from \(least) to \(day)", from: least)
    }

    private static func optional(_ expected: String, from least: Int64) -> Notation {
        word(expected, show: { "\($0?.microseconds ?? 0)" }) { word in
            guard let number = Int64(word), number == 0 || least...day ~= number else { return nil }
            return .some(number == 0 ? nil : .microseconds(number))
        }
    }
}

/// One row of a table of settings. Its default is what a configuration has that was told nothing.
package struct Setting<Target>: Sendable {
    /// Nested keys are joined by dots: `instance_group.count`.
    package let key: String
    let kind: SettingKind
    /// What it is, in a sentence for people.
    private(set) var text = ""
    /// Returns what was expected instead when the value does not fit.
    let write: @Sendable (inout Target, SettingValue) -> String?
    let read: @Sendable (Target) -> String?
    /// Takes the value of another configuration.
    let take: @Sendable (inout Target, _ from: Target) -> Void

    init<Value>(
        _ key: String,
        _ kind: SettingKind,
        _ path: any WritableKeyPath<Target, Value> & Sendable,
        _ notation: Notation<Value>
    ) {
        (self.key, self.kind) = (key, kind)
        write = { target, value in
            guard let parsed = notation.parse(value) else { return notation.expected }
            target[keyPath: path] = parsed
            return nil
        }
        read = { notation.show($0[keyPath: path]) }
        take = { target, source in target[keyPath: path] = source[keyPath: path] }
    }

    func about(_ text: String) -> Setting {
        var setting = self
        setting.text = text
        return setting
    }
}

/// What is configured by a table of settings, and knows where each value came from.
package protocol Configured: Sendable {
    static var settings: [Setting<Self>] { get }
    /// By key; a setting that has its default is not here.
    var origins: [String: String] { get set }

    init()
}

extension Configured {
    /// Applies one value. `place` says where it was written.
    mutating func apply(_ key: String, _ value: SettingValue, place: String) throws(ConfigurationError) {
        guard let setting = Self.settings.first(where: { $0.key == key }) else {
            throw ConfigurationError("\(place): unknown key '\(key)'\(Self.suggestion(for: key))")
        }
        guard let expected = setting.write(&self, value) else { return origins[key] = place }
        let written =
            switch value {
            case .scalar(let text): "'\(text)'"
            case .list(let words): "[\(words.joined(separator: ", "))]"
            }
        throw ConfigurationError("\(place): \(key) is \(written), but should be \(expected)")
    }

    /// Takes from a newer configuration what may change while the server runs.
    ///
    /// - Returns: the keys of what has changed and may not.
    package mutating func adopt(_ newer: Self) -> [String] {
        let changed = Self.settings.filter { $0.read(self) != $0.read(newer) }
        for setting in changed where setting.kind != .restart {
            setting.take(&self, newer)
            origins[setting.key] = newer.origins[setting.key]
        }
        return changed.filter { $0.kind == .restart }.map(\.key)
    }

    /// Each setting as lines of YAML that set it to the value that it has, with what it is, and where the value came from.
    var page: [String] {
        Self.settings.flatMap { setting in
            let value = setting.read(self)
            let line = value.map { "\(setting.key): \($0)" } ?? "# \(setting.key):"
            return ["# \(setting.text) (\(setting.kind.rawValue))", "\(line)  # \(origins[setting.key] ?? "default")"]
        }
    }

    /// "; did you mean 'x'?" with the nearest known key, when one is near.
    private static func suggestion(for key: String) -> String {
        let keys = settings.map(\.key)
        let ranked = keys.map { (key: $0, distance: editDistance($0, key)) }
        guard let nearest = ranked.min(by: { $0.distance < $1.distance }) else { return "" }
        if nearest.distance <= max(2, key.utf8.count / 2) { return "; did you mean '\(nearest.key)'?" }
        return "; known keys are \(keys.sorted().joined(separator: ", "))"
    }
}

/// Insertions, deletions and substitutions that make one text of the other (Levenshtein, 1965).
private func editDistance(_ left: String, _ right: String) -> Int {
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
