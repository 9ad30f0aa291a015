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

    /// x [T, H] → y [T', H] in the workspace: all rows, or those of `selection`. Of the others only keys and values are
    /// computed. `proceed` is asked before each product and attention; nil when it stops the pass.
    func forward(
        _ x: Matrix,
        bounds: SequenceBounds,
        keeping selection: RowSelection?,
        workspace: Workspace,
        team: ComputeTeam,
        proceed: () -> Bool
    ) throws(TensorError) -> Matrix? {
        guard proceed() else { return nil }
        let outputs = selection?.outputs ?? bounds
        let projected = workspace.qkv(rows: x.rows)
        try team.linear(x, qkv, into: projected)
        if let selection { gatherQueries(projected, bounds, selection) }
        guard proceed() else { return nil }
        let context = workspace.context(rows: outputs.rows)
        try team.attention(qkv: projected, bounds: bounds, outputs: outputs, heads: heads, into: context)
        let kept = gather(x, bounds, selection)
        guard proceed() else { return nil }
        let summed = workspace.summed(rows: outputs.rows)
        try team.linear(context, attentionOutput, residual: kept, into: summed)
        team.layerNorm(summed, attentionNorm, into: kept)
        guard proceed() else { return nil }
        let wide = workspace.wide(rows: outputs.rows)
        try team.linear(kept, intermediate, activation: activation, into: wide)
        guard proceed() else { return nil }
        try team.linear(wide, output, residual: kept, into: summed)
        team.layerNorm(summed, outputNorm, into: kept)
        return kept
    }

    /// Moves the queries that are wanted to the first rows of their sequence, in place; keys and values stay.
    private func gatherQueries(_ projected: Matrix, _ bounds: SequenceBounds, _ selection: RowSelection) {
        let hidden = projected.columns / 3
        selection.forEachMove(bounds, to: { bounds[$0].lowerBound }) { from, to in
            let source = projected.base + from * projected.stride
            (projected.base + to * projected.stride).update(from: source, count: hidden)
        }
    }

    /// Moves the rows that go on to the front of x, in place.
    private func gather(_ x: Matrix, _ bounds: SequenceBounds, _ selection: RowSelection?) -> Matrix {
        guard let selection else { return x }
        selection.forEachMove(bounds, to: { selection.outputs[$0].lowerBound }) { from, to in
            (x.base + to * x.stride).update(from: x.base + from * x.stride, count: x.columns)
        }
        return Matrix(base: x.base, rows: selection.outputs.rows, columns: x.columns, stride: x.stride)
    }
}

/// The intermediate results of a forward pass, [capacity, …] each, used again by every layer.
struct Workspace {
    let capacity: Int
    private let hiddenSize: Int
    private let intermediateSize: Int
    private let x, projections, contexts, sums, intermediates: FloatBuffer

    init(_ configuration: ModelConfiguration, rows: Int) {
        capacity = rows
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
