package import ModelFiles
package import Tensors

/// The layers of a `HeadPlan`, for the rows of the last hidden state that are asked for.
package final class HeadLayers {
    package let head: Head
    /// Whether there is a pooling layer: `pooled` may be called.
    package var hasPooling: Bool { first != nil && norm == nil }

    private let first: PackedLinear?
    private let activation: Activation
    private let norm: LayerNormWeights?
    private let last: PackedLinear?
    private let team: ComputeTeam
    private let hidden: Int
    private var input = FloatBuffer(count: 0)
    private var middle = FloatBuffer(count: 0)
    private var output = FloatBuffer(count: 0)

    /// `nil` when nothing stands behind the encoder.
    package init?(_ plan: HeadPlan, pack: PackFile, team: ComputeTeam) throws(EngineError) {
        guard let layer = plan.linears.first else { return nil }
        head = plan.head
        hidden = layer.inputs
        self.team = team
        first = try plan.first.map(pack.linear)
        activation = plan.first?.activation ?? .none
        norm = try plan.norm.map(pack.norm)
        last = try plan.last.map(pack.linear)
    }

    /// Pools `rows` of `states` (first tokens), [T, H].
    ///
    /// - Parameter take: is given the place in `rows` of the first of a few rows, and their results [n, H], which are
    ///   valid until it returns.
    package func pooled(
        _ states: Matrix,
        rows: [Int],
        _ take: (_ first: Int, _ pooled: Matrix) throws(EngineError) -> Void
    ) throws(EngineError) {
        guard hasPooling else { throw .input("the model has no pooling layer") }
        try inChunks(of: rows, states, wide: hidden) { (start, chunk) throws(EngineError) in
            try take(start, try begin(chunk))
        }
    }

    /// Computes the logits of `rows` of `states` [T, H]. `take` is as in `pooled`, with results [n, `head.outputs`].
    ///
    /// The logits of a few rows at a time are in memory: a vocabulary has tens of thousands.
    package func logits(
        _ states: Matrix,
        rows: [Int],
        _ take: (_ first: Int, _ logits: Matrix) throws(EngineError) -> Void
    ) throws(EngineError) {
        guard let last else { throw .input("the model has no head") }
        try inChunks(of: rows, states, wide: head.outputs) { (start, chunk) throws(EngineError) in
            try take(start, try product(try begin(chunk), last, in: &output))
        }
    }

    /// The values of the widest layer that are computed at a time.
    private static let chunkValues = 1 << 20

    /// Copies rows together, a bounded number at a time.
    private func inChunks(
        of rows: [Int],
        _ states: Matrix,
        wide: Int,
        _ body: (_ first: Int, _ chunk: Matrix) throws(EngineError) -> Void
    ) throws(EngineError) {
        let most = max(1, Self.chunkValues / max(wide, hidden))
        var start = 0
        while start < rows.count {
            let part = rows[start..<min(start + most, rows.count)]
            let chunk = Self.matrix(rows: part.count, columns: hidden, in: &input)
            for (index, row) in part.enumerated() { _ = chunk[index].update(fromContentsOf: states[row]) }
            try body(start, chunk)
            start += part.count
        }
    }

    /// The layers before the last.
    private func begin(_ chunk: Matrix) throws(EngineError) -> Matrix {
        guard let first else { return chunk }
        let result = try product(chunk, first, activation, in: &middle)
        if let norm { team.layerNorm(result, norm, into: result) }
        return result
    }

    private func product(
        _ x: Matrix,
        _ layer: PackedLinear,
        _ activation: Activation = .none,
        in buffer: inout FloatBuffer
    ) throws(EngineError) -> Matrix {
        let y = Self.matrix(rows: x.rows, columns: layer.outputs, in: &buffer)
        do throws(TensorError) {
            try team.linear(x, layer, activation: activation, into: y)
        } catch {
            throw .tensors(error)
        }
        return y
    }

    private static func matrix(rows: Int, columns: Int, in buffer: inout FloatBuffer) -> Matrix {
        if buffer.count < rows * columns { buffer = FloatBuffer(count: rows * columns) }
        return buffer.matrix(rows: rows, columns: columns)
    }
}
