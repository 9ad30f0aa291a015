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

    init(_ plan: NetworkPlan.Layer, heads: Int, _ pack: PackFile) throws(EngineError) {
        qkv = try pack.linear(plan.qkv)
        attentionOutput = try pack.linear(plan.attentionOutput)
        attentionNorm = try pack.norm(plan.attentionNorm)
        intermediate = try pack.linear(plan.intermediate)
        output = try pack.linear(plan.output)
        outputNorm = try pack.norm(plan.outputNorm)
        activation = plan.intermediate.activation
        self.heads = heads
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
        var kept = x
        if let selection {
            let keysAndValues = PackedLinear.span(of: x.columns..<qkv.outputs, outputs: qkv.outputs)
            try team.linear(x, qkv, outputs: keysAndValues, into: projected[columns: keysAndValues])
            kept = gather(x, bounds, selection)
            let queries = workspace.queries(rows: kept.rows)
            try team.linear(kept, qkv, outputs: 0..<queries.columns, into: queries)
            copy(queries[columns: 0..<x.columns], of: selection.outputs, to: projected, bounds)
        } else {
            try team.linear(x, qkv, into: projected)
        }
        guard proceed() else { return nil }
        let context = workspace.context(rows: outputs.rows)
        try team.attention(qkv: projected, bounds: bounds, outputs: outputs, heads: heads, into: context)
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

    /// Copies the queries [T', H] of sequence `i`, at `outputs[i]`, to the first rows of the sequence in `projected` [T, 3H].
    private func copy(
        _ queries: Matrix,
        of outputs: SequenceBounds,
        to projected: Matrix,
        _ bounds: SequenceBounds
    ) {
        for sequence in 0..<bounds.count {
            for (row, query) in zip(bounds[sequence], outputs[sequence]) {
                projected[row].baseAddress!.update(from: queries[query].baseAddress!, count: queries.columns)
            }
        }
    }

    /// Moves the rows that go on to the front of x, in place.
    private func gather(_ x: Matrix, _ bounds: SequenceBounds, _ selection: RowSelection) -> Matrix {
        selection.forEachMove(bounds) { from, to in
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
    /// At least hiddenSize.
    private let queryColumns: Int
    private let x, projections, contexts, sums, intermediates: FloatBuffer

    init(_ configuration: ModelConfiguration, rows: Int) {
        capacity = rows
        hiddenSize = configuration.hiddenSize
        intermediateSize = configuration.intermediateSize
        queryColumns = PackedLinear.span(of: 0..<hiddenSize, outputs: 3 * hiddenSize).count
        x = FloatBuffer(count: capacity * hiddenSize)
        projections = FloatBuffer(count: capacity * 3 * hiddenSize)
        contexts = FloatBuffer(count: capacity * hiddenSize)
        sums = FloatBuffer(count: capacity * queryColumns)
        intermediates = FloatBuffer(count: capacity * intermediateSize)
    }

    func hidden(rows: Int) -> Matrix { x.matrix(rows: rows, columns: hiddenSize) }
    func qkv(rows: Int) -> Matrix { projections.matrix(rows: rows, columns: 3 * hiddenSize) }
    /// The queries of some rows, and where H is no multiple of what is computed together, the first keys as well. In the
    /// memory of `summed`.
    func queries(rows: Int) -> Matrix { sums.matrix(rows: rows, columns: queryColumns) }
    func context(rows: Int) -> Matrix { contexts.matrix(rows: rows, columns: hiddenSize) }
    func summed(rows: Int) -> Matrix { sums.matrix(rows: rows, columns: hiddenSize) }
    func wide(rows: Int) -> Matrix { intermediates.matrix(rows: rows, columns: intermediateSize) }
}
