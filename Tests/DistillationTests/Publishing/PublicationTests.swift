import Distillation
import Foundation
import TestSupport
import Testing

@Suite struct PublicationTests {
    private let folders: ModelFolders
    private let model: String
    private let report: String

    /// A model, and a report in which it is right in nearly all of 40 texts, as its own teacher.
    init() throws {
        folders = try ModelFolders()
        model = try folders.classifier("model", seed: 1, recipe: "epochs: 2\nseed: 7\n")
        report = folders.folder("report")
        var data = try ModelFolders.labelled(by: model, 40, seed: 1)
        for index in [3, 20] {
            guard case .label(let label) = data.examples[index].target else { continue }
            data.examples[index].target = .label((label + 1) % 3)
        }
        let made = try Comparison(
            .init(draws: try Draws(teachers: [model]), students: [model]),
            data: data,
            files: [.init(role: "test", name: "test.csv", examples: 40, hash: "0123456789abcdef")],
            threads: 2,
            rounds: 1,
            resamples: 200
        ).run()
        try ReportFiles.write(made, to: report)
    }

    private func publish(
        _ directory: String? = nil,
        version: Int? = nil,
        report: String? = nil,
        floors: [String] = [],
        replacing: Bool = false
    ) throws -> Publication.Outcome {
        try Publication(
            directory: directory ?? model,
            repository: folders.folder("models"),
            name: "topics",
            version: version,
            report: try report.map { try PublishedReport(reading: $0) },
            floors: try floors.map { try QualityFloor(parsing: $0) },
            replacing: replacing
        ).run()
    }

    private func failure(_ body: () throws -> Publication.Outcome) -> DistillationError? {
        #expect(throws: DistillationError.self) { _ = try body() }
    }

    private func contents(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folders.folder(path)).sorted()
    }

    /// The model that comes with the repository, which was published with this code.
    @Test func theModelOfTheRepositoryIsWhatItsManifestSays() throws {
        var root = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { root.deleteLastPathComponent() }
        let folder = root.appendingPathComponent("ops/models/intents/1")
        func data(_ name: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(name)) }
        let manifest = try #require(JSONSerialization.jsonObject(with: data("manifest.json")) as? [String: Any])
        let files = try #require(manifest["files"] as? [[String: Any]])
        for file in files {
            let name = try #require(file["name"] as? String)
            let hash = try data(name).withUnsafeBytes { SHA256.hexadecimal($0) }
            #expect(hash == file["sha256"] as? String, "\(name)")
        }
        let listed = Set(files.compactMap { $0["name"] as? String } + ["manifest.json"])
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)) == listed)
        #expect(try data("model.safetensors").count < 8_000_000)
    }

    @Test func aVersionHasTheModelItsProofAndAManifestOfBoth() throws {
        try folders.folder.write("models/topics/config.yaml", "variants: [fp32]\n")
        try folders.folder.write("model/.hidden", "no part of it")
        let outcome = try publish(
            report: "\(report)/report.json",
            floors: ["kept=0.9", "accuracy=0.8", "macro_f1=0.4"]
        )
        #expect(outcome.version == 1)
        #expect(try contents("models/topics") == ["1", "config.yaml"])
        let names = try contents("models/topics/1")
        #expect(
            names == [
                "config.json", "expected.jsonl", "manifest.json", "model.safetensors", "recipe.yaml", "report.html",
                "report.json", "tokenizer_config.json", "vocab.txt",
            ]
        )
        #expect(try ServedModel(directory: outcome.folder).contents == outcome.contents)
        let text = try Data(contentsOf: URL(fileURLWithPath: "\(outcome.folder)/manifest.json"))
        let manifest = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
        #expect(manifest["recipe"] as? [String] == ["epochs: 2", "seed: 7"])
        #expect((manifest["data"] as? [[String: Any]])?.first?["xxh64"] as? String == "0123456789abcdef")
        let files = try #require(manifest["files"] as? [[String: Any]])
        #expect(files.compactMap { $0["name"] as? String } == names.filter { $0 != "manifest.json" })
        for file in files {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(outcome.folder)/\(file["name"] as? String ?? "")"))
            #expect(file["bytes"] as? Int == bytes.count)
            #expect(file["sha256"] as? String == bytes.withUnsafeBytes { SHA256.hexadecimal($0) })
        }
        #expect(outcome.expectedAnswers >= 8 + 12, "\(outcome.expectedAnswers)")
        #expect(outcome.floors.map(\.floor.name) == ["kept", "accuracy", "macro_f1"])
        let accuracy = outcome.floors[1].bound
        #expect(accuracy < 0.95 && accuracy > 0.8, "the lower end, not the estimate: \(accuracy)")
    }

    @Test func versionsAreNumberedAndNotReplacedUnasked() throws {
        #expect(try publish().version == 1)
        #expect(try publish().version == 2)
        #expect(try publish(version: 7).version == 7)
        #expect(try publish().version == 8)
        let error = failure { try publish(version: 7) }
        #expect(error?.kind == .usage && error?.message.contains("models/topics/7 is there") == true)
        let before = try ServedModel(directory: folders.folder("models/topics/7")).contents
        let other = try folders.classifier("other", seed: 9)
        let replaced = try publish(other, version: 7, replacing: true)
        #expect(replaced.contents != before)
        #expect(try ServedModel(directory: folders.folder("models/topics/7")).contents == replaced.contents)
        #expect(try contents("models/topics") == ["1", "2", "7", "8"], "nothing is left beside them")
    }

    @Test func aFloorIsComparedWithTheLowerEnd() throws {
        // 38 of 40 are right: 95 %, of which 97.5 % of resamples show some 88 % or more.
        let error = failure { try publish(report: report, floors: ["accuracy=0.94"]) }
        #expect(error?.kind == .belowFloor && error?.exitStatus == 3)
        #expect(error?.message.contains("accuracy is shown to be at least 0.") == true, "\(error?.message ?? "")")
        // It keeps all of itself, as far as 40 examples show that: 0.025^(1/40) of it.
        #expect(try publish(report: report, floors: ["kept=0.91"]).floors[0].bound == pow(0.025, 1.0 / 40))
        #expect(failure { try publish(report: report, floors: ["kept=0.92"]) }?.kind == .belowFloor)
        #expect(try contents("models/topics") == ["1"])
    }

    @Test func whatCannotBeShownIsRefused() throws {
        #expect(failure { try publish(floors: ["kept=0.9"]) }?.kind == .usage)
        let unknown = failure { try publish(report: report, floors: ["speed=0.9"]) }
        #expect(unknown?.kind == .usage && unknown?.message.contains("it has accuracy, macro_f1, ") == true)
        #expect(unknown?.message.hasSuffix(", kept") == true, "\(unknown?.message ?? "")")
        #expect(failure { try publish(report: report, floors: ["loss=0.9"]) }?.kind == .usage)
        for text in ["kept", "kept=", "=0.9", "kept=two", "kept=1.1", "kept=-0.1", "kept=nan"] {
            #expect(throws: DistillationError.self) { try QualityFloor(parsing: text) }
        }
        let other = try folders.classifier("other", seed: 2)
        let error = failure { try publish(other, report: report) }
        #expect(error?.kind == .failed && error?.message.contains("is not about") == true)
        #expect(failure { try publish(version: 0) }?.kind == .usage)
        for name in ["../topics", "topics@2", "a/b", ""] {
            let error = #expect(throws: DistillationError.self) {
                try Publication(directory: model, repository: folders.folder("models"), name: name).run()
            }
            #expect(error?.kind == .usage)
        }
        try folders.folder.write("broken/report.json", "{]")
        #expect(failure { try publish(report: folders.folder("broken")) }?.kind == .failed)
        #expect(!FileManager.default.fileExists(atPath: folders.folder("models")), "nothing was published")
    }

    /// Answers that a person has recorded are kept, and a model that does not give them is not published.
    @Test func recordedAnswersAreKept() throws {
        let published = try publish()
        let made = try String(contentsOfFile: "\(published.folder)/expected.jsonl", encoding: .utf8)
        let lines = made.split(separator: "\n")
        try folders.folder.write("model/expected.jsonl", lines[1] + "\n")
        let again = try publish()
        #expect(again.expectedAnswers == 1)
        let wrong = lines[1].replacingOccurrences(of: "\"label\":\"", with: "\"label\":\"not ")
        try folders.folder.write("model/expected.jsonl", wrong + "\n")
        let error = failure { try publish() }
        #expect(
            error?.kind == .failed && error?.message.contains("expected.jsonl line 1 (classify") == true,
            "\(error?.message ?? "")"
        )
        #expect(try contents("models/topics") == ["1", "2"])
    }

    @Test func aFewShotFolderIsPublished() throws {
        let data = try ModelFolders.labelled(by: model, 18, seed: 4)
        var settings = RecipeSettings()
        for (key, value) in [(RecipeKey.pairs, "1"), (.folds, "2")] { try settings.set(key, value, source: "test") }
        let output = folders.folder("few-shot")
        _ = try Finetuning(
            source: try ModelSource(model),
            data: data,
            method: .fewShot,
            recipe: Recipe(settings),
            options: RunOptions(output: output, threads: 2)
        ).run()
        let outcome = try publish(output)
        #expect(try contents("models/topics/1").contains("modules.json"))
        #expect(try ServedModel(directory: outcome.folder).contents == outcome.contents)
        let lines = try String(contentsOfFile: "\(outcome.folder)/expected.jsonl", encoding: .utf8).split(
            separator: "\n"
        )
        #expect(lines.contains { $0.hasPrefix("{\"task\":\"classify\"") })
    }
}
