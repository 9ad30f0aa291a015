import ModelFiles
import Tensors

/// One block: a = LN(x + Wo·Attention(x)); y = LN(a + W2·act(W1·a)).
struct EncoderLayer {
    let qkv: PackedLinear
    let attentionOutput: PackedLinear
    let attentionNorm: LayerNormWeights
    let intermediate: PackedLinear
    let output: PackedLinear
    let outputNorm: LayerNormWeights
    let activation: Activation
    let heads: Int

    init(index: Int, _ configuration: ModelConfiguration, _ loader: PackLoader) throws {
        let prefix = PackPlan.layerPrefix(index)
        let hidden = configuration.hiddenSize
        qkv = try loader.linear(prefix + "qkv", outputs: 3 * hidden, inputs: hidden)
        attentionOutput = try loader.linear(prefix + "attention_output", outputs: hidden, inputs: hidden)
        attentionNorm = try loader.norm(prefix + "attention_norm", size: hidden)
        intermediate = try loader.linear(
            prefix + "intermediate",
            outputs: configuration.intermediateSize,
            inputs: hidden
        )
        output = try loader.linear(prefix + "output", outputs: hidden, inputs: configuration.intermediateSize)
        outputNorm = try loader.norm(prefix + "output_norm", size: hidden)
        activation = Activation(configuration.activation)
        heads = configuration.heads
    }

    /// x [T, H] → y [T', H] in the workspace. When a sequence's `outputs` has fewer rows than its `bounds`, only those
    /// first rows are computed behind the keys and values.
    func forward(
        _ x: Matrix,
        bounds: SequenceBounds,
        outputs: SequenceBounds,
        workspace: Workspace,
        team: ComputeTeam
    ) throws(TensorError) -> Matrix {
        let projected = workspace.qkv(rows: x.rows)
        try team.linear(x, qkv, into: projected)
        let context = workspace.context(rows: outputs.rows)
        try team.attention(qkv: projected, bounds: bounds, outputs: outputs, heads: heads, into: context)
        let kept = gather(x, bounds: bounds, outputs: outputs)
        let summed = workspace.summed(rows: outputs.rows)
        try team.linear(context, attentionOutput, residual: kept, into: summed)
        team.layerNorm(summed, attentionNorm, into: kept)
        let wide = workspace.wide(rows: outputs.rows)
        try team.linear(kept, intermediate, activation: activation, into: wide)
        try team.linear(wide, output, residual: kept, into: summed)
        team.layerNorm(summed, outputNorm, into: kept)
        return kept
    }

    /// Moves the rows that go on to the front of x, in place.
    private func gather(_ x: Matrix, bounds: SequenceBounds, outputs: SequenceBounds) -> Matrix {
        let kept = Matrix(base: x.base, rows: outputs.rows, columns: x.columns, stride: x.stride)
        guard outputs != bounds else { return kept }
        for sequence in 0..<bounds.count {
            let from = x.base + bounds[sequence].lowerBound * x.stride
            let to = x.base + outputs[sequence].lowerBound * x.stride
            if from != to { to.update(from: from, count: outputs[sequence].count * x.stride) }
        }
        return kept
    }
}

/// The intermediate results of a forward pass, [capacity, …] each, used again by every layer.
struct Workspace {
    let capacity: Int
    private let hiddenSize: Int
    private let intermediateSize: Int
    private let x, projections, contexts, sums, intermediates: FloatBuffer

    init(_ configuration: ModelConfiguration, rows: Int) {
        capacity = ComputeTeam.capacity(forRows: rows)
        hiddenSize = configuration.hiddenSize
        intermediateSize = configuration.intermediateSize
        x = FloatBuffer(count: capacity * hiddenSize)
        projections = FloatBuffer(count: capacity * 3 * hiddenSize)
        contexts = FloatBuffer(count: capacity * hiddenSize)
        sums = FloatBuffer(count: capacity * hiddenSize)
        intermediates = FloatBuffer(count: capacity * intermediateSize)
    }

    func hidden(rows: Int) -> Matrix { x.matrix(rows: rows, columns: hiddenSize) }
    func qkv(rows: Int) -> Matrix { projections.matrix(rows: rows, columns: 3 * hiddenSize) }
    func context(rows: Int) -> Matrix { contexts.matrix(rows: rows, columns: hiddenSize) }
    func summed(rows: Int) -> Matrix { sums.matrix(rows: rows, columns: hiddenSize) }
    func wide(rows: Int) -> Matrix { intermediates.matrix(rows: rows, columns: intermediateSize) }
}
