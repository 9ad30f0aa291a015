import ModelFiles
import TestSupport
import Testing

@Suite struct FoldedCheckpointTests {
    @Test func foldsTokenTypesIntoPositions() throws {
        let source = try TemporaryFolder()
        let target = try TemporaryFolder()
        let seeded = SeededCheckpoint(family: .bert)
        try seeded.write(to: source.path)
        try FoldedCheckpoint.write(from: source.path, to: target.path)
        let bert = try Checkpoint(directory: source.path)
        let folded = try Checkpoint(directory: target.path)
        let configuration = try ModelConfiguration(directory: target.path)
        #expect(configuration.family == .distilBERT && configuration.layers == 2 && configuration.hiddenSize == 64)
        #expect(
            configuration.intermediateSize == 200 && configuration.heads == 4 && configuration.vocabularySize == 1000
        )
        #expect(folded.names.count == 4 + 2 * 16)
        let positions = try bert.weight("embeddings.position_embeddings.weight", shape: [512, 64]).floats()
        let types = try bert.weight("embeddings.token_type_embeddings.weight", shape: [2, 64]).floats()
        let both = try folded.weight("distilbert.embeddings.position_embeddings.weight", shape: [512, 64]).floats()
        #expect(both.indices.allSatisfy { both[$0] == positions[$0] + types[$0 % 64] })
        let renamed = [
            ("encoder.layer.1.attention.self.key.weight", "transformer.layer.1.attention.k_lin.weight", [64, 64]),
            ("encoder.layer.0.intermediate.dense.bias", "transformer.layer.0.ffn.lin1.bias", [200]),
            ("encoder.layer.1.output.LayerNorm.weight", "transformer.layer.1.output_layer_norm.weight", [64]),
        ]
        for (old, new, shape) in renamed {
            #expect(try bert.weight(old, shape: shape).floats() == folded.weight(new, shape: shape).floats())
        }
        #expect(try MappedFile(path: target("vocab.txt")).count == MappedFile(path: source("vocab.txt")).count)
    }
}
