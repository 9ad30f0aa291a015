package import ModelFiles
package import Tensors

/// The layers behind the encoder, from rows of its last hidden state to logits:
///
/// | head | layers |
/// |---|---|
/// | sequence classification, multiple choice | BERT's pooler (tanh) or DistilBERT's pre-classifier (ReLU), classifier |
/// | token classification, question answering | classifier |
/// | masked LM | transform with the model's activation, LayerNorm, decoder over the vocabulary |
package final class HeadLayers {
    package let head: Head
    /// Whether there is a pooling layer: `pooled` may be called.
    package var hasPooling: Bool { first != nil && norm == nil }

    /// The layers by their names in the pack.
    let products: [(name: String, layer: PackedLinear, activation: Activation)]

    private let first: PackedLinear?
    private let activation: Activation
    let norm: LayerNormWeights?
    private let last: PackedLinear?
    private let team: ComputeTeam
    private let hidden: Int
    private var input = FloatBuffer(count: 0)
    private var middle = FloatBuffer(count: 0)
    private var output = FloatBuffer(count: 0)

    /// Loads what the pack has; `nil` when nothing stands behind its encoder.
    package init?(_ configuration: ModelConfiguration, pack: PackFile, team: ComputeTeam) throws(EngineError) {
        head = Head(configuration, hasPooler: pack.has(PackPlan.pooling + ".bias"))
        hidden = configuration.hiddenSize
        self.team = team
        let loader = PackLoader(pack: pack, epsilon: Float(configuration.layerNormEpsilon))
        func linear(_ name: String, outputs: Int) throws -> PackedLinear {
            try loader.linear(name, outputs: outputs, inputs: configuration.hiddenSize)
        }
        do {
            switch head {
            case .none(let hasPooler):
                guard hasPooler else { return nil }
                first = try linear(PackPlan.pooling, outputs: hidden)
                (activation, norm, last) = (.tanh, nil, nil)
            case .sequenceClassification, .multipleChoice:
                first = try linear(PackPlan.pooling, outputs: hidden)
                (activation, norm) = (configuration.family == .bert ? .tanh : .relu, nil)
                last = try linear(PackPlan.classifier, outputs: head.outputs)
            case .tokenClassification, .questionAnswering:
                (first, activation, norm) = (nil, .none, nil)
                last = try linear(PackPlan.classifier, outputs: head.outputs)
            case .maskedLM:
                first = try linear(PackPlan.transform, outputs: hidden)
                activation = Activation(configuration.activation)
                norm = try loader.norm(PackPlan.transformNorm, size: hidden)
                last = try linear(PackPlan.decoder, outputs: head.outputs)
            }
        } catch {
            throw EngineError(error)
        }
        var products: [(name: String, layer: PackedLinear, activation: Activation)] = []
        if let first { products.append((norm == nil ? PackPlan.pooling : PackPlan.transform, first, activation)) }
        if let last { products.append((norm == nil ? PackPlan.classifier : PackPlan.decoder, last, .none)) }
        self.products = products
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
            let inner = try begin(chunk)
            Self.grow(&output, chunk.rows * head.outputs)
            let logits = output.matrix(rows: chunk.rows, columns: head.outputs)
            do throws(TensorError) {
                try team.linear(inner, last, into: logits)
            } catch {
                throw .tensors(error)
            }
            try take(start, logits)
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
            Self.grow(&input, part.count * hidden)
            let chunk = input.matrix(rows: part.count, columns: hidden)
            for (index, row) in part.enumerated() { _ = chunk[index].update(fromContentsOf: states[row]) }
            try body(start, chunk)
            start += part.count
        }
    }

    /// The layers before the last.
    private func begin(_ chunk: Matrix) throws(EngineError) -> Matrix {
        guard let first else { return chunk }
        Self.grow(&middle, chunk.rows * hidden)
        let result = middle.matrix(rows: chunk.rows, columns: hidden)
        do throws(TensorError) {
            try team.linear(chunk, first, activation: activation, into: result)
        } catch {
            throw .tensors(error)
        }
        if let norm { team.layerNorm(result, norm, into: result) }
        return result
    }

    private static func grow(_ buffer: inout FloatBuffer, _ count: Int) {
        if buffer.count < count { buffer = FloatBuffer(count: count) }
    }
}
