/// The sentence that a label is put into: a format string of Python with one place, `{}` or `{0}`, which may stand
/// several times as `{0}`. `{{` and `}}` are braces.
struct HypothesisTemplate {
    static let standard = "This example is {}."

    /// What stands between the places; one more than there are places.
    private let parts: [String]

    init(_ template: String) throws(TaskError) {
        var parts = [""]
        var places: Set<String> = []
        var rest = template.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                rest.removeFirst()
                parts[parts.count - 1].unicodeScalars.append(scalar)
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw Self.error("a { has no }") }
                let name = String(rest[..<end])
                guard name == "0" || name.isEmpty && places.isEmpty else {
                    throw Self.error("\(name.isEmpty ? "a second {}" : "{\(name)}") has no label; there is one")
                }
                places.insert(name)
                guard places.count == 1 else { throw Self.error("{} and {0} do not go together") }
                parts.append("")
                rest = rest[rest.index(after: end)...]
            case "}": throw Self.error("a } has no {")
            default: parts[parts.count - 1].unicodeScalars.append(scalar)
            }
        }
        guard parts.count > 1 else { throw Self.error("there is no {} in it, where the label goes") }
        self.parts = parts
    }

    func callAsFunction(_ label: String) -> String { parts.joined(separator: label) }

    private static func error(_ reason: String) -> TaskError {
        .invalid("hypothesis_template", "\(reason); write it as \"\(standard)\"")
    }
}
