import LinuxSystem
package import ModelFiles
import Yams

/// A recipe on the disk: one flat YAML mapping. It is written into the folder of every model that is made, so that the run can be
/// repeated.
package struct RecipeFile: Sendable {
    /// The file's name in a model's folder.
    package static let name = "recipe.yaml"

    package var settings = RecipeSettings()
    /// The other words of the command: what it was, its model, teacher and data files. They are for people and for reports; a
    /// command that is given the file does not look at them.
    package var command: [(key: String, value: String)] = []

    package init() {}

    package init(reading path: String) throws(DistillationError) {
        let text: String
        do throws(SystemError) {
            text = try FileContents.readText(path)
        } catch {
            throw .usage("\(path): the recipe cannot be read: \(error)")
        }
        try self.init(text, file: path)
    }

    /// - Parameters:
    ///   - text: the contents.
    ///   - file: its name, for messages.
    package init(_ text: String, file: String) throws(DistillationError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            let message = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            throw .usage("\(file): it is no YAML: \(message)")
        }
        guard let root else { return }
        guard case .mapping(let mapping) = root else {
            throw .usage("\(file): expected one setting per line, such as `epochs: 3`")
        }
        for (key, value) in mapping {
            let name = key.string ?? ""
            let line = key.mark.map { ":\($0.line)" } ?? ""
            if Self.commandKeys.contains(name) {
                command.append((name, value.string ?? ""))
                continue
            }
            guard let setting = RecipeKey(rawValue: name) else {
                let close = nearest(to: name, in: RecipeKey.allCases.map(\.rawValue))
                throw .usage(
                    "\(file)\(line): there is no setting '\(name)'" + (close.map { "; is `\($0)` meant?" } ?? "")
                )
            }
            let text: String
            switch value {
            case .scalar(let scalar): text = scalar.string
            case .sequence(let sequence): text = sequence.map { $0.string ?? "?" }.joined(separator: ",")
            default: throw .usage("\(file)\(line): `\(name)` must be one value")
            }
            try settings.set(setting, text, source: "\(file)\(line): `\(name)`")
        }
    }

    private static let commandKeys: Set<String> = [
        "command", "model", "teacher", "teacher_hash", "data", "unlabelled", "validation", "task", "method", "preset",
    ]

    /// The file, with a line of explanation for each setting.
    package var text: String {
        var lines = ["# How this model was made; give it to `distill … --config` to repeat it."]
        for (key, value) in command { lines.append("\(key): \(quoted(value))") }
        for key in RecipeKey.allCases {
            guard let value = settings.text(key) else { continue }
            lines.append("\(key.rawValue): \(key == .teacherLayers ? "[\(value)]" : value)  # \(key.help)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The file, to be written into a model's folder.
    package var file: SmallFile { SmallFile(name: Self.name, text: text) }

    /// With double quotes; what YAML does not allow between them, as in odd names of files, is escaped.
    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", "\"": result += "\\\(scalar)"
            case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}", "\u{FFFE}", "\u{FFFF}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
