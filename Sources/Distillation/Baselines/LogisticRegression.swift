import Glibc

/// A linear model fitted by the minimum of ½‖w‖² + C · Σ loss over the rows, as scikit-learn states it; biases are not in
/// ‖w‖.
///
/// The loss is the cross-entropy of classes (multinomial), the cross-entropy of each label on its own (one-vs-rest), or half
/// the squared error of a number: ridge regression with alpha = 1/C. Two classes have one vector of weights, as in
/// scikit-learn, of which each class has one half. The same rows give the same bits.
package struct LogisticRegression: Sendable {
    /// How much the rows count against the size of the weights.
    package var c: Double
    /// The search ends where no element of the gradient of the mean loss (with ‖w‖² / (2 · C · rows)) is larger.
    package var tolerance: Double
    package var mostIterations: Int

    package init(c: Double = 1, tolerance: Double = 1e-5, mostIterations: Int = 1000) {
        self.c = c
        self.tolerance = tolerance
        self.mostIterations = mostIterations
    }

    /// - Parameter start: a model of the same shape to start from, such as that of a neighbouring C; nil for zeros.
    package func fit(
        _ rows: FeatureRows,
        _ targets: LinearTargets,
        from start: LinearModel? = nil
    ) throws(DistillationError) -> LinearModel {
        guard rows.count == targets.count, rows.count > 0, rows.width > 0 else {
            throw .failed(
                "\(rows.count) rows of \(rows.width) features and \(targets.count) targets; a linear model needs one target "
                    + "for each row"
            )
        }
        guard c > 0, c.isFinite else { throw .usage("C is \(c); a finite number above 0 is needed") }
        guard rows.isFinite, targets.values.allSatisfy(\.isFinite) else {
            throw .failed("the features or the targets of a linear model are not finite")
        }
        if targets.link == .softmax, targets.outputs == 2 { return try fitTwoClasses(rows, targets, from: start) }

        var objective = LinearObjective(rows, targets, c: c)
        var point = start?.parameters ?? [Double](repeating: 0, count: (rows.width + 1) * objective.lanes)
        precondition(point.count == (rows.width + 1) * objective.lanes, "a start of another shape")
        let search = LBFGS(mostIterations: mostIterations, tolerance: tolerance)
        let outcome = search.minimise(&point) { objective.evaluate($0, gradient: &$1) }
        return LinearModel(
            link: targets.link,
            outputs: targets.outputs,
            width: rows.width,
            isConverged: outcome.isConverged,
            parameters: point
        )
    }

    /// The second class's logit against the first's.
    private func fitTwoClasses(
        _ rows: FeatureRows,
        _ targets: LinearTargets,
        from start: LinearModel?
    ) throws(DistillationError) -> LinearModel {
        let second = (0..<targets.count).map { targets.values[2 * $0 + 1] }
        let one = try fit(
            rows,
            LinearTargets(link: .sigmoid, values: second, outputs: 1),
            from: start.map { $0.mappingLanes(outputs: 1, link: .sigmoid) { [$0[1] - $0[0]] } }
        )
        return one.mappingLanes(outputs: 2, link: .softmax) { [-$0[0] / 2, $0[0] / 2] }
    }
}

extension LinearModel {
    /// The model with other outputs, each parameter of which is worked out from those of one feature.
    fileprivate func mappingLanes(
        outputs: Int,
        link: LinearLink,
        _ transform: (ArraySlice<Double>) -> [Double]
    ) -> LinearModel {
        let newLanes = Self.lanes(outputs)
        var new = [Double](repeating: 0, count: (width + 1) * newLanes)
        for feature in 0...width {
            let old = Array(parameters[feature * lanes..<(feature + 1) * lanes])[...]
            for (output, value) in transform(old).enumerated() { new[feature * newLanes + output] = value }
        }
        return LinearModel(link: link, outputs: outputs, width: width, isConverged: isConverged, parameters: new)
    }
}

extension FeatureRows {
    fileprivate var isFinite: Bool {
        switch storage {
        case .dense(let values), .sparse(_, _, let values): values.allSatisfy(\.isFinite)
        }
    }
}

/// The mean loss plus ‖w‖² / (2 · C · rows), and its gradient: ``LogisticRegression``'s function over C · rows.
struct LinearObjective {
    let lanes: Int
    private let rows: FeatureRows
    private let targets: LinearTargets
    private let decay: Double
    private var scores: [Double]
    private var scratch: [Double]

    init(_ rows: FeatureRows, _ targets: LinearTargets, c: Double) {
        self.rows = rows
        self.targets = targets
        lanes = LinearModel.lanes(targets.outputs)
        decay = 1 / (c * Double(rows.count))
        scores = [Double](repeating: 0, count: rowsPerBlock * lanes)
        scratch = [Double](repeating: 0, count: rows.width * rowsPerBlock)
    }

    /// - Parameter parameters: as in ``LinearModel/parameters``.
    mutating func evaluate(_ parameters: [Double], gradient: inout [Double]) -> Double {
        for index in gradient.indices { gradient[index] = 0 }
        var loss = 0.0
        for start in stride(from: 0, to: rows.count, by: rowsPerBlock) {
            let range = start..<min(start + rowsPerBlock, rows.count)
            rows.scores(range, parameters: parameters, lanes: lanes, into: &scores)
            for row in range { loss += residuals(of: row, at: (row - start) * lanes) }
            rows.addGradient(range, residuals: scores, lanes: lanes, scratch: &scratch, to: &gradient)
        }
        let share = 1 / Double(rows.count)
        for index in gradient.indices { gradient[index] *= share }
        let weights = rows.width * lanes
        var squares = 0.0
        for index in 0..<weights {
            squares += parameters[index] * parameters[index]
            gradient[index] += decay * parameters[index]
        }
        return loss * share + decay * squares / 2
    }

    /// Makes a row's scores the derivatives of its loss by them, and returns the loss.
    private mutating func residuals(of row: Int, at place: Int) -> Double {
        let outputs = targets.outputs
        let first = row * outputs
        var loss = 0.0
        switch targets.link {
        case .identity:
            for output in 0..<outputs {
                let difference = scores[place + output] - targets.values[first + output]
                scores[place + output] = difference
                loss += difference * difference / 2
            }
        case .sigmoid:
            for output in 0..<outputs {
                let (score, target) = (scores[place + output], targets.values[first + output])
                // log(1 + exp(score)) − target · score, without overflow.
                loss += max(score, 0) + log1p(exp(-abs(score))) - target * score
                scores[place + output] = sigmoid(score) - target
            }
        case .softmax:
            var largest = scores[place]
            for output in 1..<max(1, outputs) { largest = max(largest, scores[place + output]) }
            var (sum, mass) = (0.0, 0.0)
            for output in 0..<outputs {
                let (score, target) = (scores[place + output] - largest, targets.values[first + output])
                loss -= target * score
                mass += target
                let power = exp(score)
                scores[place + output] = power
                sum += power
            }
            loss += mass * log(sum)
            for output in 0..<outputs {
                scores[place + output] = mass * scores[place + output] / sum - targets.values[first + output]
            }
        }
        return loss
    }
}
