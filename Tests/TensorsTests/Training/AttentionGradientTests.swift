import Glibc
import Tensors
import Testing

private let sets = InstructionSet.allCases.filter(\.isSupported)

/// One head over one sequence in double precision, by its definition: q, k, v and dout [length, d].
private struct Head {
    var q, k, v, dout: [[Double]]
    /// What each probability is multiplied by, [length][length].
    var factors: [[Double]]

    private func probabilities(_ query: [Double]) -> [Double] {
        let d = Double(query.count)
        let scores = k.map { key in zip(query, key).reduce(0) { $0 + $1.0 * $1.1 } / d.squareRoot() }
        let top = scores.max() ?? 0
        let powers = scores.map { exp($0 - top) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    func output() -> [[Double]] {
        q.indices.map { i in
            let weights = zip(probabilities(q[i]), factors[i]).map { $0 * $1 }
            return v[0].indices.map { c in zip(weights, v).reduce(0) { $0 + $1.0 * $1.1[c] } }
        }
    }

    /// Σ out ∘ dout, of which dq, dk and dv are the gradients.
    func loss() -> Double {
        zip(output(), dout).reduce(0) { zip($1.0, $1.1).reduce($0) { $0 + $1.0 * $1.1 } }
    }

    func gradients() -> (dq: [[Double]], dk: [[Double]], dv: [[Double]]) {
        let (length, d) = (q.count, q[0].count)
        let zeros = [[Double]](repeating: [Double](repeating: 0, count: d), count: length)
        var (dq, dk, dv) = (zeros, zeros, zeros)
        for i in 0..<length {
            let p = probabilities(q[i])
            let dp = (0..<length).map { j in factors[i][j] * zip(dout[i], v[j]).reduce(0) { $0 + $1.0 * $1.1 } }
            let mean = zip(p, dp).reduce(0) { $0 + $1.0 * $1.1 }
            for j in 0..<length {
                let ds = p[j] * (dp[j] - mean) / Double(d).squareRoot()
                for c in 0..<d {
                    dq[i][c] += ds * k[j][c]
                    dk[j][c] += ds * q[i][c]
                    dv[j][c] += p[j] * factors[i][j] * dout[i][c]
                }
            }
        }
        return (dq, dk, dv)
    }
}

@Suite struct AttentionGradientTests {
    private static let dropouts = [Dropout.none, Dropout(key: 0x1234_5678_9ABC_DEF0, rate: 0.3)]

    /// The heads of a batch, sequences outermost, as the kernels see them.
    private func heads(_ qkv: Matrix, _ dout: Matrix, _ lengths: [Int], _ count: Int, _ dropout: Dropout) -> [Head] {
        let (hidden, size) = (dout.columns, dout.columns / count)
        let bounds = SequenceBounds(lengths: lengths)
        var offset: UInt64 = 0
        return lengths.indices.flatMap { sequence in
            (0..<count).map { head in
                func part(_ matrix: Matrix, _ column: Int) -> [[Double]] {
                    bounds[sequence].map { row in (0..<size).map { Double(matrix[row][column + $0]) } }
                }
                let length = lengths[sequence]
                let factors = (0..<length).map { i in
                    (0..<length).map { j in
                        let bits = randomBits(dropout.key, offset + UInt64(i * length + j))
                        return Double(bits) >= Double(dropout.rate) * 0x1p32 ? 1 / (1 - Double(dropout.rate)) : 0
                    }
                }
                offset += UInt64(length * length)
                return Head(
                    q: part(qkv, head * size),
                    k: part(qkv, hidden + head * size),
                    v: part(qkv, 2 * hidden + head * size),
                    dout: part(dout, head * size),
                    factors: factors
                )
            }
        }
    }

    /// Rows [T, columns] of what each head has, side by side.
    private func rows(_ parts: [[[Double]]], _ heads: Int) -> [Double] {
        stride(from: 0, to: parts.count, by: heads).flatMap { first in
            parts[first].indices.flatMap { row in (first..<first + heads).flatMap { parts[$0][row] } }
        }
    }

    @Test func theFormulasAreTheGradientsOfTheDefinition() throws {
        try withMemory(seed: 31) { memory in
            for dropout in Self.dropouts {
                let (qkv, dout) = (memory.matrix(6, 12, scale: 2), memory.matrix(6, 4))
                let head = try #require(heads(qkv, dout, [6], 1, dropout).first)
                let gradients = head.gradients()
                for row in 0..<6 {
                    for column in 0..<4 {
                        func slope(_ path: WritableKeyPath<Head, [[Double]]>) -> Double {
                            var (above, below) = (head, head)
                            above[keyPath: path][row][column] += 1e-5
                            below[keyPath: path][row][column] -= 1e-5
                            return (above.loss() - below.loss()) / 2e-5
                        }
                        #expect(abs(slope(\.q) - gradients.dq[row][column]) < 1e-8)
                        #expect(abs(slope(\.k) - gradients.dk[row][column]) < 1e-8)
                        #expect(abs(slope(\.v) - gradients.dv[row][column]) < 1e-8)
                    }
                }
            }
        }
    }

    @Test(arguments: sets, dropouts)
    func equalTheDefinitionForEveryLength(_ set: InstructionSet, _ dropout: Dropout) throws {
        for (count, size, lengths) in [
            (2, 64, [1, 17, 40]), (3, 20, [2, 5, 16, 33]), (4, 8, [12, 13, 24, 25]), (1, 33, [31, 7]), (2, 32, [96]),
        ] {
            try withMemory(seed: 32) { memory in
                let bounds = SequenceBounds(lengths: lengths)
                let hidden = count * size
                let qkv = memory.matrix(bounds.rows, 3 * hidden, gap: 3, scale: 2)
                let dout = memory.matrix(bounds.rows, hidden, gap: 1)
                let results = try withTeams(set) { team in
                    let out = memory.matrix(bounds.rows, hidden, gap: 2)
                    let gradient = memory.matrix(bounds.rows, 3 * hidden, gap: 5)
                    try team.attention(
                        qkv: qkv,
                        bounds: bounds,
                        outputs: bounds,
                        heads: count,
                        dropout: dropout,
                        into: out
                    )
                    try team.attentionGradient(
                        qkv: qkv,
                        dout: dout,
                        bounds: bounds,
                        outputs: bounds,
                        heads: count,
                        dropout: dropout,
                        into: gradient
                    )
                    return [out, gradient[columns: 0..<hidden], gradient[columns: hidden..<2 * hidden]].flatMap(
                        \.values
                    )
                        + gradient[columns: 2 * hidden..<3 * hidden].values
                }
                let heads = heads(qkv, dout, lengths, count, dropout)
                let gradients = heads.map { $0.gradients() }
                let expected = [
                    ("out", rows(heads.map { $0.output() }, count)), ("dq", rows(gradients.map(\.dq), count)),
                    ("dk", rows(gradients.map(\.dk), count)), ("dv", rows(gradients.map(\.dv), count)),
                ]
                let part = bounds.rows * hidden
                for (index, (name, values)) in expected.enumerated() {
                    let result = Array(results[index * part..<(index + 1) * part])
                    #expect(relativeDifference(result, values) < 5e-6, "\(name), \(count) heads of \(size)")
                }
            }
        }
    }

    /// Lengths of more than one block of queries, against plain C, which the test above has proved.
    @Test(arguments: sets) func longSequencesEqualPlainC(_ set: InstructionSet) throws {
        let (count, size, lengths) = (2, 32, [512, 257])
        let dropout = Dropout(key: 5, rate: 0.1)
        try withMemory(seed: 33) { memory in
            let bounds = SequenceBounds(lengths: lengths)
            let hidden = count * size
            let qkv = memory.matrix(bounds.rows, 3 * hidden, scale: 2)
            let dout = memory.matrix(bounds.rows, hidden)
            func gradient(_ team: ComputeTeam) throws -> [Float] {
                let gradient = memory.matrix(bounds.rows, 3 * hidden)
                try team.attentionGradient(
                    qkv: qkv,
                    dout: dout,
                    bounds: bounds,
                    outputs: bounds,
                    heads: count,
                    dropout: dropout,
                    into: gradient
                )
                return gradient.values
            }
            let expected = try gradient(ComputeTeam(cpus: [nil], instructionSet: .plain))
            let result = try withTeams(set, gradient)
            #expect(relativeDifference(result, expected.map { Double($0) }) < 1e-5)
        }
    }

    /// A model without dropout computes in training what it does when it serves.
    @Test(arguments: sets) func withoutDropoutItIsTheServersAttention(_ set: InstructionSet) throws {
        try withMemory(seed: 34) { memory in
            let bounds = SequenceBounds(lengths: [7, 30, 1])
            let qkv = memory.matrix(bounds.rows, 3 * 40)
            let team = try ComputeTeam(cpus: [nil], instructionSet: set)
            let (trained, served) = (memory.matrix(bounds.rows, 40), memory.matrix(bounds.rows, 40))
            try team.attention(qkv: qkv, bounds: bounds, outputs: bounds, heads: 2, dropout: .none, into: trained)
            try team.attention(qkv: qkv, bounds: bounds, outputs: bounds, heads: 2, into: served)
            // plain C divides by the sum of the powers at the end there
            let tolerance: Float = set == .plain ? 1e-6 : 0
            #expect(largestDifference(trained.values, served.values) <= tolerance)
        }
    }

    @Test func aShapeThatDoesNotFitIsRefused() throws {
        try withMemory(seed: 35) { memory in
            let team = try ComputeTeam(cpus: [nil], instructionSet: .best)
            let bounds = SequenceBounds(lengths: [3])
            #expect(
                throws: TensorError.shape(
                    operation: "gradient of attention of 3 heads",
                    expected: "[3, 3H] and [3, H]",
                    actual: "[3, 24] and [3, 8]"
                )
            ) {
                try team.attentionGradient(
                    qkv: memory.matrix(3, 24),
                    dout: memory.matrix(3, 8),
                    bounds: bounds,
                    outputs: bounds,
                    heads: 3,
                    dropout: .none,
                    into: memory.matrix(3, 24)
                )
            }
        }
    }
}
