/// How often each label was taken for each other one, and the metrics that follow from it.
///
/// They are those of scikit-learn: F1 is 0 where a label is neither right nor wrong, and averages over labels leave out
/// those that neither the gold nor the predicted labels have.
package struct ConfusionMatrix: Sendable, Equatable {
    package let labels: Int
    /// [labels, labels]: row by the gold label, column by the predicted one.
    private var counts: [Int]

    package init(labels: Int) {
        self.labels = labels
        counts = Array(repeating: 0, count: labels * labels)
    }

    /// - Parameters:
    ///   - gold: of each example the index of the right label, below `labels`.
    ///   - predicted: of each example the index of the model's.
    package init(gold: [Int], predicted: [Int], labels: Int) {
        precondition(gold.count == predicted.count, "one prediction per example")
        self.init(labels: labels)
        for (gold, predicted) in zip(gold, predicted) { add(gold, predicted) }
    }

    package mutating func add(_ gold: Int, _ predicted: Int, times: Int = 1) {
        counts[gold * labels + predicted] += times
    }

    /// Adds what another model of the same labels mistook.
    mutating func add(_ other: ConfusionMatrix) {
        precondition(labels == other.labels, "matrices of the same labels")
        for index in counts.indices { counts[index] += other.counts[index] }
    }

    package subscript(gold: Int, predicted: Int) -> Int { counts[gold * labels + predicted] }

    package var total: Int { counts.reduce(0, +) }

    private var correct: Int { (0..<labels).reduce(0) { $0 + self[$1, $1] } }

    /// The share of right predictions, which is micro F1 as well; NaN of nothing.
    package var accuracy: Double { Double(correct) / Double(total) }

    /// How often each label is right, and how often it was predicted.
    private var sums: (gold: [Int], predicted: [Int]) {
        var (gold, predicted) = (Array(repeating: 0, count: labels), Array(repeating: 0, count: labels))
        for row in 0..<labels {
            for column in 0..<labels {
                gold[row] += self[row, column]
                predicted[column] += self[row, column]
            }
        }
        return (gold, predicted)
    }

    /// 2·TP / (2·TP + FP + FN) of one label against all others; what MRPC and QQP report of label 1.
    package func f1(of label: Int) -> Double {
        let (gold, predicted) = sums
        return Self.f1(right: self[label, label], gold: gold[label], predicted: predicted[label])
    }

    static func f1(right: Int, gold: Int, predicted: Int) -> Double {
        gold + predicted == 0 ? 0 : 2 * Double(right) / Double(gold + predicted)
    }

    /// The mean of the labels' F1.
    package var macroF1: Double {
        let (gold, predicted) = sums
        let present = (0..<labels).filter { gold[$0] + predicted[$0] > 0 }
        let scores = present.map { Self.f1(right: self[$0, $0], gold: gold[$0], predicted: predicted[$0]) }
        return scores.reduce(0, +) / Double(scores.count)
    }

    /// The mean of the labels' F1, each as often as it is right.
    package var weightedF1: Double {
        let (gold, predicted) = sums
        let sum = (0..<labels).reduce(0.0) {
            $0 + Double(gold[$1]) * Self.f1(right: self[$1, $1], gold: gold[$1], predicted: predicted[$1])
        }
        return sum / Double(total)
    }

    /// Matthews' correlation, for any number of labels (Gorodkin, "Comparing two K-category assignments by a K-category
    /// correlation coefficient", 2004); 0 where one side has a single label.
    package var matthews: Double {
        let (gold, predicted) = sums
        let all = Double(total)
        func product(_ left: [Int], _ right: [Int]) -> Double {
            zip(left, right).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
        }
        let covariance = Double(correct) * all - product(gold, predicted)
        let spread = (all * all - product(predicted, predicted)) * (all * all - product(gold, gold))
        return spread == 0 ? 0 : covariance / spread.squareRoot()
    }

    package struct Confusion: Sendable, Equatable {
        package let gold: Int
        package let predicted: Int
        package let count: Int
        /// Of the gold label's examples.
        package let share: Double
    }

    /// The most frequent mistakes, of equal ones the first by label.
    package func confusions(_ most: Int) -> [Confusion] {
        let gold = sums.gold
        let places = counts.indices.filter { counts[$0] > 0 && $0 / labels != $0 % labels }
        let order = places.sorted { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }
        return order.prefix(most).map { place in
            let row = place / labels
            return Confusion(
                gold: row,
                predicted: place % labels,
                count: counts[place],
                share: Double(counts[place]) / Double(gold[row])
            )
        }
    }
}
