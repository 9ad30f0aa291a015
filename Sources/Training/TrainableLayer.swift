import DistilBERT
import Tensors

/// What the backward pass of a layer needs of its forward pass.
final class LayerRecord {
    private let projections = GrowingBuffer()
    private let firsts = GrowingBuffer()
    private let contexts = GrowingBuffer()
    private let attentionSums = GrowingBuffer()
    private let attended = GrowingBuffer()
    private let intermediates = GrowingBuffer()
    private let outputSums = GrowingBuffer()

    /// Values per row that a layer of this shape keeps, its output apart.
    static func valuesPerRow(hidden: Int, intermediate: Int) -> Int { 6 * hidden + intermediate }

    /// Queries, keys and values side by side, [T, 3H].
    func qkv(_ rows: Int, _ hidden: Int) -> Matrix { projections.matrix(rows: rows, columns: 3 * hidden) }
    /// The inputs of the rows that are kept, where those are the first of each sequence.
    func kept(_ rows: Int, _ hidden: Int) -> Matrix { firsts.matrix(rows: rows, columns: hidden) }
    /// What attention gives.
    func context(_ rows: Int, _ hidden: Int) -> Matrix { contexts.matrix(rows: rows, columns: hidden) }
    /// The sum before the first LayerNorm.
    func attentionSum(_ rows: Int, _ hidden: Int) -> Matrix { attentionSums.matrix(rows: rows, columns: hidden) }
    /// What comes out of it.
    func attention(_ rows: Int, _ hidden: Int) -> Matrix { attended.matrix(rows: rows, columns: hidden) }
    /// The feed-forward block before its activation.
    func intermediate(_ rows: Int, _ width: Int) -> Matrix { intermediates.matrix(rows: rows, columns: width) }
    /// The sum before the second LayerNorm.
    func outputSum(_ rows: Int, _ hidden: Int) -> Matrix { outputSums.matrix(rows: rows, columns: hidden) }
}

/// Memory that all layers use in turn.
final class LayerScratch {
    let wide = GrowingBuffer()
    let wideGradient = GrowingBuffer()
    let dense = GrowingBuffer()
    let sumGradient = GrowingBuffer()
    let contextGradient = GrowingBuffer()
    let projectionGradient = GrowingBuffer()
    let queries = GrowingBuffer()
    let keptGradient = GrowingBuffer()
}

/// Which rows a layer gives: those of each sequence at `outputs`, the first of it or all.
struct KeptRows {
    let bounds: SequenceBounds
    let outputs: SequenceBounds

    init(_ bounds: SequenceBounds, firstTokensOnly: Bool) {
        self.bounds = bounds
        outputs = firstTokensOnly ? SequenceBounds(lengths: (0..<bounds.count).lazy.map { _ in 1 }) : bounds
    }

    var areAll: Bool { outputs == bounds }
    /// The rows of the layer's input.
    var rows: [Int] { (0..<bounds.count).flatMap { bounds[$0].prefix(outputs[$0].count) } }
}

/// One block as in `EncoderLayer`, with dropout, and its backward pass:
/// a = LN(x + drop(Wo·Attention(x))); y = LN(a + drop(W2·act(W1·a))).
final class TrainableLayer {
    private enum Projection {
        case whole(TrainableLinear)
        /// Of the last layer, of which queries may be wanted of the first tokens alone.
        case split(queries: TrainableLinear, keysAndValues: TrainableLinear)

        var linears: [TrainableLinear] {
            switch self {
            case .whole(let linear): [linear]
            case .split(let queries, let keysAndValues): [queries, keysAndValues]
            }
        }
    }

    private let index: Int
    private let hidden: Int
    private let heads: Int
    private let activation: Activation
    private let projection: Projection
    private let attentionOutput: TrainableLinear
    private let attentionNorm: TrainableNorm
    private let intermediate: TrainableLinear
    private let output: TrainableLinear
    private let outputNorm: TrainableNorm
    private let rates: DropoutRates
    private let team: ComputeTeam
    private let scratch: LayerScratch

    init(
        _ plan: NetworkPlan.Layer,
        index: Int,
        isLast: Bool,
        heads: Int,
        rates: DropoutRates,
        scratch: LayerScratch,
        norm: (Norm) -> TrainableNorm,
        linear: (Linear, Range<Int>?) -> TrainableLinear,
        team: ComputeTeam
    ) {
        self.index = index
        hidden = plan.qkv.inputs
        self.heads = heads
        self.rates = rates
        self.scratch = scratch
        self.team = team
        activation = plan.intermediate.activation
        projection =
            isLast
            ? .split(
                queries: linear(plan.qkv, 0..<hidden),
                keysAndValues: linear(plan.qkv, hidden..<3 * hidden)
            ) : .whole(linear(plan.qkv, nil))
        attentionOutput = linear(plan.attentionOutput, nil)
        attentionNorm = norm(plan.attentionNorm)
        intermediate = linear(plan.intermediate, nil)
        output = linear(plan.output, nil)
        outputNorm = norm(plan.outputNorm)
    }

    func refresh() {
        for linear in projection.linears + [attentionOutput, intermediate, output] { linear.refresh() }
    }

    // MARK: - Forward

    /// x [T, H] → y [R, H]: the kept rows. `randomness` is nil where nothing is dropped.
    ///
    /// - Parameter allQueries: whether queries are wanted of rows that are not kept.
    func forward(
        _ x: Matrix,
        _ kept: KeptRows,
        _ record: LayerRecord,
        _ randomness: Randomness?,
        allQueries: Bool,
        into y: Matrix
    ) throws(TensorError) {
        let rows = kept.outputs.rows
        let qkv = record.qkv(x.rows, hidden)
        var input = x
        if !kept.areAll {
            input = record.kept(rows, hidden)
            input.gather(x, rows: kept.rows)
        }
        switch projection {
        case .whole(let linear): try linear.forward(x, into: qkv)
        case .split(let queries, let keysAndValues):
            try keysAndValues.forward(x, into: qkv[columns: hidden..<3 * hidden])
            if kept.areAll || allQueries {
                try queries.forward(x, into: qkv[columns: 0..<hidden])
            } else {
                let first = scratch.queries.matrix(rows: rows, columns: hidden)
                try queries.forward(input, into: first)
                for (index, row) in kept.rows.enumerated() {
                    _ = qkv[columns: 0..<hidden][row].update(fromContentsOf: first[index])
                }
            }
        }
        let context = record.context(rows, hidden)
        try team.attention(
            qkv: qkv,
            bounds: kept.bounds,
            outputs: kept.outputs,
            heads: heads,
            dropout: dropout(.attention(layer: index), rates.attention, randomness),
            into: context
        )
        let sum = record.attentionSum(rows, hidden)
        try add(attentionOutput, context, to: input, .attentionOutput(layer: index), randomness, into: sum)
        let attended = record.attention(rows, hidden)
        team.layerNorm(sum, attentionNorm.weights, into: attended)

        let before = record.intermediate(rows, intermediate.outputs)
        let wide = scratch.wide.matrix(rows: rows, columns: intermediate.outputs)
        try intermediate.forward(attended, into: before)
        team.activate(activation, before, into: wide)
        let outputSum = record.outputSum(rows, hidden)
        try add(output, wide, to: attended, .output(layer: index), randomness, into: outputSum)
        team.layerNorm(outputSum, outputNorm.weights, into: y)
    }

    /// sum = drop(x·Wᵀ + b) + residual
    private func add(
        _ linear: TrainableLinear,
        _ x: Matrix,
        to residual: Matrix,
        _ site: Randomness.Site,
        _ randomness: Randomness?,
        into sum: Matrix
    ) throws(TensorError) {
        let dropout = dropout(site, rates.hidden, randomness)
        if dropout.rate == 0 { return try linear.forward(x, residual: residual, into: sum) }
        try linear.forward(x, into: sum)
        team.dropout(dropout, sum, residual: residual, into: sum)
    }

    private func dropout(_ site: Randomness.Site, _ rate: Float, _ randomness: Randomness?) -> Dropout {
        randomness?.dropout(site, rate: rate) ?? .none
    }

    // MARK: - Backward

    /// dy [R, H], which is overwritten → dx [T, H], and the gradients of the layer's parameters are added up.
    ///
    /// - Parameters:
    ///   - x: what `forward` was given, of which `record` is.
    ///   - added: a gradient of the queries, keys and values [T, 3H] beside that of the layer's output; nil for none.
    func backward(
        _ dy: Matrix,
        _ x: Matrix,
        _ kept: KeptRows,
        _ record: LayerRecord,
        _ randomness: Randomness?,
        adding added: Matrix?,
        into dx: Matrix
    ) throws(TensorError) {
        let rows = dy.rows
        let input = kept.areAll ? x : record.kept(rows, hidden)
        let attended = record.attention(rows, hidden)
        let before = record.intermediate(rows, intermediate.outputs)

        // y = LN(a + drop(W2·act(u)))
        let sumGradient = scratch.sumGradient.matrix(rows: rows, columns: hidden)
        outputNorm.backward(record.outputSum(rows, hidden), dy, into: sumGradient)
        let dense = scratch.dense.matrix(rows: rows, columns: hidden)
        team.dropout(dropout(.output(layer: index), rates.hidden, randomness), sumGradient, into: dense)
        let wide = scratch.wide.matrix(rows: rows, columns: intermediate.outputs)
        let wideGradient = scratch.wideGradient.matrix(rows: rows, columns: intermediate.outputs)
        try output.inputGradient(dense, into: wideGradient)
        team.activationGradient(activation, before, wideGradient, into: wideGradient, activated: wide)
        try output.addGradients(dense, inputs: wide)
        try intermediate.addGradients(wideGradient, inputs: attended)
        try intermediate.inputGradient(wideGradient, residual: sumGradient, into: dy)

        // a = LN(x + drop(Wo·context)); dy is a's gradient now
        attentionNorm.backward(record.attentionSum(rows, hidden), dy, into: sumGradient)
        team.dropout(dropout(.attentionOutput(layer: index), rates.hidden, randomness), sumGradient, into: dense)
        try attentionOutput.addGradients(dense, inputs: record.context(rows, hidden))
        let contextGradient = scratch.contextGradient.matrix(rows: rows, columns: hidden)
        try attentionOutput.inputGradient(dense, into: contextGradient)

        let gradient = scratch.projectionGradient.matrix(rows: x.rows, columns: 3 * hidden)
        try team.attentionGradient(
            qkv: record.qkv(x.rows, hidden),
            dout: contextGradient,
            bounds: kept.bounds,
            outputs: kept.outputs,
            heads: heads,
            dropout: dropout(.attention(layer: index), rates.attention, randomness),
            into: gradient
        )
        if let added { team.addScaled(1, added.base, count: x.rows * 3 * hidden, to: gradient.base) }
        switch projection {
        case .whole(let linear):
            try linear.addGradients(gradient, inputs: x)
            try linear.inputGradient(gradient, residual: sumGradient, into: dx)
        case .split(let queries, let keysAndValues):
            let keysAndValuesGradient = gradient[columns: hidden..<3 * hidden]
            try keysAndValues.addGradients(keysAndValuesGradient, inputs: x)
            try keysAndValues.inputGradient(
                keysAndValuesGradient,
                residual: kept.areAll ? sumGradient : nil,
                into: dx
            )
            if kept.areAll || added != nil {
                // Losses of queries reach rows whose outputs nobody asks for.
                let queriesGradient = gradient[columns: 0..<hidden]
                try queries.addGradients(queriesGradient, inputs: x)
                try queries.inputGradient(queriesGradient, accumulate: true, into: dx)
                if !kept.areAll { sumGradient.scatterAdd(to: dx, rows: kept.rows) }
            } else {
                let first = scratch.queries.matrix(rows: rows, columns: hidden)
                first.gather(gradient[columns: 0..<hidden], rows: kept.rows)
                try queries.addGradients(first, inputs: input)
                let back = scratch.keptGradient.matrix(rows: rows, columns: hidden)
                try queries.inputGradient(first, residual: sumGradient, into: back)
                back.scatterAdd(to: dx, rows: kept.rows)
            }
        }
    }
}

/// A LayerNorm whose scale and shift change.
struct TrainableNorm {
    let weights: LayerNormWeights
    private let gradients: (scale: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>)?
    private let team: ComputeTeam

    init(_ norm: Norm, values: ParameterBlock, gradients: ParameterBlock?, team: ComputeTeam) {
        weights = LayerNormWeights(gamma: values[norm.scale], beta: values[norm.shift], epsilon: norm.epsilon)
        self.gradients = gradients.map { ($0[norm.scale], $0[norm.shift]) }
        self.team = team
    }

    /// x: what was normalised. dx may be dy.
    func backward(_ x: Matrix, _ dy: Matrix, into dx: Matrix) {
        guard let gradients else { preconditionFailure("the norm is not trained") }
        team.layerNormGradient(x, weights, dy: dy, into: dx, dgamma: gradients.scale, dbeta: gradients.shift)
    }
}
