import DistilBERT
import LinuxSystem
import ModelFiles
import Tasks
import Tensors
import TestSupport
import Testing

@Suite struct QualityTests {
    private let texts = [
        "one two three", "what is this?", "日本 is fine", "ok", "a longer text, with commas, and more words",
    ]

    /// A classifier in several variants.
    private static func model(_ folder: TemporaryFolder, _ variant: String, _ kept: [String] = []) throws -> Model {
        let file = try MemoryFile.create(name: "pack", size: 0)
        let exceptions = Dictionary(uniqueKeysWithValues: kept.map { ($0, WeightFormat.float32) })
        try ModelPacker(directory: folder.path, variant: variant, exceptions: exceptions)
            .write(to: file.rawValue)
        return try Model(pack: try PackFile(descriptor: file.rawValue), threads: 1)
    }

    private static func classifier() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(family: .distilBERT)
        checkpoint.labels = 3
        checkpoint.spread = 0.25
        try checkpoint.write(to: folder.path)
        return folder
    }

    @Test func aModelKeepsAllOfItself() throws {
        let folder = try Self.classifier()
        let gate = try QualityGate(reference: try Self.model(folder, "fp32"), texts: texts)
        let report = try gate.measure(try Self.model(folder, "fp32"))
        #expect(report.texts == texts.count)
        #expect(report.predictions == texts.count, "one per text")
        #expect(report.agreement == 1)
        #expect(report.largestScoreChange == 0)
        #expect(abs(report.leastCosine - 1) < 1e-12)
        #expect(QualityFloor(meanCosine: 0.999_999, agreement: 1).accepts(report))
    }

    @Test func fewerBitsKeepLess() throws {
        let folder = try Self.classifier()
        let gate = try QualityGate(reference: try Self.model(folder, "fp32"), texts: texts)
        let short = try gate.measure(try Self.model(folder, "bf16"))
        let shorter = try gate.measure(try Self.model(folder, "int8"))
        #expect(shorter.meanCosine < short.meanCosine)
        #expect(short.meanCosine < 1)
        #expect(short.meanCosine > 0.9999)
        #expect(shorter.meanCosine > 0.99)
        #expect(shorter.leastCosine <= shorter.meanCosine)
        #expect(shorter.largestScoreChange > short.largestScoreChange)
        #expect(!QualityFloor(meanCosine: 1, agreement: 0).accepts(shorter))
        #expect(try gate.measure(try Self.model(folder, "int8"), limit: 2).texts == 2)
    }

    @Test func otherWeightsAreFound() throws {
        let folder = try Self.classifier()
        let gate = try QualityGate(reference: try Self.model(folder, "fp32"), texts: texts)
        let other = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(family: .distilBERT)
        checkpoint.labels = 3
        checkpoint.spread = 0.25
        checkpoint.seed = 99
        try checkpoint.write(to: other.path)
        #expect(try gate.measure(try Self.model(other, "fp32")).meanCosine < 0.9)
    }

    @Test func eachTokenIsAPrediction() throws {
        let folder = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(family: .bert)
        checkpoint.head = .token
        checkpoint.labels = 4
        try checkpoint.write(to: folder.path)
        let model = try Self.model(folder, "fp32")
        let report = try QualityGate(reference: model, texts: ["one two three"]).measure(model)
        #expect(report.predictions > 3)
        #expect(report.agreement == 1)
    }
}
