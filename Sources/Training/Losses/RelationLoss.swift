package import Tensors

/// MiniLM v2's loss of one pair of layers (Wang et al., arXiv 2012.15828): the divergence of relations among queries, among keys
/// and among values, which are softmax(A·Aᵀ/√d) of each of `heads` relation heads, from the teacher's.
///
/// KL(teacher ‖ student) is averaged over the rows of a relation, its heads and the sequences' tokens; the three kinds are
/// added up. The number of relation heads is free: queries, keys and values are only cut into as many parts, so that teacher
/// and student may have other widths and numbers of attention heads.
package final class RelationLoss {
    private let heads: Int
    private let team: ComputeTeam
    private let packed = StepWeight(.float32)
    private let scores = GrowingBuffer()
    private let teacherScores = GrowingBuffer()
    private let transposed = GrowingBuffer()

    package init(heads: Int, team: ComputeTeam) {
        self.heads = heads
        self.team = team
    }

    /// - Parameters:
    ///   - student: queries, keys and values of the student's layer [T, 3H].
    ///   - teacher: of the teacher's layer [T, 3H′].
    ///   - gradient: [T, 3H], added to.
    package func add(
        student: Matrix,
        teacher: Matrix,
        bounds: SequenceBounds,
        weight: Double,
        into gradient: Matrix
    ) throws(TensorError) -> Double {
        guard bounds.rows > 0 else { return 0 }
        let (width, teacherWidth) = (student.columns / 3 / heads, teacher.columns / 3 / heads)
        let scale = weight / Double(bounds.rows * heads)
        var total = 0.0
        for sequence in 0..<bounds.count {
            let rows = bounds[sequence]
            for part in 0..<3 * heads {
                let ours = student[rows: rows][columns: part * width..<(part + 1) * width]
                let theirs = teacher[rows: rows][columns: part * teacherWidth..<(part + 1) * teacherWidth]
                let s = try relation(ours, scores)
                let t = try relation(theirs, teacherScores)
                total += difference(s, t, scale: scale / Double(width).squareRoot())
                // S = A·Aᵀ, so dA = (dS + dSᵀ)·A
                let n = rows.count
                let both = transposed.matrix(rows: n, columns: n)
                team.forEachRow(n) { row in
                    for column in 0..<n { both[row][column] = s[row][column] + s[column][row] }
                }
                team.pack(ours, transposed: true, into: packed)
                let target = gradient[rows: rows][columns: part * width..<(part + 1) * width]
                try team.product(both, packed, accumulate: true, into: target)
            }
        }
        return scale * total
    }

    /// log softmax(A·Aᵀ/√d), [n, n].
    private func relation(_ a: Matrix, _ buffer: GrowingBuffer) throws(TensorError) -> Matrix {
        let scores = buffer.matrix(rows: a.rows, columns: a.rows)
        team.pack(a, into: packed)
        try team.product(a, packed, into: scores)
        team.logSoftmax(scores, scale: Float(1 / Double(a.columns).squareRoot()), into: scores)
        return scores
    }

    /// Σ KL(t ‖ s) over rows; s becomes the gradient of its scores, times `scale`.
    private func difference(_ s: Matrix, _ t: Matrix, scale: Double) -> Double {
        team.sumOfRows(s.rows) { row in
            team.divergence(of: s[row], from: t[row], scale: Float(scale), accumulate: false, into: s[row])
        }
    }
}
