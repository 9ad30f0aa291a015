import DistilBERT
import Messages
import ModelFiles
import Tensors

/// Turns the last hidden states of a text into one vector, as sentence-transformers does with the folder's modules:
/// Pooling, then Dense layers and others. A folder without modules has mean pooling, unscaled. Of a cross-encoder the
/// vector is the scores of a pair of texts.
///
/// Sums run over the tokens of one text alone, in their order.
final class SentenceEmbedder {
    private typealias PoolingMode = SentenceTransformersModules.PoolingMode

    private enum Step {
        /// A product, to which its input is added, or a product of that, or nothing.
        case dense(PackedLinear, ModuleActivation, addsInput: Bool, projection: PackedLinear?)
        case layerNorm(weight: [Float], bias: [Float])
        case normalize
    }

    /// What may be put before texts.
    let prompts: [SentenceTransformersModules.Prompt]
    let defaultPrompt: String?
    /// Whether a prompt's tokens are pooled too.
    let poolsPrompt: Bool

    /// How many values the folder keeps of a vector.
    private let keptDimensions: Int?
    private let poolings: [PoolingMode]
    private let steps: [Step]
    private let hidden: Int
    private let team: ComputeTeam

    /// - Parameter modules: the folder's; nil for the mean of its hidden states.
    init(
        _ modules: SentenceTransformersModules?,
        _ plan: NetworkPlan,
        pack: PackFile,
        team: ComputeTeam
    ) throws(EngineError) {
        prompts = modules?.prompts ?? []
        defaultPrompt = modules?.defaultPrompt
        poolsPrompt = modules?.pooling?.includesPrompt ?? true
        keptDimensions = modules?.keptDimensions
        poolings = modules?.pooling?.modes ?? [.mean]
        hidden = plan.configuration.hiddenSize
        self.team = team
        steps = try (modules == nil ? [] : plan.modules).map { module throws(EngineError) in
            switch module {
            case .normalize: return .normalize
            case .layerNorm(let norm, let parameter):
                let values = try pack.values(ofNote: parameter)
                return .layerNorm(weight: Array(values[..<norm.dimension]), bias: Array(values[norm.dimension...]))
            case .dense(let dense, let layer, let projection):
                return .dense(
                    try pack.linear(layer),
                    dense.activation,
                    addsInput: dense.residual == .input,
                    projection: try projection.map(pack.linear)
                )
            }
        }
    }

    // MARK: - Computing

    /// Which rows of the hidden states of a text of `length` tokens the embedding needs.
    ///
    /// - Parameter skipped: tokens at the front that are not pooled.
    func rows(_ request: EmbedRequest, of length: Int, skipping skipped: Int) -> TokenSequence.Rows {
        modes(request) == [.cls] ? .at([skipped < length ? skipped : 0]) : .all
    }

    /// The number of values of an embedding, before it is cut.
    func dimensions(_ request: EmbedRequest) -> Int { request.pooling == .default ? dimensions : hidden }

    /// The number of values that the folder's own modules give.
    var dimensions: Int {
        var dimensions = poolings.count * hidden
        for case .dense(let linear, _, _, _) in steps { dimensions = linear.outputs }
        return dimensions
    }

    /// - Parameters:
    ///   - states: the text's rows of the last hidden state that `rows` asked for, [n, H].
    ///   - length: the text's tokens.
    func embed(
        _ states: Matrix,
        of length: Int,
        skipping skipped: Int,
        _ request: EmbedRequest
    ) throws(EngineError) -> [Float] {
        var values: [Float] = []
        for mode in modes(request) {
            values += states.rows < length ? Array(states[0]) : pool(states, skipping: skipped, mode)
        }
        for step in steps {
            switch step {
            case .normalize:
                if request.normalization != .none { values = normalized(values) }
            // Another pooling than the folder's is asked for: its layers were not trained for it.
            case .dense(let linear, let activation, let addsInput, let projection):
                guard request.pooling == .default else { continue }
                var result = try apply(linear, activation, values)
                if addsInput { result = zip(result, values).map { $0 + $1 } }
                if let projection { result = zip(result, try apply(projection, .identity, values)).map { $0 + $1 } }
                values = result
            case .layerNorm(let weight, let bias):
                if request.pooling == .default { values = layerNorm(values, weight, bias) }
            }
        }
        let kept = request.pooling == .default ? keptDimensions : nil
        if let dimensions = request.truncateDim.given ?? kept, dimensions < values.count {
            values.removeLast(values.count - dimensions)
        }
        return request.normalization == .l2 ? normalized(values) : values
    }

    private func modes(_ request: EmbedRequest) -> [PoolingMode] {
        switch request.pooling {
        case .default: poolings
        case .mean: [.mean]
        case .cls: [.cls]
        case .max: [.max]
        }
    }

    /// Pools the rows from `skipped` on; where that leaves none, sums are 0 and a chosen token is the first.
    private func pool(_ states: Matrix, skipping skipped: Int, _ mode: PoolingMode) -> [Float] {
        let rows = min(skipped, states.rows)..<states.rows
        let count = max(Float(rows.count), 1e-9)
        switch mode {
        case .cls: return Array(states[rows.first ?? 0])
        case .lastToken: return Array(states[states.rows - 1])
        case .mean: return sum(states, rows) { _ in 1 }.map { $0 / count }
        case .meanSqrtLengthTokens: return sum(states, rows) { _ in 1 }.map { $0 / count.squareRoot() }
        case .weightedMean:
            // the token at position i (from 1) weighs i
            let weights = max(rows.reduce(0) { $0 + Float($1 + 1) }, 1e-9)
            return sum(states, rows) { Float($0 + 1) }.map { $0 / weights }
        case .max:
            var result = Array(states[rows.first ?? 0])
            for row in rows.dropFirst() {
                for (column, value) in states[row].enumerated() { result[column] = max(result[column], value) }
            }
            return result
        }
    }

    private func sum(_ states: Matrix, _ rows: Range<Int>, weight: (Int) -> Float) -> [Float] {
        var result = [Float](repeating: 0, count: states.columns)
        result.withUnsafeMutableBufferPointer { result in
            for row in rows {
                let factor = weight(row)
                let values = states[row]
                for column in result.indices { result[column] += values[column] * factor }
            }
        }
        return result
    }

    private func apply(
        _ linear: PackedLinear,
        _ activation: ModuleActivation,
        _ values: [Float]
    ) throws(EngineError) -> [Float] {
        let input = FloatBuffer(count: values.count)
        let output = FloatBuffer(count: linear.outputs)
        input.base.update(from: values, count: values.count)
        let result = output.matrix(rows: 1, columns: linear.outputs)
        do throws(TensorError) {
            try team.linear(
                input.matrix(rows: 1, columns: values.count),
                linear,
                activation: activation.ofProducts ?? .none,
                into: result
            )
        } catch {
            throw .tensors(error)
        }
        return activation.ofProducts == nil ? activation(Array(result[0])) : Array(result[0])
    }

    /// (x − mean) / √(variance + 10⁻⁵) · weight + bias, with the biased variance.
    private func layerNorm(_ values: [Float], _ weight: [Float], _ bias: [Float]) -> [Float] {
        let count = Double(values.count)
        let mean = values.reduce(0) { $0 + Double($1) } / count
        let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        let scale = 1 / (variance + 1e-5).squareRoot()
        return values.indices.map { Float((Double(values[$0]) - mean) * scale) * weight[$0] + bias[$0] }
    }

    /// x / max(‖x‖₂, 1e-12)
    private func normalized(_ values: [Float]) -> [Float] {
        let norm = max(values.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
        return values.map { $0 / norm }
    }
}

extension ModuleActivation {
    /// The activation with which a product can be computed; nil for those that come after it.
    fileprivate var ofProducts: Activation? {
        switch self {
        case .identity: Activation.none
        case .tanh: .tanh
        case .relu: .relu
        case .gelu: .gelu
        case .sigmoid, .silu, .leakyReLU, .elu, .softplus, .mish, .softmax: nil
        }
    }

    /// Of the few values of a text.
    func callAsFunction(_ values: [Float]) -> [Float] {
        func each(_ function: (Double) -> Double) -> [Float] { values.map { Float(function(Double($0))) } }
        return switch self {
        case .identity: values
        case .tanh: each(PlainFunctions.tanh)
        case .relu: values.map { max($0, 0) }
        case .gelu: each { 0.5 * $0 * (1 + PlainFunctions.erf($0 * 0.5.squareRoot())) }
        case .sigmoid: values.map { Tasks.sigmoid($0) }
        case .silu: values.map { $0 * Tasks.sigmoid($0) }
        case .leakyReLU: values.map { $0 > 0 ? $0 : 0.01 * $0 }
        case .elu: each { $0 > 0 ? $0 : PlainFunctions.exp($0) - 1 }
        case .softplus: each(PlainFunctions.softplus)
        case .mish: each { $0 * PlainFunctions.tanh(PlainFunctions.softplus($0)) }
        case .softmax: Tasks.softmax(values)
        }
    }
}
