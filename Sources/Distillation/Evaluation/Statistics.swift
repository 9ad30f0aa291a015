/// The metrics as functions of how often each example counts, for `Bootstrap`.
package enum Statistics {
    /// The mean of a score per example, such as 1 where it is right.
    package static func mean(_ scores: [Double]) -> Statistic {
        { counts in
            precondition(counts.count == scores.count, "one count per example")
            var (sum, total) = (0.0, 0)
            scores.withUnsafeBufferPointer { scores in
                counts.withUnsafeBufferPointer { counts in
                    for index in scores.indices where counts[index] > 0 {
                        sum += Double(counts[index]) * scores[index]
                        total += Int(counts[index])
                    }
                }
            }
            return sum / Double(total)
        }
    }

    /// A metric of the confusion matrix, such as macro F1.
    package static func confusion(
        gold: [Int],
        predicted: [Int],
        labels: Int,
        _ metric: @escaping @Sendable (ConfusionMatrix) -> Double
    ) -> Statistic {
        precondition(gold.count == predicted.count, "one prediction per example")
        return { counts in
            var matrix = ConfusionMatrix(labels: labels)
            for index in gold.indices where counts[index] > 0 {
                matrix.add(gold[index], predicted[index], times: Int(counts[index]))
            }
            return metric(matrix)
        }
    }

    package static func multiLabel(
        gold: [[Int]],
        predicted: [[Int]],
        labels: Int,
        _ metric: @escaping @Sendable (MultiLabelScores) -> Double
    ) -> Statistic {
        let sets = zip(gold, predicted).map { (Set($0), Set($1)) }
        return { counts in
            var scores = MultiLabelScores(labels: labels)
            for index in sets.indices where counts[index] > 0 {
                scores.add(sets[index].0, sets[index].1, times: Int(counts[index]))
            }
            return metric(scores)
        }
    }

    package static func tagging(
        gold: [[String]],
        predicted: [[String]],
        _ metric: @escaping @Sendable (TaggingScores) -> Double
    ) -> Statistic {
        let sentences = zip(gold, predicted).map { TaggingScores($0, $1) }
        return { counts in
            var scores = TaggingScores()
            for index in sentences.indices where counts[index] > 0 {
                scores.add(sentences[index], times: Int(counts[index]))
            }
            return metric(scores)
        }
    }

    package static func pearson(_ left: [Double], _ right: [Double]) -> Statistic {
        { Correlation.weighted(left, right, $0) }
    }

    /// Ranks are those in the resample.
    package static func spearman(_ left: [Double], _ right: [Double]) -> Statistic {
        { counts in
            let drawn = counts.indices.flatMap { Array(repeating: $0, count: Int(counts[$0])) }
            return Correlation.spearman(drawn.map { left[$0] }, drawn.map { right[$0] })
        }
    }
}
