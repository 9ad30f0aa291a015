package import Tensors

/// Embeddings of a batch's sequences: the mean of a sequence's hidden states, with length 1 (Reimers and Gurevych,
/// arXiv 1908.10084), and back.
package final class SentenceEmbedding {
    private let team: ComputeTeam
    private let means = GrowingBuffer()
    private let units = GrowingBuffer()
    private let unitGradients = GrowingBuffer()
    private var bounds = SequenceBounds(lengths: [])
    private var lengths: [Double] = []

    package init(team: ComputeTeam) { self.team = team }

    /// The embeddings of the last pass, [sequences, H].
    package private(set) lazy var embeddings = units.matrix(rows: 0, columns: 0)
    /// Where losses add their gradient of them; 0 when `forward` returns.
    package private(set) lazy var gradient = unitGradients.matrix(rows: 0, columns: 0)

    /// - Parameter states: the last hidden states, [T, H].
    package func forward(_ states: Matrix, bounds: SequenceBounds) {
        self.bounds = bounds
        let mean = means.matrix(rows: bounds.count, columns: states.columns)
        embeddings = units.matrix(rows: bounds.count, columns: states.columns)
        gradient = unitGradients.matrix(rows: bounds.count, columns: states.columns)
        gradient.clear()
        lengths = Array(repeating: 0, count: bounds.count)
        for sequence in 0..<bounds.count {
            let (sum, unit) = (mean[sequence], embeddings[sequence])
            sum.update(repeating: 0)
            for row in bounds[sequence] {
                team.addScaled(1, states[row].baseAddress!, count: states.columns, to: sum.baseAddress!)
            }
            let inverse = 1 / Float(max(1, bounds[sequence].count))
            var square = 0.0
            for column in sum.indices {
                sum[column] *= inverse
                square += Double(sum[column]) * Double(sum[column])
            }
            lengths[sequence] = max(square.squareRoot(), 1e-12)
            for column in sum.indices { unit[column] = Float(Double(sum[column]) / lengths[sequence]) }
        }
    }

    /// Adds the gradient of the last hidden states, [T, H], from that of the embeddings.
    package func backward(into states: Matrix) {
        for sequence in 0..<bounds.count {
            let (unit, dy) = (embeddings[sequence], gradient[sequence])
            var along = 0.0
            for column in unit.indices { along += Double(unit[column]) * Double(dy[column]) }
            let scale = 1 / (lengths[sequence] * Double(max(1, bounds[sequence].count)))
            for column in unit.indices {
                dy[column] = Float(scale * (Double(dy[column]) - along * Double(unit[column])))
            }
            for row in bounds[sequence] {
                team.addScaled(1, dy.baseAddress!, count: states.columns, to: states[row].baseAddress!)
            }
        }
    }
}

/// Losses of embeddings [n, H], which have length 1.
package enum EmbeddingLosses {
    /// The mean over pairs of (cos(u, v) − target)²: SetFit's and sentence-transformers' CosineSimilarityLoss
    /// (Tunstall et al., arXiv 2209.11055).
    package static func contrastive(
        _ embeddings: Matrix,
        pairs: [WantedCosine],
        weight: Double,
        into gradient: Matrix
    ) -> Double {
        guard !pairs.isEmpty else { return 0 }
        let scale = weight / Double(pairs.count)
        var sum = 0.0
        for pair in pairs {
            let (u, v) = (embeddings[pair.first], embeddings[pair.second])
            var cosine = 0.0
            for column in u.indices { cosine += Double(u[column]) * Double(v[column]) }
            let difference = cosine - Double(pair.cosine)
            sum += difference * difference
            // Lengths are 1 and stay so: `SentenceEmbedding.backward` takes out what goes along the embedding.
            let factor = 2 * scale * difference
            for column in u.indices {
                gradient[pair.first][column] += Float(factor * Double(v[column]))
                gradient[pair.second][column] += Float(factor * Double(u[column]))
            }
        }
        return scale * sum
    }
}
