import Foundation
import ModelFiles
import TestSupport
import Testing

@Suite struct SeededCheckpointTests {
    private static func small(
        _ family: ModelConfiguration.Family,
        layers: Int,
        seed: UInt64,
        _ change: (inout SeededCheckpoint) -> Void = { _ in }
    ) -> SeededCheckpoint {
        var checkpoint = SeededCheckpoint(
            family: family,
            hidden: 24,
            layers: layers,
            heads: 3,
            intermediate: 50,
            vocabulary: 150
        )
        checkpoint.positions = 17
        checkpoint.seed = seed
        change(&checkpoint)
        return checkpoint
    }

    /// The checkpoints of `hash_cases` in ops/golden-models and what `ops/golden-models --hashes` printed.
    private static let hashed: [(checkpoint: SeededCheckpoint, hash: UInt64)] = [
        (small(.bert, layers: 2, seed: 1), 0x6791_2b7d_2783_898f),
        (
            small(.distilBERT, layers: 2, seed: 2) {
                $0.labels = 3
                $0.prefixed = true
            }, 0x64ee_0bb5_1557_3d4b
        ),
        (
            small(.bert, layers: 1, seed: 3) {
                $0.labels = 2
                $0.dtype = .float16
                $0.gammaBeta = true
                $0.prefixed = true
            }, 0xec21_f733_42f1_d590
        ),
        (
            small(.distilBERT, layers: 3, seed: 4) {
                $0.dtype = .bfloat16
                $0.shards = 3
                $0.activation = "silu"
            }, 0x9641_9e21_2e97_0eaa
        ),
        (
            small(.bert, layers: 1, seed: 1 << 63 + 5) {
                $0.hidden = 7
                $0.heads = 1
                $0.intermediate = 5
                $0.vocabulary = 2000
                $0.positions = 3
                $0.tokenTypes = 1
                $0.spread = 0.3
            }, 0x6341_fdc6_435d_0552
        ),
    ]

    @Test(arguments: hashed.indices)
    func equalsPythonByteForByte(_ index: Int) throws {
        let folder = try TemporaryFolder()
        try Self.hashed[index].checkpoint.write(to: folder.path)
        var hash = fnv1a64([])
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
            hash = fnv1a64(Array(name.utf8) + [0], state: hash)
            hash = fnv1a64([UInt8](try Data(contentsOf: URL(fileURLWithPath: folder(name)))), state: hash)
        }
        #expect(hash == Self.hashed[index].hash)
    }

    @Test(arguments: hashed.indices)
    func isReadBack(_ index: Int) throws {
        let seeded = Self.hashed[index].checkpoint
        let folder = try TemporaryFolder()
        try seeded.write(to: folder.path)
        let configuration = try ModelConfiguration(directory: folder.path)
        #expect(configuration.family == seeded.family && configuration.hiddenSize == seeded.hidden)
        #expect(configuration.layers == seeded.layers && configuration.heads == seeded.heads)
        #expect(configuration.intermediateSize == seeded.intermediate)
        #expect(configuration.vocabularySize == seeded.vocabulary && configuration.maxPositions == seeded.positions)
        let checkpoint = try Checkpoint(directory: folder.path)
        let norm = try checkpoint.weight("bert.embeddings.LayerNorm.weight", shape: [seeded.hidden]).floats()
        #expect(norm.allSatisfy { abs($0 - 1) <= 0.25 } && Set(norm).count > seeded.hidden / 2)
        let words = try checkpoint.weight(
            "embeddings.word_embeddings.weight",
            shape: [seeded.vocabulary, seeded.hidden]
        )
        let mean = words.floats().reduce(0) { $0 + Double($1) } / Double(words.count)
        #expect(abs(mean) < 0.01)
        #expect(checkpoint.files.count == seeded.shards)
    }
}
