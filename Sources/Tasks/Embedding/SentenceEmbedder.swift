import DistilBERT
import Glibc
import ModelFiles
import Tensors

/// Turns the last hidden states of a text into one vector, as sentence-transformers does with the folder's modules:
/// Pooling, then Dense layers, then Normalize. A folder without modules has mean pooling, unscaled.
///
/// Sums run over the tokens of one text alone, in their order.
final class SentenceEmbedder {
    private typealias PoolingMode = SentenceTransformersModules.PoolingMode

    private enum Step {
        case dense(PackedLinear, Activation)
        case normalize
    }

    /// What may be put before texts.
    let prompts: [SentenceTransformersModules.Prompt]
    let defaultPrompt: String?
    /// Whether a prompt's tokens are pooled too.
    let poolsPrompt: Bool

    private let poolings: [PoolingMode]
    private let steps: [Step]
    private let hidden: Int
    private let team: ComputeTeam

    init(
        _ modules: SentenceTransformersModules?,
        _ configuration: ModelConfiguration,
        pack: PackFile,
        team: ComputeTeam
    ) throws(EngineError) {
        prompts = modules?.prompts ?? []
        defaultPrompt = modules?.defaultPrompt
        poolsPrompt = modules?.pooling.includesPrompt ?? true
        poolings = modules?.pooling.modes ?? [.mean]
        hidden = configuration.hiddenSize
        self.team = team
        var steps: [Step] = []
        for (index, step) in (modules?.steps ?? []).enumerated() {
            switch step {
            case .normalize: steps.append(.normalize)
            case .dense(let dense):
                let linear = try extraLinear(
                    Self.denseName(index),
                    outputs: dense.outputs,
                    inputs: dense.inputs,
                    pack: pack
                )
                steps.append(.dense(linear, Activation(dense.activation)))
            }
        }
        self.steps = steps
    }

    /// The Dense layers by their names in the pack.
    var layers: [(name: String, layer: PackedLinear)] {
        steps.enumerated().compactMap { index, step in
            guard case .dense(let linear, _) = step else { return nil }
            return (Self.denseName(index), linear)
        }
    }

    /// What the Dense module at a step is called in a pack.
    static func denseName(_ step: Int) -> String { "sentence.\(step)" }

    /// Which rows of the hidden states of a text of `length` tokens the embedding needs.
    ///
    /// - Parameter skipped: tokens at the front that are not pooled.
    func rows(_ options: EmbedOptions, of length: Int, skipping skipped: Int) -> TokenSequence.Rows {
        modes(options) == [.cls] ? .at([skipped < length ? skipped : 0]) : .all
    }

    /// The number of values of an embedding, before it is cut.
    func dimensions(_ options: EmbedOptions) -> Int {
        guard options.pooling == nil else { return hidden }
        var dimensions = poolings.count * hidden
        for case .dense(let linear, _) in steps { dimensions = linear.outputs }
        return dimensions
    }

    /// - Parameters:
    ///   - states: the text's rows of the last hidden state that `rows` asked for, [n, H].
    ///   - length: the text's tokens.
    func embed(
        _ states: Matrix,
        of length: Int,
        skipping skipped: Int,
        _ options: EmbedOptions
    ) throws(EngineError) -> [Float] {
        var values: [Float] = []
        for mode in modes(options) {
            values += states.rows < length ? Array(states[0]) : pool(states, skipping: skipped, mode)
        }
        for step in steps {
            switch step {
            case .normalize:
                if options.normalize ?? true { values = normalized(values) }
            // Another pooling than the folder's is asked for: its Dense layers were not trained for it.
            case .dense(let linear, let activation):
                if options.pooling == nil { values = try apply(linear, activation, values) }
            }
        }
        if let dimensions = options.dimensions, dimensions < values.count {
            values.removeLast(values.count - dimensions)
        }
        return options.normalize == true ? normalized(values) : values
    }

    private func modes(_ options: EmbedOptions) -> [PoolingMode] {
        switch options.pooling {
        case nil: poolings
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
        _ activation: Activation,
        _ values: [Float]
    ) throws(EngineError) -> [Float] {
        let input = FloatBuffer(count: values.count)
        let output = FloatBuffer(count: linear.outputs)
        input.base.update(from: values, count: values.count)
        let result = output.matrix(rows: 1, columns: linear.outputs)
        do throws(TensorError) {
            try team.linear(input.matrix(rows: 1, columns: values.count), linear, activation: activation, into: result)
        } catch {
            throw .tensors(error)
        }
        return Array(result[0])
    }

    /// x / max(‖x‖₂, 1e-12)
    private func normalized(_ values: [Float]) -> [Float] {
        let norm = max(values.reduce(0) { $0 + $1 * $1 }.squareRoot(), 1e-12)
        return values.map { $0 / norm }
    }
}

extension Activation {
    init(_ activation: SentenceTransformersModules.Dense.Activation) {
        switch activation {
        case .identity: self = .none
        case .tanh: self = .tanh
        case .relu: self = .relu
        case .gelu: self = .gelu
        }
    }
}
