import DistilBERT
import Glibc
import ModelFiles
import Tensors

/// Turns the last hidden states of a text into one vector, as sentence-transformers does with the folder's modules:
/// Pooling, then Dense layers, then Normalize. A folder without modules has mean pooling, unscaled.
///
/// Sums run over the tokens of one text alone, in their order.
final class SentenceEmbedder {
    private let poolings: [PoolingMode]
    private let dense: [DenseLayer]
    private let normalizes: Bool
    private let hidden: Int
    private let team: ComputeTeam
    /// `max_seq_length` of the folder.
    let maxTokens: Int?

    private struct DenseLayer {
        let linear: PackedLinear
        let activation: Activation
    }

    init(
        _ modules: SentenceTransformersModules?, _ configuration: ModelConfiguration, pack: PackFile, team: ComputeTeam
    ) throws {
        poolings = modules?.poolings ?? [.mean]
        normalizes = modules?.normalizes ?? false
        maxTokens = modules?.maxTokens
        hidden = configuration.hiddenSize
        self.team = team
        dense = try (modules?.dense ?? []).enumerated().map { index, layer in
            DenseLayer(
                linear: try denseLinear(index, layer, pack: pack, team: team), activation: Activation(layer.activation))
        }
    }

    /// Which rows of the hidden states the embedding needs.
    func rows(_ options: EmbedOptions) -> TokenSequence.Rows {
        modes(options) == [.cls] ? .first : .all
    }

    /// The number of values of an embedding, before it is cut.
    func dimensions(_ options: EmbedOptions) -> Int {
        options.pooling == nil ? dense.last?.linear.outputs ?? poolings.count * hidden : hidden
    }

    /// - Parameter states: the text's rows of the last hidden state, [L, H].
    func embed(_ states: Matrix, _ options: EmbedOptions) throws(EngineError) -> [Float] {
        var values: [Float] = []
        for mode in modes(options) { values += pool(states, mode) }
        // Another pooling than the folder's is asked for: its Dense layers were not trained for it.
        if options.pooling == nil {
            for layer in dense { values = try apply(layer, values) }
        }
        let normalize = options.normalize ?? normalizes
        if let dimensions = options.dimensions, dimensions < values.count { values.removeLast(values.count - dimensions) }
        return normalize ? normalized(values) : values
    }

    private func modes(_ options: EmbedOptions) -> [PoolingMode] {
        switch options.pooling {
        case nil: poolings
        case .mean: [.mean]
        case .cls: [.cls]
        case .max: [.max]
        }
    }

    private func pool(_ states: Matrix, _ mode: PoolingMode) -> [Float] {
        let count = Float(states.rows)
        switch mode {
        case .cls: return Array(states[0])
        case .lastToken: return Array(states[states.rows - 1])
        case .mean: return sum(states) { _ in 1 }.map { $0 / count }
        case .meanSqrtLength: return sum(states) { _ in 1 }.map { $0 / count.squareRoot() }
        case .weightedMean:
            // the token at position i (from 1) weighs i
            let weights = count * (count + 1) / 2
            return sum(states) { Float($0 + 1) }.map { $0 / weights }
        case .max:
            var result = Array(states[0])
            for row in 1..<max(1, states.rows) {
                for (column, value) in states[row].enumerated() { result[column] = max(result[column], value) }
            }
            return result
        }
    }

    private func sum(_ states: Matrix, weight: (Int) -> Float) -> [Float] {
        var result = [Float](repeating: 0, count: states.columns)
        result.withUnsafeMutableBufferPointer { result in
            for row in 0..<states.rows {
                let factor = weight(row)
                let values = states[row]
                for column in result.indices { result[column] += values[column] * factor }
            }
        }
        return result
    }

    private func apply(_ layer: DenseLayer, _ values: [Float]) throws(EngineError) -> [Float] {
        let input = FloatBuffer(count: ComputeTeam.capacity(forRows: 1) * values.count)
        let output = FloatBuffer(count: ComputeTeam.capacity(forRows: 1) * layer.linear.outputs)
        input.base.update(from: values, count: values.count)
        let result = output.matrix(rows: 1, columns: layer.linear.outputs)
        do throws(TensorError) {
            try team.linear(
                input.matrix(rows: 1, columns: values.count), layer.linear, activation: layer.activation, into: result)
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
