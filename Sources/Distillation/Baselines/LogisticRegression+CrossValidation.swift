extension LogisticRegression {
    /// What cross-validation chose.
    package struct Choice: Sendable {
        package let c: Double
        /// Fitted to all rows.
        package let model: LinearModel
        /// The score of each C, ascending: macro accuracy of classes, macro F1 of labels, minus the mean squared error of
        /// numbers.
        package let scores: [(c: Double, score: Double)]
        /// [rows, outputs] as ``LinearModel/predictions(_:)`` says, each row by the model that had not seen it, with the
        /// chosen C.
        package let heldOut: [Double]
    }

    /// Fits with each C of a grid to all folds but one and scores the rows of that one, all folds' rows together; the C with
    /// the highest score, the smaller of equal ones, is fitted to all rows.
    ///
    /// - Parameter folds: as ``Dataset/folds(k:seed:)`` makes them.
    package static func crossValidated(
        _ rows: FeatureRows,
        _ targets: LinearTargets,
        folds: [Stratified.Fold],
        grid: [Double] = [0.1, 0.3, 1, 2, 5, 10, 20, 50, 100]
    ) throws(DistillationError) -> Choice {
        guard !grid.isEmpty, !folds.isEmpty else { throw .usage("cross-validation needs a grid of C and folds") }
        let grid = grid.sorted()
        let outputs = targets.outputs
        var heldOut = [[Double]](repeating: [Double](repeating: 0, count: rows.count * outputs), count: grid.count)
        for fold in folds {
            let (trainRows, testRows) = (rows.selecting(fold.train), rows.selecting(fold.test))
            let trainTargets = targets.selecting(fold.train)
            var model: LinearModel?
            for (place, c) in grid.enumerated() {
                let fitted = try LogisticRegression(c: c, tolerance: 1e-4).fit(trainRows, trainTargets, from: model)
                let predictions = fitted.predictions(testRows)
                for (row, index) in fold.test.enumerated() {
                    for output in 0..<outputs {
                        heldOut[place][index * outputs + output] = predictions[row * outputs + output]
                    }
                }
                model = fitted
            }
        }
        let scores = zip(grid, heldOut).map { (c: $0, score: score($1, targets)) }
        let best = likeliest(scores.map(\.score))!
        let model = try LogisticRegression(c: grid[best]).fit(rows, targets)
        return Choice(c: grid[best], model: model, scores: scores, heldOut: heldOut[best])
    }

    private static func score(_ predictions: [Double], _ targets: LinearTargets) -> Double {
        let outputs = targets.outputs
        switch targets.link {
        case .identity:
            return -zip(predictions, targets.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                / Double(predictions.count)
        case .softmax:
            var (right, all) = ([Int](repeating: 0, count: outputs), [Int](repeating: 0, count: outputs))
            for (said, wanted) in zip(likeliestOfRows(predictions, width: outputs), targets.classes) {
                all[wanted] += 1
                if said == wanted { right[wanted] += 1 }
            }
            let shares = zip(right, all).filter { $0.1 > 0 }.map { Double($0.0) / Double($0.1) }
            return shares.reduce(0, +) / Double(shares.count)
        case .sigmoid:
            var sum = 0.0
            for label in 0..<outputs {
                var (both, either) = (0, 0)
                for index in stride(from: label, to: predictions.count, by: outputs) {
                    let (said, wanted) = (predictions[index] >= 0.5, targets.values[index] >= 0.5)
                    if said && wanted { both += 1 }
                    either += (said ? 1 : 0) + (wanted ? 1 : 0)
                }
                sum += either == 0 ? 0 : 2 * Double(both) / Double(either)
            }
            return sum / Double(outputs)
        }
    }
}
