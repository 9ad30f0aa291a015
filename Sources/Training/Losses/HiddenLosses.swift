package import Tensors

/// Losses of hidden states. As in `LogitLosses`, each returns its value times `weight` and adds its gradient.
package enum HiddenLosses {
    /// The mean over rows of 1 − cos(student, teacher) (Sanh et al., arXiv 1910.01108).
    ///
    /// - Parameters:
    ///   - states: [n, H]
    ///   - teacher: [n, H]
    package static func cosine(
        _ states: Matrix,
        teacher: Matrix,
        weight: Double,
        into gradient: Matrix,
        team: ComputeTeam
    ) -> Double {
        angle(states, teacher, scale: weight / Double(states.rows), into: gradient, team) { _ in 1 }
    }

    /// Mean squared error over all values.
    package static func squaredError(
        _ states: Matrix,
        teacher: Matrix,
        weight: Double,
        into gradient: Matrix,
        team: ComputeTeam
    ) -> Double {
        guard states.rows > 0 else { return 0 }
        let scale = weight / Double(states.rows * states.columns)
        return scale
            * team.sumOfRows(states.rows) { row in
                let (s, t, result) = (states[row], teacher[row], gradient[row])
                var sum = 0.0
                for column in 0..<states.columns {
                    let difference = Double(s[column]) - Double(t[column])
                    sum += difference * difference
                    result[column] += Float(2 * scale * difference)
                }
                return sum
            }
    }

    /// PKD's loss of one pair of layers (Sun et al., arXiv 1908.09355): the squared distance of the normalised states of first
    /// tokens, the mean over all values.
    package static func patient(
        _ states: Matrix,
        teacher: Matrix,
        weight: Double,
        into gradient: Matrix,
        team: ComputeTeam
    ) -> Double {
        // ‖s/|s| − t/|t|‖² = 2 − 2 cos
        let scale = 2 * weight / Double(states.rows * states.columns)
        return angle(states, teacher, scale: scale, into: gradient, team) { $0.unitLengths / 2 }
    }

    /// scale · Σ (most − cos(student, teacher)) over rows.
    ///
    /// - Parameter most: what a row's part is where both are orthogonal.
    private static func angle(
        _ states: Matrix,
        _ teacher: Matrix,
        scale: Double,
        into gradient: Matrix,
        _ team: ComputeTeam,
        most: (Products) -> Double
    ) -> Double {
        guard states.rows > 0 else { return 0 }
        return scale
            * team.sumOfRows(states.rows) { row in
                let (s, t, result) = (states[row], teacher[row], gradient[row])
                let products = Products(s, t)
                let (ofTeacher, ofStudent) = products.cosineGradient
                for column in 0..<states.columns {
                    result[column] -= Float(scale * (ofTeacher * Double(t[column]) - ofStudent * Double(s[column])))
                }
                return most(products) - products.cosine
            }
    }
}

/// The scalar products of two vectors.
struct Products {
    let own: Double
    let other: Double
    let mixed: Double

    init(_ s: UnsafeMutableBufferPointer<Float>, _ t: UnsafeMutableBufferPointer<Float>) {
        var (own, other, mixed) = (0.0, 0.0, 0.0)
        for column in s.indices {
            let (a, b) = (Double(s[column]), Double(t[column]))
            own += a * a
            other += b * b
            mixed += a * b
        }
        self.own = own
        self.other = other
        self.mixed = mixed
    }

    private var norms: Double { (own * other).squareRoot() }

    /// 0 where one of them is 0.
    var cosine: Double { norms > 0 ? mixed / norms : 0 }

    /// The sum of the squared lengths of both after normalising.
    var unitLengths: Double { (own > 0 ? 1 : 0) + (other > 0 ? 1 : 0) }

    /// d cos / ds = a·t − b·s.
    var cosineGradient: (ofTeacher: Double, ofStudent: Double) {
        guard norms > 0 else { return (0, 0) }
        return (1 / norms, mixed / norms / own)
    }
}

extension ComputeTeam {
    /// Σ body(row), added up in the order of the rows.
    func sumOfRows(_ rows: Int, _ body: (Int) -> Double) -> Double {
        var sums = [Double](repeating: 0, count: rows)
        sums.withUnsafeMutableBufferPointer { sums in
            nonisolated(unsafe) let sums = sums
            forEachRow(rows) { row in sums[row] = body(row) }
        }
        return sums.reduce(0, +)
    }
}
