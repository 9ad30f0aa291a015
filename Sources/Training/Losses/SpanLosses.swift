package import Tensors

/// Losses of question answering: logits [T, 2] that an answer starts at a token and that it ends there. The softmax runs over a
/// sequence's own tokens, and the losses of start and end are averaged.
package struct SpanLosses {
    private let logits: LogitLosses
    private let ours = GrowingBuffer()
    private let theirs = GrowingBuffer()
    private let gradients = GrowingBuffer()

    package init(team: ComputeTeam) { logits = LogitLosses(team: team) }

    /// The mean over the sequences that have an answer of the cross-entropy with its first and last token.
    ///
    /// - Parameter spans: counted in the sequence; negative: none.
    package func crossEntropy(
        _ values: Matrix,
        _ bounds: SequenceBounds,
        spans: [ClosedRange<Int>],
        weight: Double,
        into gradient: Matrix
    ) -> Double {
        let counted = spans.count { $0.lowerBound >= 0 }
        return each(values, bounds, gradient) { row, sequence, isEnd, part, partGradient in
            let wanted = isEnd ? spans[sequence].upperBound : spans[sequence].lowerBound
            return logits.crossEntropy(
                part,
                labels: [wanted],
                weight: weight / Double(2 * counted),
                into: partGradient
            )
        }
    }

    /// T²·(KL of the start + KL of the end)/2, the mean over sequences.
    package func softTargets(
        _ values: Matrix,
        _ bounds: SequenceBounds,
        teacherLogits: Matrix,
        temperature: Double,
        weight: Double,
        into gradient: Matrix
    ) -> Double {
        each(values, bounds, gradient) { rows, sequence, isEnd, part, partGradient in
            let wanted = theirs.matrix(rows: 1, columns: rows.count)
            for (index, row) in rows.enumerated() { wanted[0][index] = teacherLogits[row][isEnd ? 1 : 0] }
            return logits.softTargets(
                part,
                teacherLogits: wanted,
                temperature: temperature,
                weight: weight / Double(2 * bounds.count),
                into: partGradient
            )
        }
    }

    /// Calls `loss` with a row of the logits of each sequence's starts and ends.
    private func each(
        _ values: Matrix,
        _ bounds: SequenceBounds,
        _ gradient: Matrix,
        _ loss: (_ rows: Range<Int>, _ sequence: Int, _ isEnd: Bool, Matrix, Matrix) -> Double
    ) -> Double {
        var sum = 0.0
        for sequence in 0..<bounds.count {
            let rows = bounds[sequence]
            for column in 0..<2 {
                let part = ours.matrix(rows: 1, columns: rows.count)
                let partGradient = gradients.matrix(rows: 1, columns: rows.count)
                partGradient.clear()
                for (index, row) in rows.enumerated() { part[0][index] = values[row][column] }
                sum += loss(rows, sequence, column == 1, part, partGradient)
                for (index, row) in rows.enumerated() { gradient[row][column] += partGradient[0][index] }
            }
        }
        return sum
    }
}
