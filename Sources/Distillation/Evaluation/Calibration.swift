import Glibc

/// Whether a model is right as often as its probabilities say: its predictions in bins of equal width by the
/// probability of the best label (Guo et al., "On Calibration of Modern Neural Networks", 2017, arXiv 1706.04599).
package struct Calibration: Sendable, Equatable {
    package struct Bin: Sendable, Equatable {
        /// Its probabilities are above the first and at most the second.
        package let lower: Double
        package let upper: Double
        package internal(set) var count = 0
        fileprivate var confidences = 0.0
        fileprivate var right = 0

        /// The mean probability of the best label; NaN where nothing is.
        package var confidence: Double { confidences / Double(count) }
        /// The share that is right; NaN where nothing is.
        package var accuracy: Double { Double(right) / Double(count) }
    }

    package private(set) var bins: [Bin]

    /// - Parameters:
    ///   - confidences: of each example the probability of the predicted label.
    ///   - correct: whether that label is right.
    package init(confidences: [Double], correct: [Bool], bins count: Int = 15) {
        precondition(confidences.count == correct.count, "one probability per example")
        bins = (0..<count).map { Bin(lower: Double($0) / Double(count), upper: Double($0 + 1) / Double(count)) }
        for (confidence, correct) in zip(confidences, correct) {
            let place = min(max(Int((confidence * Double(count)).rounded(.up)) - 1, 0), count - 1)
            bins[place].count += 1
            bins[place].confidences += confidence
            bins[place].right += correct ? 1 : 0
        }
    }

    /// Adds the predictions of another model.
    mutating func add(_ other: Calibration) {
        precondition(bins.count == other.bins.count, "bins of the same width")
        for index in bins.indices {
            bins[index].count += other.bins[index].count
            bins[index].confidences += other.bins[index].confidences
            bins[index].right += other.bins[index].right
        }
    }

    package var count: Int { bins.reduce(0) { $0 + $1.count } }

    /// The expected calibration error: the mean distance of the bins' accuracy from their confidence, each by its
    /// share of the examples; NaN of nothing.
    package var error: Double {
        let sum = bins.reduce(0.0) { $0 + ($1.count == 0 ? 0 : abs(Double($1.right) - $1.confidences)) }
        return sum / Double(count)
    }
}

/// The mean of −ln(the right label's probability), which is kept at least 2⁻⁵² from 0 and 1 as scikit-learn does.
///
/// - Parameters:
///   - probabilities: [examples, labels]
///   - gold: of each example the index of the right label.
package func logLoss(_ probabilities: [[Double]], gold: [Int]) -> Double {
    precondition(probabilities.count == gold.count, "one label per example")
    let least = Double.ulpOfOne
    let sum = zip(probabilities, gold).reduce(0.0) { $0 - log(min(max($1.0[$1.1], least), 1 - least)) }
    return sum / Double(gold.count)
}
