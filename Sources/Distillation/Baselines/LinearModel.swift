import Glibc

/// What the outputs of a linear model are.
package enum LinearLink: Sendable, Hashable {
    /// The logits of classes, of which one is right.
    case softmax
    /// A logit for each label, any number of which are right.
    case sigmoid
    /// Numbers.
    case identity
}

/// What a linear model is to say about each row: its classes' probabilities, its labels or its numbers.
package struct LinearTargets: Sendable {
    package let link: LinearLink
    package let count: Int
    /// The number of classes, of labels or of numbers.
    package let outputs: Int
    /// [count, outputs]: probabilities, or zeros and ones, or numbers.
    package let values: [Double]

    /// The class of each row, of `classes`.
    package init(classes labels: [Int], of classes: Int) {
        self.init(link: .softmax, sets: labels.map { [$0] }, outputs: classes)
    }

    /// The labels of each row, of `labels` in all.
    package init(labels sets: [[Int]], of labels: Int) {
        self.init(link: .sigmoid, sets: sets, outputs: labels)
    }

    /// A number for each row.
    package init(numbers: [Double]) {
        (link, count, outputs, values) = (.identity, numbers.count, 1, numbers)
    }

    /// Any of them: `values` is [rows, outputs].
    package init(link: LinearLink, values: [Double], outputs: Int) {
        precondition(outputs > 0 && values.count % outputs == 0, "\(values.count) numbers are no rows of \(outputs)")
        (self.link, self.values, self.outputs) = (link, values, outputs)
        count = values.count / outputs
    }

    /// What the examples of a data set say, all of which have to say it.
    package init(_ dataset: Dataset) throws(DistillationError) {
        guard [.classify, .multiLabel, .regression].contains(dataset.task) else {
            throw .usage("a linear model is for classify, multi-label and regression, not for \(dataset.task.rawValue)")
        }
        let outputs = dataset.task == .regression ? 1 : dataset.labels.count
        guard outputs > 0 else { throw .failed("the data has no labels") }
        var values = [Double](repeating: 0, count: dataset.count * outputs)
        for (index, example) in dataset.examples.enumerated() {
            let start = index * outputs
            switch example.target {
            case .label(let label): values[start + label] = 1
            case .labels(let labels): for label in labels { values[start + label] = 1 }
            case .probabilities(let probabilities):
                for (label, probability) in probabilities.enumerated() { values[start + label] = Double(probability) }
            case .value(let value): values[start] = Double(value)
            case .none, .tags, .answers: throw .failed("example \(index + 1) of \(dataset.count) has no label")
            }
        }
        let link: LinearLink =
            switch dataset.task {
            case .multiLabel: .sigmoid
            case .regression: .identity
            default: .softmax
            }
        self.init(link: link, values: values, outputs: outputs)
    }

    private init(link: LinearLink, sets: [[Int]], outputs: Int) {
        var values = [Double](repeating: 0, count: sets.count * outputs)
        for (row, set) in sets.enumerated() {
            for label in set {
                precondition((0..<outputs).contains(label), "label \(label) of \(outputs)")
                values[row * outputs + label] = 1
            }
        }
        self.init(link: link, values: values, outputs: outputs)
    }

    /// Some of the rows, in this order.
    package func selecting(_ indices: [Int]) -> LinearTargets {
        var chosen: [Double] = []
        chosen.reserveCapacity(indices.count * outputs)
        for index in indices { chosen += values[index * outputs..<(index + 1) * outputs] }
        return LinearTargets(link: link, values: chosen, outputs: outputs)
    }

    /// The likeliest class of each row, the first of equal ones.
    package var classes: [Int] { likeliestOfRows(values, width: outputs) }
}

/// A matrix and a bias for each output, over features.
package struct LinearModel: Sendable {
    package let link: LinearLink
    package let outputs: Int
    package let width: Int
    /// Whether the search that fitted it ended at a minimum.
    package let isConverged: Bool
    /// [width + 1, lanes]: a row for each feature, then the biases; `lanes` is a multiple of 8, and zero beyond `outputs`.
    let parameters: [Double]

    var lanes: Int { Self.lanes(outputs) }
    static func lanes(_ outputs: Int) -> Int { (outputs + 7) & ~7 }

    /// The weight of each feature for an output.
    package func weights(_ output: Int) -> [Double] { (0..<width).map { parameters[$0 * lanes + output] } }
    package func bias(_ output: Int) -> Double { parameters[width * lanes + output] }

    /// [rows, outputs] before the link.
    package func scores(_ rows: FeatureRows) -> [Double] {
        precondition(rows.width == width, "rows of \(rows.width) features for a model of \(width)")
        var scores: [Double] = []
        scores.reserveCapacity(rows.count * outputs)
        var block = [Double](repeating: 0, count: rowsPerBlock * lanes)
        for start in stride(from: 0, to: rows.count, by: rowsPerBlock) {
            let range = start..<min(start + rowsPerBlock, rows.count)
            rows.scores(range, parameters: parameters, lanes: lanes, into: &block)
            for row in 0..<range.count { scores += block[row * lanes..<row * lanes + outputs] }
        }
        return scores
    }

    /// [rows, outputs]: probabilities of classes, which sum to 1, or of labels; the numbers themselves where the outputs are
    /// numbers.
    package func predictions(_ rows: FeatureRows) -> [Double] {
        var values = scores(rows)
        switch link {
        case .identity: break
        case .sigmoid: for index in values.indices { values[index] = sigmoid(values[index]) }
        case .softmax:
            for start in stride(from: 0, to: values.count, by: outputs) {
                let range = start..<start + outputs
                let largest = values[range].max()!
                for index in range { values[index] = exp(values[index] - largest) }
                let sum = values[range].reduce(0, +)
                for index in range { values[index] /= sum }
            }
        }
        return values
    }

    /// The likeliest class of each row, the first of equal ones.
    package func classes(_ rows: FeatureRows) -> [Int] { likeliestOfRows(scores(rows), width: outputs) }
}

/// Without overflow at either end.
func sigmoid(_ score: Double) -> Double {
    guard score < 0 else { return 1 / (1 + exp(-score)) }
    let power = exp(score)
    return power / (1 + power)
}

func likeliestOfRows(_ values: [Double], width: Int) -> [Int] {
    stride(from: 0, to: values.count, by: width).map { start in
        var best = start
        for index in start..<start + width where values[index] > values[best] { best = index }
        return best - start
    }
}
