package import ModelFiles
package import Tensors

/// The layers behind the encoder: BERT's pooler or DistilBERT's pre-classifier over first tokens, and the classifier.
package final class ClassificationHead {
    private let pooling: PackedLinear
    private let classifier: PackedLinear?
    private let activation: Activation
    private let team: ComputeTeam
    private let hidden: Int
    /// Number of classes; 0 without a classifier.
    package let labels: Int

    /// `nil` when the pack has no pooling layer.
    package init?(_ configuration: ModelConfiguration, pack: PackFile, team: ComputeTeam) throws(EngineError) {
        guard pack.has(PackPlan.pooling + ".bias") else { return nil }
        let loader = PackLoader(pack: pack, team: team, epsilon: 0)
        hidden = configuration.hiddenSize
        self.team = team
        activation = configuration.family == .bert ? .tanh : .relu
        do {
            pooling = try loader.linear(PackPlan.pooling, outputs: hidden, inputs: hidden)
            if pack.has(PackPlan.classifier + ".bias") {
                labels = configuration.labels.count
                classifier = try loader.linear(PackPlan.classifier, outputs: labels, inputs: hidden)
            } else {
                labels = 0
                classifier = nil
            }
        } catch {
            throw EngineError(error)
        }
    }

    /// First tokens [n, H] → pooled [n, H].
    package func pooled(_ first: Matrix) throws(EngineError) -> [[Float]] {
        try compute(first) { pooled throws(TensorError) in pooled }
    }

    /// First tokens [n, H] → logits [n][labels].
    package func logits(_ first: Matrix) throws(EngineError) -> [[Float]] {
        guard let classifier else { throw .input("the model has no classifier") }
        let output = FloatBuffer(count: ComputeTeam.capacity(forRows: first.rows) * labels)
        return try compute(first) { [labels, team] pooled throws(TensorError) in
            let logits = output.matrix(rows: pooled.rows, columns: labels)
            try team.linear(pooled, classifier, into: logits)
            return logits
        }
    }

    private func compute(
        _ first: Matrix,
        _ rest: (Matrix) throws(TensorError) -> Matrix
    ) throws(EngineError) -> [[Float]] {
        let buffer = FloatBuffer(count: ComputeTeam.capacity(forRows: first.rows) * hidden)
        let pooled = buffer.matrix(rows: first.rows, columns: hidden)
        do {
            try team.linear(first, pooling, activation: activation, into: pooled)
            let result = try rest(pooled)
            return (0..<result.rows).map { Array(result[$0]) }
        } catch {
            throw .tensors(error)
        }
    }
}
