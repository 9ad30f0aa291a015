import DistilBERT
import Foundation
import JSON
import Messages
import ModelFiles
import Tasks
import TestSupport
import Testing

/// Folders that `ModelFolderWriter` writes say what was written. `ops/compare-written-folders` asks `transformers` and
/// sentence-transformers about the same ones, which this suite leaves, with its own answers beside them, in the folder
/// that DISTILLERY_WRITTEN_FOLDERS names.
@Suite struct WrittenFolderTests {
    private static let families = [ModelConfiguration.Family.bert, .distilBERT]
    private static let kept = ProcessInfo.processInfo.environment["DISTILLERY_WRITTEN_FOLDERS"]

    private func seeded(_ family: ModelConfiguration.Family) -> SeededCheckpoint {
        var checkpoint = SeededCheckpoint(
            family: family,
            hidden: 32,
            layers: 2,
            heads: 4,
            intermediate: 64,
            vocabulary: 600
        )
        checkpoint.positions = 64
        checkpoint.spread = 0.3
        return checkpoint
    }

    /// The folder `name` is in: one that is kept, or else that of the test.
    private func target(_ name: String, _ folder: TemporaryFolder) -> String {
        Self.kept.map { "\($0)/\(name)" } ?? folder("written")
    }

    /// Leaves our answer beside a folder that is kept.
    private func keep(_ members: JSONObject, _ name: String) throws {
        guard let kept = Self.kept else { return }
        try JSONValue.object(members).fileText.write(toFile: "\(kept)/\(name).json", atomically: true, encoding: .utf8)
    }

    private func array(_ values: [Float]) -> JSONValue { .array(values.map { JSONValue.number(Double($0)) }) }

    private func infer(_ model: Model, _ input: Tensor) throws -> [Tensor] {
        guard case .infer(let response)? = try model.answer([.infer(InferRequest(inputs: [input]))]).first else {
            return []
        }
        return response.outputs
    }

    @Test(arguments: families, [nil, SeededCheckpoint.Head.sequence, .token, .answer, .choice, .maskedLM])
    func aFolderSaysWhatWasWritten(_ family: ModelConfiguration.Family, _ head: SeededCheckpoint.Head?) throws {
        for ownDecoder in head == .maskedLM ? [false, true] : [false] {
            let folder = try TemporaryFolder()
            var checkpoint = seeded(family)
            checkpoint.head = head
            checkpoint.labelNames = head == .sequence || head == .token ? ["bad", "so so", "good"] : []
            checkpoint.labels = checkpoint.labelNames.count
            checkpoint.problemType = head == .sequence ? "multi_label_classification" : ""
            checkpoint.ownDecoder = ownDecoder
            checkpoint.activation = family == .bert ? "gelu" : "relu"
            try checkpoint.write(to: folder("source"))

            let source = try ModelFolder(directory: folder("source"))
            let plan = NetworkPlan(source.configuration, checkpoint: try source.checkpoint())
            let values = try ParameterValues(plan, try source.checkpoint())
            let name = "\(family.rawValue)-\(head?.rawValue ?? "none")\(ownDecoder ? "-own" : "")"
            let target = target(name, folder)
            let tokenizer = try TokenizerFiles.contents(of: folder("source"))
            try ModelFolderWriter(plan, tokenizer: tokenizer).write(to: target) { values($0) }

            let written = try ModelFolder(directory: target)
            #expect(written.configuration == source.configuration)
            let read = NetworkPlan(written.configuration, checkpoint: try written.checkpoint())
            #expect(try ParameterValues(read, try written.checkpoint()).bits == values.bits)
            #expect(try TokenizerFiles.contents(of: target) == tokenizer)

            let (old, new) = (try Model(directory: folder("source")), try Model(directory: target))
            #expect(old.tasks == new.tasks && old.labels == new.labels)
            var ids = stride(from: 5 as Int64, to: 581, by: 24).map { $0 }
            (ids[0], ids[12]) = (2, 2)
            let shape: [UInt64] = head == .choice ? [1, 2, 12] : [2, 12]
            let input = Tensor(name: "input_ids", shape: shape, int64Data: ids)
            let outputs = try infer(new, input)
            #expect(try infer(old, input) == outputs && !outputs.isEmpty)
            try keep(
                [
                    "shape": .array(shape.map { JSONValue.integer(Int($0)) }),
                    "input_ids": .array(ids.map { JSONValue.integer(Int($0)) }),
                    "outputs": .object(JSONObject(outputs.map { ($0.name, array($0.floatData)) })),
                ],
                name
            )
        }
    }

    @Test(arguments: families, [ModelFiles.ElementType.float16, .bfloat16])
    func halfPrecisionIsTheNearest(_ family: ModelConfiguration.Family, _ type: ModelFiles.ElementType) throws {
        let folder = try TemporaryFolder()
        try seeded(family).write(to: folder("source"))
        let source = try ModelFolder(directory: folder("source"))
        let plan = NetworkPlan(source.configuration, checkpoint: try source.checkpoint())
        let values = try ParameterValues(plan, try source.checkpoint())
        let name = "\(family.rawValue)-\(type.rawValue)"
        let target = target(name, folder)
        let tokenizer = try TokenizerFiles.contents(of: folder("source"))
        try ModelFolderWriter(plan, tokenizer: tokenizer, elementType: type).write(to: target) { values($0) }
        let written = try ParameterValues(plan, try ModelFolder(directory: target).checkpoint())
        // A bit pattern of the type, and none nearer.
        let step: Float = type == .float16 ? 0x1p-10 : 0x1p-7
        for (parameter, bits) in values.bits {
            let read = try #require(written.bits[parameter])
            for (old, new) in zip(bits, read) {
                let (old, new) = (Float(bitPattern: old), Float(bitPattern: new))
                #expect(abs(old - new) <= old.binade.magnitude * step / 2 + 0x1p-25)
            }
        }
        try keep(["type": .string(type.rawValue)], name)
    }

    /// Classifiers as sentence-transformers has them: with the normalisation before the last layer or without.
    @Test(arguments: families, [false, true])
    func aSentenceClassifierEmbedsAndClassifies(_ family: ModelConfiguration.Family, _ normalizes: Bool) throws {
        let folder = try TemporaryFolder()
        let checkpoint = seeded(family)
        try checkpoint.write(to: folder("source"))
        try checkpoint.writeLinear(outputs: 3, inputs: 32, to: folder("dense"))
        let multiLabel = normalizes && family == .bert
        var configuration = try ModelConfiguration(directory: folder("source"))
        configuration.labels = ["bad", "so so", "good"]
        configuration.problemType = multiLabel ? .multiLabelClassification : nil
        let dense = SentenceTransformersModules.Dense(inputs: 32, outputs: 3, directory: folder("dense"))
        let modules = SentenceTransformersModules(
            pooling: .init(dimension: 32, modes: [.mean]),
            steps: normalizes ? [.normalize, .dense(dense)] : [.dense(dense)],
            maxSequenceLength: 32
        )
        let source = try Checkpoint(directory: folder("source"))
        let plan = NetworkPlan(configuration, modules, checkpoint: source)
        let values = try ParameterValues(plan, source)
        let name = "sentence-\(family.rawValue)\(normalizes ? "-normalized" : "")"
        let target = target(name, folder)
        let tokenizer = try TokenizerFiles.contents(of: folder("source"))
        try ModelFolderWriter(plan, modules: modules, tokenizer: tokenizer).write(to: target) { values($0) }

        let written = try ModelFolder(directory: target)
        #expect(written.configuration == configuration && written.moduleLabels == configuration.labels)
        let read = NetworkPlan(written.configuration, written.modules, checkpoint: try written.checkpoint())
        #expect(try ParameterValues(read, try written.checkpoint()).bits == values.bits)

        let model = try Model(directory: target)
        #expect(Set(model.tasks) == [.classify, .embed, .features, .tokenize, .infer])
        #expect(model.labels == configuration.labels)
        let texts = ["a good day", "bad", String(repeating: "ab cd ", count: 40)]
        let inputs = texts.map { TextInput($0) }
        let answers = try model.answer([
            .embed(EmbedRequest(inputs: inputs)),
            .classify(ClassifyRequest(inputs: inputs, allLabels: true, truncation: .truncate)),
        ])
        guard case .embed(let embedded) = answers[0], case .classify(let classified) = answers[1] else {
            Issue.record("\(answers)")
            return
        }
        #expect(embedded.results.map(\.truncated) == [false, false, true])
        for (embedding, classification) in zip(embedded.results, classified.results) {
            let powers = embedding.values.map { exp($0) }
            let expected = powers.map { multiLabel ? $0 / (1 + $0) : $0 / powers.reduce(0, +) }
            #expect(
                classification.scores.map(\.label) == classification.scores.sorted { $0.score > $1.score }.map(\.label)
            )
            for score in classification.scores {
                let index = try #require(configuration.labels.firstIndex(of: score.label))
                #expect(abs(score.score - expected[index]) < 1e-6)
            }
            #expect(classification.scores.count == 3 && classification.tokens == embedding.tokens)
        }
        try keep(
            [
                "texts": .array(texts.map { .string($0) }),
                "embeddings": .array(embedded.results.map { array($0.values) }),
            ],
            name
        )
    }

    /// Without names of its own, or with others than its outputs, a Dense module makes an embedding and no more.
    @Test(arguments: [[], ["LABEL_0", "LABEL_1", "LABEL_2"], ["good", "bad"]])
    func modulesWithoutLabelsOnlyEmbed(_ labels: [String]) throws {
        let folder = try TemporaryFolder()
        let checkpoint = seeded(.bert)
        try checkpoint.write(to: folder("source"))
        try checkpoint.writeLinear(outputs: 3, inputs: 32, to: folder("dense"))
        var configuration = try ModelConfiguration(directory: folder("source"))
        configuration.labels = labels
        let dense = SentenceTransformersModules.Dense(inputs: 32, outputs: 3, directory: folder("dense"))
        let modules = SentenceTransformersModules(
            pooling: .init(dimension: 32, modes: [.mean]),
            steps: [.dense(dense)],
            maxSequenceLength: nil
        )
        let source = try Checkpoint(directory: folder("source"))
        let plan = NetworkPlan(configuration, modules, checkpoint: source)
        let values = try ParameterValues(plan, source)
        try ModelFolderWriter(plan, modules: modules, tokenizer: try TokenizerFiles.contents(of: folder("source")))
            .write(to: folder("written")) { values($0) }
        let model = try Model(directory: folder("written"))
        #expect(Set(model.tasks) == [.embed, .features, .tokenize, .infer] && model.labels.isEmpty)
    }
}
