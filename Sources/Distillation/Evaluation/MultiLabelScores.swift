/// How well sets of labels were predicted, with the averages of scikit-learn over an indicator matrix.
package struct MultiLabelScores: Sendable, Equatable {
    /// Of each label: how often it was rightly predicted, how often it is right, and how often it was predicted.
    private var right: [Int]
    private var gold: [Int]
    private var predicted: [Int]
    private var exact = 0
    private var count = 0

    /// - Parameters:
    ///   - gold: of each example the indices of its labels, below `labels`, each once.
    ///   - predicted: of each example those that the model says.
    package init(gold: [[Int]], predicted: [[Int]], labels: Int) {
        precondition(gold.count == predicted.count, "one prediction per example")
        right = Array(repeating: 0, count: labels)
        self.gold = right
        self.predicted = right
        for (gold, predicted) in zip(gold, predicted) { add(Set(gold), Set(predicted), times: 1) }
    }

    init(labels: Int) { self.init(gold: [], predicted: [], labels: labels) }

    mutating func add(_ gold: Set<Int>, _ predicted: Set<Int>, times: Int) {
        for label in gold { self.gold[label] += times }
        for label in predicted {
            self.predicted[label] += times
            if gold.contains(label) { right[label] += times }
        }
        exact += gold == predicted ? times : 0
        count += times
    }

    /// F1 of all decisions together.
    package var microF1: Double {
        ConfusionMatrix.f1(
            right: right.reduce(0, +),
            gold: gold.reduce(0, +),
            predicted: predicted.reduce(0, +)
        )
    }

    /// The mean of the labels' F1, of labels without an example too.
    package var macroF1: Double {
        let sum = right.indices.reduce(0.0) {
            $0 + ConfusionMatrix.f1(right: right[$1], gold: gold[$1], predicted: predicted[$1])
        }
        return sum / Double(right.count)
    }

    /// The share of examples whose labels are all right and no others were predicted.
    package var exactMatch: Double { Double(exact) / Double(count) }
}
