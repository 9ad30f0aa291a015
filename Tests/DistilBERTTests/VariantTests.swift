import DistilBERT
import Glibc
import LinuxSystem
import ModelFiles
import Tensors
import TestSupport
import Testing

/// Models packed in fewer bits.
@Suite struct VariantTests {
    private let folder: TemporaryFolder
    private let checkpoint: SeededCheckpoint

    init() throws {
        folder = try TemporaryFolder()
        checkpoint = SeededCheckpoint.smallBERT(labels: 5, spread: 0.1)
        try checkpoint.write(to: folder.path)
    }

    private func sequences() -> [TokenSequence] {
        [1, 128, 7, 30, 2, 64, 13].map { TokenSequence(ids: checkpoint.tokenIDs(length: $0)) }
    }

    private func packer(_ variant: String, _ exceptions: [String: WeightFormat] = [:]) throws -> ModelPacker {
        try ModelPacker(directory: folder.path, variant: variant, exceptions: exceptions)
    }

    private func cosine(_ a: [Float], _ b: [Float]) -> Double {
        func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
        return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }

    @Test(arguments: [("bf16", 0.9999), ("int8", 0.996)], InstructionSet.allCases.filter(\.isSupported))
    func answersAreNearlyThoseOfFloat32(_ variant: (String, Double), _ set: InstructionSet) throws {
        let reference = try LoadedCheckpoint(directory: folder.path, instructionSet: set)
        let model = try LoadedCheckpoint(directory: folder.path, instructionSet: set, variant: variant.0)
        for (expected, actual) in zip(try reference.hidden(sequences()), try model.hidden(sequences())) {
            #expect(cosine(expected, actual) > variant.1)
        }
        for (expected, actual) in zip(try reference.logits(sequences()), try model.logits(sequences())) {
            // The best label may change only where it was no better than the rounding.
            let best = actual.indices.max { actual[$0] < actual[$1] }!
            let spread = expected.max()! - expected.min()!
            #expect(expected.max()! - expected[best] < 0.1 * spread)
        }
    }

    @Test(arguments: ["bf16", "int8"], InstructionSet.allCases.filter(\.isSupported))
    func bitsDoNotDependOnCompanyOrThreads(_ variant: String, _ set: InstructionSet) throws {
        let alone = try LoadedCheckpoint(directory: folder.path, instructionSet: set, variant: variant)
        let together = try LoadedCheckpoint(directory: folder.path, threads: 2, instructionSet: set, variant: variant)
        let batch = try together.hidden(sequences())
        let logits = try together.logits(sequences())
        for (index, sequence) in sequences().enumerated() {
            #expect(try alone.hidden([sequence]) == [batch[index]])
            #expect(try alone.logits([sequence]) == [logits[index]])
        }
    }

    @Test func aWeightCanBeAnException() throws {
        let plain = try packer("int8")
        let names = plain.weights.map(\.name)
        #expect(names.first == "embeddings.word" && names.contains("layer.2.output"))
        #expect(plain.weights.allSatisfy { $0.format == ($0.name == "head.classifier" ? .float32 : .int8) })
        let mixed = try packer("int8", ["layer.2.output": .bfloat16, "embeddings.word": .float32])
        #expect(mixed.weights.first { $0.name == "layer.2.output" }?.format == .bfloat16)
        #expect(mixed.key != plain.key && mixed.byteCount > plain.byteCount)

        // All weights as exceptions make another variant of it, bit for bit.
        let all = Dictionary(uniqueKeysWithValues: names.map { ($0, WeightFormat.float32) })
        let restored = try LoadedCheckpoint(directory: folder.path, variant: "int8", exceptions: all)
        let float32 = try LoadedCheckpoint(directory: folder.path)
        #expect(try restored.hidden(sequences()) == float32.hidden(sequences()))
        // And one exception computes something between.
        let model = try LoadedCheckpoint(
            directory: folder.path,
            variant: "int8",
            exceptions: ["layer.2.output": .bfloat16]
        )
        #expect(
            try model.hidden(sequences())
                != LoadedCheckpoint(directory: folder.path, variant: "int8").hidden(sequences())
        )
    }

    @Test func whatDoesNotExistIsRefused() throws {
        #expect(throws: EngineError.self) { try packer("int4") }
        #expect(throws: EngineError.self) { try packer("int8", ["layer.3.output": .bfloat16]) }
    }

    @Test func fewerBitsTakeFewerBytes() throws {
        var base = SeededCheckpoint(
            family: .distilBERT,
            hidden: 768,
            layers: 1,
            heads: 12,
            intermediate: 3072,
            vocabulary: 3000
        )
        base.labels = 2
        let folder = try TemporaryFolder()
        try base.write(to: folder.path)
        func bytes(_ variant: String) throws -> Double {
            Double(try ModelPacker(directory: folder.path, variant: variant).byteCount)
        }
        // Positions, biases and norms stay float32: 1.7 MB of 42.
        let float32 = try bytes("fp32")
        #expect(try bytes("bf16") < 0.53 * float32)
        #expect(try bytes("int8") < 0.30 * float32)
    }

    @Test func aWeightOfTheWrongSizeIsRefused() throws {
        let packer = try packer("int8")
        let file = try MemoryFile.create(name: "pack", size: 0)
        try packer.write(to: file.rawValue)
        let pack = try PackFile(descriptor: file.rawValue)
        let names = pack.names(prefix: "layer.0.qkv.weight")
        #expect(names == ["layer.0.qkv.weight.int8"])
        // The same section under the name of another format.
        let other = try MemoryFile.create(name: "pack", size: 0)
        let bytes = try #require(pack.bytes(of: names[0]))
        let section = PackSection(
            name: "layer.0.qkv.weight.bf16",
            rows: 3 * 96,
            columns: 96,
            byteCount: bytes.count
        )
        let bias = PackSection(name: "layer.0.qkv.bias", rows: 1, columns: 3 * 96, byteCount: 3 * 96 * 4)
        let writer = try PackWriter(descriptor: other.rawValue, key: "k", sections: [section, bias])
        writer.memory(of: section.name).copyBytes(from: bytes)
        try writer.finish()
        let damaged = try PackFile(descriptor: other.rawValue)
        let plan = NetworkPlan(try ModelConfiguration(directory: folder.path), pack: pack)
        #expect(try pack.linear(plan.layers[0].qkv).format == .int8)
        let error = #expect(throws: EngineError.self) { try damaged.linear(plan.layers[0].qkv) }
        #expect(error?.description.contains("layer.0.qkv.weight.bf16") == true)
    }
}
