import Messages
import ModelFiles
import Tasks
import TestSupport
import Testing

/// BERT's masked-LM bias has two names. `transformers` 5.24 saves both where the decoder has weights of its own, and then
/// uses the decoder's; tied, there is one bias, whatever it is called.
@Suite struct DecoderBiasTests {
    private static let plain = "cls.predictions.bias"
    private static let ofDecoder = "cls.predictions.decoder.bias"

    /// The answer with the checkpoint's bias under `names`, and zeros under `others`.
    private func answer(_ model: String, names: [String], zeros: [String]) throws -> InferenceResponse? {
        let source = try TemporaryFolder()
        let folder = try TemporaryFolder()
        let description = try #require(GoldenModels.models[model])
        try description.write(to: source.path)
        try description.write(to: folder.path)
        let checkpoint = try Checkpoint(directory: source.path)
        var tensors: [SafetensorsWriter.Tensor] = []
        func add(_ tensor: TensorView, as name: String, isZero: Bool = false) {
            tensors.append(
                .init(name: name, dtype: tensor.dtype, shape: tensor.shape) {
                    if !isZero { $0.copyBytes(from: tensor.bytes) }
                }
            )
        }
        for name in checkpoint.names where name != Self.plain {
            add(try #require(checkpoint.tensor(name)), as: name)
        }
        let bias = try #require(checkpoint.tensor(Self.plain))
        for name in names { add(bias, as: name) }
        for name in zeros { add(bias, as: name, isZero: true) }
        try SafetensorsWriter.write(tensors, to: folder("model.safetensors"))
        return try Model(directory: folder.path).answer([.fillMask(FillMaskRequest(texts: ["the [MASK] is."]))]).first
    }

    @Test func anOwnDecoderHasItsOwnBias() throws {
        let model = "bert-masked-own"
        let expected = try #require(try answer(model, names: [Self.plain], zeros: []))
        #expect(try answer(model, names: [Self.ofDecoder], zeros: [Self.plain]) == expected)
        #expect(try answer(model, names: [Self.ofDecoder], zeros: []) == expected)
        #expect(try answer(model, names: [Self.plain], zeros: [Self.ofDecoder]) != expected)
    }

    @Test func aTiedDecoderHasTheOneBias() throws {
        let model = "bert-masked"
        let expected = try #require(try answer(model, names: [Self.plain], zeros: []))
        #expect(try answer(model, names: [Self.ofDecoder], zeros: []) == expected)
        #expect(try answer(model, names: [Self.plain, Self.ofDecoder], zeros: []) == expected)
    }
}
