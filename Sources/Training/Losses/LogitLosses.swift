package import Tensors

/// Losses of logits [n, labels]. Each returns its value, times `weight`, and adds its gradient, times `weight`, to `gradient`
/// [n, labels]. Values are summed row by row in double precision.
package struct LogitLosses {
    private let team: ComputeTeam
    private let student = GrowingBuffer()
    private let teacher = GrowingBuffer()

    package init(team: ComputeTeam) { self.team = team }

    /// Cross-entropy with the labels, the mean over the rows that have one.
    ///
    /// - Parameter labels: of each row; negative: none.
    package func crossEntropy(_ logits: Matrix, labels: [Int], weight: Double, into gradient: Matrix) -> Double {
        let counted = labels.reduce(0) { $0 + ($1 >= 0 ? 1 : 0) }
        guard counted > 0 else { return 0 }
        let logProbabilities = student.matrix(rows: logits.rows, columns: logits.columns)
        team.logSoftmax(logits, scale: 1, into: logProbabilities)
        let scale = Float(weight / Double(counted))
        team.forEachRow(logits.rows) { row in
            let label = labels[row]
            guard label >= 0 else { return }
            team.addPowers(scale, logProbabilities[row], to: gradient[row])
            gradient[row][label] -= scale
        }
        var sum = 0.0
        for (row, label) in labels.enumerated() where label >= 0 { sum -= Double(logProbabilities[row][label]) }
        return weight * sum / Double(counted)
    }

    /// Cross-entropy with probabilities of the labels, the mean over the rows that have some: −Σ p log q.
    package func crossEntropy(
        _ logits: Matrix,
        probabilities: [[Float]],
        weight: Double,
        into gradient: Matrix
    ) -> Double {
        let counted = probabilities.count { row in row.contains { $0 > 0 } }
        guard counted > 0 else { return 0 }
        let logProbabilities = student.matrix(rows: logits.rows, columns: logits.columns)
        team.logSoftmax(logits, scale: 1, into: logProbabilities)
        let scale = weight / Double(counted)
        var sum = 0.0
        for row in 0..<logits.rows {
            let (values, result, wanted) = (logProbabilities[row], gradient[row], probabilities[row])
            let total = wanted.reduce(0) { $0 + Double($1) }
            for column in 0..<logits.columns {
                sum -= Double(wanted[column]) * Double(values[column])
                let probability = PlainFunctions.exp(Double(values[column]))
                result[column] += Float(scale * (total * probability - Double(wanted[column])))
            }
        }
        return scale * sum
    }

    /// Binary cross-entropy of independent labels, the mean over all values that have a target.
    ///
    /// - Parameter targets: 0 to 1, [n, labels] row by row; NaN: none.
    package func binaryCrossEntropy(_ logits: Matrix, targets: [Float], weight: Double, into gradient: Matrix) -> Double
    {
        let count = targets.count { !$0.isNaN }
        guard count > 0 else { return 0 }
        let scale = weight / Double(count)
        var sum = 0.0
        for row in 0..<logits.rows {
            for column in 0..<logits.columns {
                let (x, target) = (Double(logits[row][column]), Double(targets[row * logits.columns + column]))
                guard !target.isNaN else { continue }
                // log(1 + eˣ) − t·x
                sum += PlainFunctions.softplus(x) - target * x
                let probability = 1 / (1 + PlainFunctions.exp(-x))
                gradient[row][column] += Float(scale * (probability - target))
            }
        }
        return scale * sum
    }

    /// Mean squared error over all values that have a target: with numbers, or with a teacher's logits.
    ///
    /// - Parameter targets: [n, labels] row by row; NaN: none.
    package func squaredError(_ logits: Matrix, targets: [Float], weight: Double, into gradient: Matrix) -> Double {
        let count = targets.count { !$0.isNaN }
        guard count > 0 else { return 0 }
        let scale = weight / Double(count)
        var sum = 0.0
        for row in 0..<logits.rows {
            for column in 0..<logits.columns {
                let target = Double(targets[row * logits.columns + column])
                guard !target.isNaN else { continue }
                let difference = Double(logits[row][column]) - target
                sum += difference * difference
                gradient[row][column] += Float(2 * scale * difference)
            }
        }
        return scale * sum
    }

    /// Soft targets (Hinton et al., arXiv 1503.02531): T² times the mean over rows of
    /// KL(softmax(teacher / T) ‖ softmax(student / T)).
    ///
    /// - Parameters:
    ///   - teacherLogits: [n, labels].
    ///   - rows: those that count; nil: all.
    package func softTargets(
        _ logits: Matrix,
        teacherLogits: Matrix,
        rows: [Int]? = nil,
        temperature: Double,
        weight: Double,
        into gradient: Matrix
    ) -> Double {
        let rows = rows ?? Array(0..<logits.rows)
        guard !rows.isEmpty else { return 0 }
        let ours = student.matrix(rows: logits.rows, columns: logits.columns)
        let theirs = teacher.matrix(rows: logits.rows, columns: logits.columns)
        team.logSoftmax(logits, scale: Float(1 / temperature), into: ours)
        team.logSoftmax(teacherLogits, scale: Float(1 / temperature), into: theirs)
        let scale = Float(weight * temperature / Double(rows.count))
        let sum = team.sumOfRows(rows.count) { index in
            let row = rows[index]
            return team.divergence(
                of: ours[row],
                from: theirs[row],
                scale: scale,
                accumulate: true,
                into: gradient[row]
            )
        }
        return weight * temperature * temperature * sum / Double(rows.count)
    }
}

extension ComputeTeam {
    /// Calls `body` for each row, a few at a time on each thread.
    func forEachRow(_ rows: Int, _ body: (Int) -> Void) {
        forEachBlock(of: rows, size: 8) { range in
            for row in range { body(row) }
        }
    }
}
