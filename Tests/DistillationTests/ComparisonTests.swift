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
            .init(draws: try Draws(teachers: [teacher]), students: students, baselines: [plain]),
            training: [training],
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

    private static func recipe(_ seed: Int, data: String, teacher: String? = nil, hash: String? = nil) -> String {
        var text = "command: \"\(teacher == nil ? "finetune" : "train")\"\ndata: \"\(data)\"\nseed: \(seed)\n"
        if let teacher { text += "teacher: \"\(teacher)\"\n" }
        if let hash { text += "teacher_hash: \"\(hash)\"\n" }
        return text
    }

    /// Each student has the weights of its own teacher, so that within a draw nothing differs, whatever the draws do.
    @Test func modelsOfSeveralDrawsAreOneSystemAndComparedDrawByDraw() throws {
        let folders = try ModelFolders()
        let files = try (1...3).map { draw in
            try folders.folder.write("few-\(draw).csv", "text,label\n")
            return folders.folder("few-\(draw).csv")
        }
        let teachers = try (0..<3).map { draw in
            try folders.classifier("t-\(draw + 1)", seed: UInt64(draw + 1), recipe: Self.recipe(1, data: files[draw]))
        }
        let students = try [
            // By its teacher's hash, though another folder is there now; by its path; by its data alone.
            folders.classifier(
                "distilled-3",
                seed: 3,
                recipe: Self.recipe(
                    3,
                    data: "elsewhere.csv",
                    teacher: teachers[0],
                    hash: ServedModel.contents(of: teachers[2])
                )
            ),
            folders.classifier("distilled-1", seed: 1, recipe: Self.recipe(1, data: "moved.csv", teacher: teachers[0])),
            folders.classifier("distilled-2", seed: 2, recipe: Self.recipe(2, data: files[1], teacher: "moved")),
        ]
        let plain = try (0..<2).map { draw in
            try folders.classifier("plain-\(draw)", seed: 9, recipe: Self.recipe(draw, data: files[draw]))
        }
        let draws = try Draws(teachers: teachers)
        #expect(try draws.sorted([files[2], files[0], files[1]]) == [[files[0]], [files[1]], [files[2]]])
        var data = try ModelFolders.labelled(by: teachers[0], 45, seed: 1)
        for place in 1...2 {
            data.examples += try ModelFolders.labelled(by: teachers[place], 45, seed: UInt64(place + 1)).examples
        }
        let report = try Comparison(
            .init(draws: draws, students: students, baselines: plain),
            training: try (0..<3).map { try ModelFolders.labelled(by: teachers[0], 30, seed: UInt64($0 + 5)) },
            data: data,
            files: [],
            threads: 2,
            rounds: 1,
            resamples: 100
        ).run()
        let root = try Self.object(report)
        #expect(root["draws"] as? [String] == ["few-1.csv", "few-2.csv", "few-3.csv"])
        let systems = try #require(root["systems"] as? [Object])
        #expect(
            systems.map { $0["name"] as? String } == [
                "t", "distilled", "distilled, bf16", "distilled, int8", "plain", "frozen t, 2 layers",
                "tf-idf + logistic regression",
            ]
        )
        func runs(_ system: Object) throws -> [Object] { try #require(system["runs"] as? [Object]) }
        for (place, expected) in [
            (0, [1, 2, 3]), (1, [1, 2, 3]), (3, [1, 2, 3]), (4, [1, 2]), (5, [1, 2, 3]), (6, [1, 2, 3]),
        ] {
            #expect(try runs(systems[place]).map { $0["draw"] as? Int } == expected, "\(place)")
        }
        #expect(try runs(systems[1]).map { $0["seed"] as? Int } == [1, 2, 3])
        #expect(
            try runs(systems[0]).map { $0["contents"] as? String } == runs(systems[1]).map { $0["contents"] as? String }
        )
        let accuracies = try runs(systems[0]).map { try #require(($0["metrics"] as? Object)?["accuracy"] as? Double) }
        #expect(Set(accuracies).count > 1, "the draws differ: \(accuracies)")
        let difference = try #require(systems[1]["difference"] as? [String: Double])
        #expect(difference == ["value": 0, "low": 0, "high": 0], "model by model")
        for run in try runs(systems[1]) { #expect((run["kept"] as? Object)?["value"] as? Double == 1) }
        #expect(systems[1]["seeds"] as? Int == 3 && systems[1]["draws"] as? Int == 3)
        #expect(report.headline.hasPrefix("Serve distilled"), "\(report.headline)")
        #expect(report.headline.contains("accuracy over 3 seeds on 3 draws, with"), "\(report.headline)")
        #expect(report.html.contains("3 seeds on 3 draws") && report.html.contains(">few-2.csv</td>"))
        let alternatives = try #require(root["alternatives"] as? [Object])
        #expect(
            alternatives.map { $0["without"] as? String } == [
                "plain", "frozen t, 2 layers", "tf-idf + logistic regression",
            ]
        )
    }

    @Test func whatBelongsToNoDrawIsNamed() throws {
        let folders = try ModelFolders()
        let first = try folders.classifier("first", seed: 1, recipe: Self.recipe(1, data: "1.csv"))
        let second = try folders.classifier("second", seed: 2, recipe: Self.recipe(1, data: "2.csv"))
        func refused(_ sentence: String, _ body: () throws -> Void) {
            let error = #expect(throws: DistillationError.self) { try body() }
            #expect(error?.kind == .usage && error?.message.contains(sentence) == true, "\(error?.message ?? "")")
        }
        for (recipe, sentence) in [
            (nil, "recipe.yaml does not say what data"), (Self.recipe(3, data: "1.csv"), "were made of the same data"),
            (Self.recipe(3, data: "3.csv") + "epochs: 9\n", "were made by different recipes"),
        ] {
            let other = try folders.classifier("other", seed: 3, recipe: recipe)
            refused(sentence) { _ = try Draws(teachers: [first, other]) }
        }
        refused("--teacher is missing") { _ = try Draws(teachers: []) }
        let draws = try Draws(teachers: [first, second])
        refused("--train 3.csv: no teacher's recipe.yaml names it") { _ = try draws.sorted(["1.csv", "3.csv"]) }
        refused("--train is missing for the draw of \(second)") { _ = try draws.sorted(["1.csv"]) }
        let data = try ModelFolders.labelled(by: first, 12, seed: 1)
        let strange = try folders.classifier(
            "strange",
            seed: 3,
            recipe: Self.recipe(1, data: "3.csv", teacher: "third")
        )
        let twice = try ["a", "b"].map {
            try folders.classifier($0, seed: 3, recipe: Self.recipe($0 == "a" ? 1 : 2, data: "1.csv", teacher: first))
        }
        for (students, sentence) in [
            ([strange], "names none of the teachers, and no data of theirs"), (twice, "on one draw of the data"),
        ] {
            refused(sentence) {
                _ = try Comparison(
                    .init(draws: draws, students: students),
                    data: data,
                    files: [],
                    threads: 1,
                    rounds: 1,
                    resamples: 50
                ).run()
            }
        }
    }

    @Test func whatCannotBeComparedIsNamed() throws {
        let folders = try ModelFolders()
        let teacher = try folders.classifier("teacher", seed: 1)
        let data = try ModelFolders.labelled(by: teacher, 12, seed: 1)
        func compare(_ students: [String], outOfScope: [String] = []) throws -> Report {
            try Comparison(
                .init(draws: try Draws(teachers: [teacher]), students: students),
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
        // With one teacher, models of other data are other systems.
        let others = try ["c", "d"].map { name in
            try folders.classifier(name, seed: 1, recipe: Self.recipe(1, data: "\(name).csv"))
        }
        let apart = try #require(Self.object(compare(others))["systems"] as? [Object])
        #expect(apart.compactMap { $0["name"] as? String }.prefix(3) == ["teacher", "c", "d"])
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
