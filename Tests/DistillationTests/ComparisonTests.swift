import Distillation
import Foundation
import TestSupport
import Testing

@Suite struct ComparisonTests {
    private typealias Object = [String: Any]

    private static func object(_ report: Report) throws -> Object {
        try #require(try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? Object)
    }

    private static func recipe(_ seed: Int, layers: Int = 1) -> String {
        "# A comment.\ncommand: \"train\"\nlayers: \(layers)  # the student's layers\nseed: \(seed)  # of everything\n"
    }

    @Test func seedsOfARecipeAreOneSystemAndEverythingIsComparedOnTheSameExamples() throws {
        let folders = try ModelFolders()
        let teacher = try folders.classifier("teacher", seed: 1)
        let students = [
            try folders.classifier("pkd-seed2", seed: 3, layers: 1, recipe: Self.recipe(2)),
            try folders.classifier("pkd-seed1", seed: 2, layers: 1, recipe: Self.recipe(1)),
            try folders.classifier("other", seed: 4, layers: 1, recipe: Self.recipe(1, layers: 2)),
        ]
        let plain = try folders.classifier("plain", seed: 5, layers: 1)
        var data = try ModelFolders.labelled(by: teacher, 60, seed: 1)
        var training = try ModelFolders.labelled(by: teacher, 45, seed: 2)
        training.examples.append(data.examples[7])
        data.labels.append("weather")
        data.examples += ModelFolders.texts(20, seed: 3).map { Example(text: $0, target: .label(3)) }
        let report = try Comparison(
            .init(teacher: teacher, students: students, baselines: [plain]),
            training: training,
            data: data,
            outOfScope: ["weather"],
            files: [],
            threads: 2,
            rounds: 2,
            resamples: 100
        ).run()
        let root = try Self.object(report)
        #expect(root["n"] as? Int == 60, "texts out of scope are no part of the accuracy")
        #expect(root["labels"] as? [String] == ModelFolders.labels)
        let systems = try #require(root["systems"] as? [Object])
        #expect(
            systems.map { $0["name"] as? String } == [
                "teacher", "pkd", "other", "pkd, bf16", "pkd, int8", "other, bf16", "other, int8", "plain",
                "frozen teacher, 2 layers", "frozen teacher, 1 layer", "tf-idf + logistic regression",
            ]
        )
        for system in systems {
            let name = try #require(system["name"] as? String)
            let rates = try #require(system["throughput"] as? [Double])
            #expect(rates.count == 2 && rates.allSatisfy { $0 > 0 }, "\(name)")
            let scope = try #require(system["out_of_scope"] as? Object, "\(name)")
            #expect((0...1).contains(try #require(scope["recall"] as? Double)))
            #expect(try #require(system["parameters"] as? Int) > 0)
        }
        let pkd = try #require(systems[1]["runs"] as? [Object])
        #expect(pkd.map { $0["seed"] as? Int } == [1, 2])
        let hashes = try [students[1], students[0]].map { try ServedModel(directory: $0).contents }
        #expect(pkd.map { $0["contents"] as? String } == hashes)
        let confusions = try #require(systems[1]["calibration"] as? [Object])
        #expect(confusions.reduce(0) { $0 + ($1["n"] as? Int ?? 0) } == 120, "both seeds together")
        // The teacher is always right here, and 60 examples do not show that it always will be.
        let metrics = try #require(systems[0]["metrics"] as? [String: Object])
        #expect(metrics["accuracy"]?["value"] as? Double == 1)
        #expect(abs(try #require(metrics["accuracy"]?["low"] as? Double) - pow(0.025, 1.0 / 60)) < 1e-12)
        let warnings = try #require(root["warnings"] as? [String])
        #expect(warnings.count == 1 && warnings[0].hasPrefix("1 text of the 60"), "\(warnings)")
        #expect((root["texts"] as? [Object])?.count == 32)
        #expect(root["distillation"] is Object)
        #expect((root["missing"] as? [Object])?.isEmpty == true)
        #expect(report.html.contains("is in the training data"))
    }

    @Test func whatCannotBeComparedIsNamed() throws {
        let folders = try ModelFolders()
        let teacher = try folders.classifier("teacher", seed: 1)
        let data = try ModelFolders.labelled(by: teacher, 12, seed: 1)
        func compare(_ students: [String], outOfScope: [String] = []) throws -> Report {
            try Comparison(
                .init(teacher: teacher, students: students),
                data: data,
                outOfScope: outOfScope,
                files: [],
                threads: 1,
                rounds: 1,
                resamples: 50
            ).run()
        }
        let root = try Self.object(compare([teacher]))
        let missing = try #require(root["missing"] as? [[String: String]])
        #expect(
            missing.map { $0["name"] } == [
                "student without distillation", "frozen encoder + logistic regression", "tf-idf + logistic regression",
            ]
        )
        #expect(missing.last?["reason"]?.contains("--train") == true)
        let systems = try #require(root["systems"] as? [Object])
        #expect(
            systems.map { $0["name"] as? String } == [
                "teacher", "teacher (2)", "teacher (2), bf16", "teacher (2), int8",
            ]
        )
        for (students, strange) in [([], []), ([teacher], ["weather"])] as [([String], [String])] {
            let error = #expect(throws: DistillationError.self) { try compare(students, outOfScope: strange) }
            #expect(error?.kind == .usage)
        }
        let twice = try [
            folders.classifier("a", seed: 1, recipe: Self.recipe(1)),
            folders.classifier("b", seed: 2, recipe: Self.recipe(1)),
        ]
        let error = #expect(throws: DistillationError.self) { try compare(twice) }
        #expect(error?.message.contains("one recipe with one seed") == true)
    }

    @Test func aReportIsReplacedWhenAsked() throws {
        let folders = try ModelFolders()
        let output = folders.folder("report")
        try ReportFiles.check(output, replacing: false)
        try folders.folder.makeFolder("report")
        let error = #expect(throws: DistillationError.self) { try ReportFiles.check(output, replacing: false) }
        #expect(error?.kind == .usage)
        try ReportFiles.check(output, replacing: true)
    }
}
