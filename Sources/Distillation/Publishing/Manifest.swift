import Glibc
import JSON
import ModelFiles
import Tasks
import Wire

/// `manifest.json`: what a version is, how it was made and judged, and what its files hold.
///
///     {"format": 1, "name", "version", "created": UTC, "tool",
///      "model": {"contents": hash that the report names, "task", "architecture", "parameters"},
///      "recipe": the lines of recipe.yaml or null,
///      "report": bool, "floors": [{"name", "least", "lower_bound"}],
///      "data": [{"role", "name", "n", "xxh64"}] of the report,
///      "files": [{"name", "bytes", "sha256"}], all but this one}
struct Manifest {
    static let fileName = "manifest.json"

    struct File {
        let name: String
        let count: Int
        let digest: String

        init(name: String, bytes: UnsafeRawBufferPointer) {
            self.name = name
            count = bytes.count
            digest = SHA256.hexadecimal(bytes)
        }

        init(_ file: SmallFile) {
            self = file.contents.withUnsafeBytes { File(name: file.name, bytes: $0) }
        }
    }

    let name: String
    let version: Int
    let task: TrainingTask
    let model: ServedModel
    let recipe: String?
    let report: PublishedReport?
    let floors: [(floor: QualityFloor, bound: Double)]
    let files: [File]

    static func json(_ judged: (floor: QualityFloor, bound: Double)) -> JSONText {
        JSONText.object(["name": judged.floor.name, "least": judged.floor.least, "lower_bound": judged.bound])
    }

    var file: SmallFile {
        let text = JSONText.object([
            ("format", 1), ("name", name), ("version", version), ("created", Self.now),
            ("tool", "distill \(WireProtocol.softwareVersion)"),
            (
                "model",
                JSONText.object([
                    ("contents", model.contents), ("task", task.rawValue),
                    ("architecture", model.model.configuration.architecture), ("parameters", model.parameters),
                ])
            ),
            ("recipe", recipe.map { $0.split(separator: "\n").map(String.init) }),
            ("report", report != nil), ("floors", floors.map(Self.json)),
            (
                "data",
                (report?.data ?? []).map {
                    JSONText.object([("role", $0.role), ("name", $0.name), ("n", $0.examples), ("xxh64", $0.hash)])
                }
            ),
            (
                "files",
                files.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }.map {
                    JSONText.object([("name", $0.name), ("bytes", $0.count), ("sha256", $0.digest)])
                }
            ),
        ])
        return SmallFile(
            name: Self.fileName,
            text: ((try? JSONValue.parse(Array(text.json.utf8)))?.fileText) ?? text.json
        )
    }

    /// "2026-11-27T21:47:00Z"
    private static var now: String {
        var (seconds, parts) = (time(nil), tm())
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
