import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// `modelctl check`, which needs no server.
@Suite(.timeLimit(.minutes(3))) struct ModelctlCheckTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    /// Writes a classifier of three labels.
    private func write(_ name: String, seed: UInt64 = 1) throws -> String {
        var classifier = SeededCheckpoint(family: .distilBERT)
        classifier.labelNames = ["bad", "fair", "good"]
        classifier.labels = 3
        classifier.seed = seed
        try temporary.makeFolder(name)
        try classifier.write(to: temporary(name))
        return temporary(name)
    }

    private func check(_ arguments: String...) throws -> ModelServer.Run { try check(arguments) }

    private func check(_ arguments: [String]) throws -> ModelServer.Run {
        try ModelServer.modelctl(["check"] + arguments, socket: nil, folder: temporary.path)
    }

    private func report(_ run: ModelServer.Run, _ line: Int = 0) throws -> [String: Any] {
        let lines = try run.json
        try #require(lines.count > line, "\(run.output)\(run.errors)")
        return try #require(lines[line] as? [String: Any])
    }

    @Test func aGoodFolderIsDescribed() throws {
        let folder = try write("posts")
        let tokens = #"{"ids":[2,43,3],"offsets":[[0,0],[0,1],[0,0]]}"#
        try temporary.write("posts/expected.jsonl", #"{"task":"tokenize","input":"a","answer":\#(tokens)}"# + "\n")
        let floors = ["--min-cosine", "0.5", "--min-agreement", "0.1"]
        let run = try check([folder, "--variants", "fp32,int8", "--json"] + floors)
        #expect(run.exit == .exited(0), "\(run.output)\(run.errors)")
        let report = try report(run)
        #expect(report["ok"] as? Bool == true && report["folder"] as? String == folder)
        #expect(report["architecture"] as? String == "DistilBertForSequenceClassification")
        #expect(report["family"] as? String == "distilbert" && report["max_tokens"] as? Int == 512)
        #expect(report["labels"] as? [String] == ["bad", "fair", "good"])
        #expect((report["tasks"] as? [String])?.contains("classify") == true)
        let variants = try #require(report["variants"] as? [[String: Any]])
        #expect(variants.map { $0["variant"] as? String } == ["fp32", "int8"])
        let weights = variants.compactMap { $0["weight_bytes"] as? Int }
        #expect(weights.count == 2 && weights[0] > weights[1])
        #expect(variants.allSatisfy { $0["expected_answers"] as? Int == 1 })
        #expect(variants.allSatisfy { ($0["worker_bytes"] as? Int ?? 0) > 1 << 20 })
        #expect(variants.allSatisfy { ($0["instruction_set"] as? String)?.isEmpty == false })
        let quality = try #require(variants[1]["quality"] as? [String: Any])
        #expect(quality["texts"] as? Int == 64 && variants[0]["quality"] is NSNull)

        let text = try check(folder)
        #expect(text.exit == .exited(0), "\(text.errors)")
        #expect(text.output.contains("  labels: bad, fair, good\n"), "\(text.output)")
        #expect(text.output.contains("1 agree"), "\(text.output)")
    }

    @Test func aFolderWithoutAVocabularyIsRefused() throws {
        let folder = try write("novocab")
        try FileManager.default.removeItem(atPath: "\(folder)/vocab.txt")
        let run = try check(folder)
        #expect(run.exit == .exited(1))
        #expect(run.output.contains("REFUSED"))
        #expect(run.output.contains("\(folder)/vocab.txt: the vocabulary is missing"), "\(run.output)\(run.errors)")
    }

    @Test func aVariantBelowItsFloorIsRefused() throws {
        let folder = try write("m/1")
        try temporary.write("m/config.yaml", "variants: [fp32, int8]\nquality: { min_cosine: 1.0 }\n")
        let run = try check(folder, "--json")
        #expect(run.exit == .exited(1), "\(run.output)\(run.errors)")
        let variants = try #require(try report(run)["variants"] as? [[String: Any]])
        #expect(variants.map { $0["ok"] as? Bool } == [true, false])
        #expect((variants[1]["reason"] as? String)?.contains("int8 keeps too little of fp32 on 64 texts") == true)
    }

    @Test func otherAnswersThanExpectedAreRefused() throws {
        let folder = try write("posts")
        let line = #"{"task":"classify","input":"a","answer":[{"label":"splendid","score":0.5}]}"#
        try temporary.write("posts/expected.jsonl", line + "\n")
        let run = try check(folder)
        #expect(run.exit == .exited(1))
        #expect(run.output.contains("expected.jsonl line 1 (classify \"a\"): answer[0].label is \""), "\(run.output)")
        #expect(run.output.contains("expected \"splendid\""))
    }

    @Test func theVersionsOfAModelAreCheckedAsItsConfigurationSays() throws {
        _ = try write("m/1")
        _ = try write("m/2", seed: 2)
        let both = try check(temporary("m"), "--json")
        #expect(both.exit == .exited(0) && both.lines.count == 2, "\(both.output)\(both.errors)")
        try temporary.write("m/config.yaml", "version_policy: {latest: {num_versions: 1}}\n")
        let latest = try check(temporary("m"), "--json")
        #expect(try report(latest)["folder"] as? String == temporary("m/2"))
        #expect(latest.lines.count == 1)
        try temporary.write("m/config.yaml", "variant: [fp32]\n")
        let unknown = try check(temporary("m"))
        #expect(unknown.exit == .exited(1) && unknown.errors.contains("config.yaml:1"), "\(unknown.errors)")
    }

    @Test func whatCannotBeCheckedIsSaid() throws {
        let missing = try check(temporary("nowhere"))
        #expect(missing.exit == .exited(1) && missing.errors.contains("nowhere: No such file or directory"))
        let worker = try check(try write("m"), "--worker-executable", "/bin/true")
        #expect(worker.exit == .exited(1))
        #expect(worker.output.contains("the worker ended unexpectedly: exit 0"), "\(worker.output)")
        #expect(try check(temporary("m"), "--variants", "fp16").exit == .exited(64))
    }
}
