import Glibc
import Tensors
import Testing

private let sets = InstructionSet.allCases.filter(\.isSupported)

@Suite struct ActivationGradientTests {
    /// Against finite differences of the formulas in double precision.
    @Test(arguments: sets) func areTheSlopesOfTheFormulas(_ set: InstructionSet) throws {
        for (activation, formula) in formulas {
            for (rows, columns) in [(1, 1), (3, 7), (2, 16), (5, 100), (40, 1000)] {
                try withMemory(seed: 41) { memory in
                    let (u, da) = (memory.matrix(rows, columns, scale: 6), memory.matrix(rows, columns))
                    for index in 0..<rows * columns where abs(u.base[index]) < 0.001 { u.base[index] = 0.001 }
                    let result = try withTeams(set) { team in
                        // in place, as the backward pass does
                        let du = memory.copy(da)
                        team.activationGradient(activation, u, du, into: du)
                        return du.values
                    }
                    let expected = zip(u.doubles, da.doubles).map { u, da in
                        da * (formula(u + 1e-5) - formula(u - 1e-5)) / 2e-5
                    }
                    // slopes are 1.13 at most, and small where two parts cancel
                    let difference = largestDifference(result, expected.map { Float($0) })
                    #expect(difference < 1e-6, "\(activation), \(rows) × \(columns)")
                }
            }
        }
    }

    /// What the backward pass needs again of the forward pass is computed beside the slopes.
    @Test(arguments: sets) func giveTheActivationsToo(_ set: InstructionSet) throws {
        for (activation, _) in formulas {
            for (rows, columns) in [(1, 1), (3, 7), (5, 100), (40, 1000)] {
                try withMemory(seed: 44) { memory in
                    let (u, da) = (memory.matrix(rows, columns, scale: 6), memory.matrix(rows, columns))
                    let team = try ComputeTeam(cpus: [nil, nil], instructionSet: set)
                    let (alone, du) = (memory.matrix(rows, columns), memory.matrix(rows, columns))
                    team.activationGradient(activation, u, da, into: alone)
                    let (y, expected) = (memory.matrix(rows, columns), memory.matrix(rows, columns))
                    team.activationGradient(activation, u, da, into: du, activated: y)
                    team.activate(activation, u, into: expected)
                    #expect(du.values == alone.values, "\(activation), \(rows) × \(columns)")
                    #expect(y.values == expected.values, "\(activation), \(rows) × \(columns)")
                }
            }
        }
    }

    @Test(arguments: sets) func activateEqualsTheFormulas(_ set: InstructionSet) throws {
        for (activation, formula) in formulas {
            try withMemory(seed: 42) { memory in
                let u = memory.matrix(30, 777, scale: 5)
                let kept = u.values
                let result = try withTeams(set) { team in
                    let y = memory.matrix(30, 777)
                    team.activate(activation, u, into: y)
                    return y.values
                }
                #expect(relativeDifference(result, u.doubles.map(formula)) < 1e-6, "\(activation)")
                #expect(u.values == kept)
            }
        }
    }

    /// Far from zero the slopes are 0 and 1, and no power overflows.
    @Test(arguments: sets) func farFromZeroTheyAreFinite(_ set: InstructionSet) throws {
        try withMemory(seed: 43) { memory in
            let values: [Float] = [-1e4, -100, -30, 30, 100, 1e4]
            let (u, da) = (memory.matrix(1, values.count), memory.matrix(1, values.count))
            for index in values.indices { (u.base[index], da.base[index]) = (values[index], 1) }
            for (activation, _) in formulas {
                let team = try ComputeTeam(cpus: [nil], instructionSet: set)
                let du = memory.matrix(1, values.count)
                team.activationGradient(activation, u, da, into: du)
                let (below, above): (Float, Float) =
                    switch activation {
                    case .none: (1, 1)
                    case .tanh: (0, 0)
                    case .gelu, .geluTanh, .relu, .silu: (0, 1)
                    }
                for index in values.indices {
                    #expect(abs(du.base[index] - (values[index] < 0 ? below : above)) < 1e-6, "\(activation)")
                }
            }
        }
    }
}

/// y = γ ∘ (x − mean) / √(variance + ε) of one row, in double precision; the loss is Σ y ∘ dy.
private struct Norm {
    var x, gamma, dy: [Double]
    let epsilon: Double

    private func hats(_ x: [Double]) -> (values: [Double], deviation: Double) {
        let n = Double(x.count)
        let mean = x.reduce(0, +) / n
        let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n + epsilon).squareRoot()
        return (x.map { ($0 - mean) / deviation }, deviation)
    }

    func loss() -> Double {
        let values = hats(x).values
        return values.indices.reduce(0) { $0 + values[$1] * gamma[$1] * dy[$1] }
    }

    func gradients() -> (dx: [Double], dgamma: [Double]) {
        let (values, deviation) = hats(x)
        let n = Double(x.count)
        let h = zip(gamma, dy).map { $0 * $1 }
        let mean = h.reduce(0, +) / n
        let slope = zip(h, values).reduce(0) { $0 + $1.0 * $1.1 } / n
        return (
            zip(h, values).map { ($0 - mean - $1 * slope) / deviation },
            zip(dy, values).map { $0 * $1 }
        )
    }
}

@Suite struct LayerNormGradientTests {
    @Test func theFormulasAreTheGradientsOfTheDefinition() {
        var samples = SampleGenerator(seed: 44)
        func row() -> [Double] { (0..<9).map { _ in Double(samples.next()) } }
        let norm = Norm(x: row(), gamma: row(), dy: row(), epsilon: 1e-5)
        let gradients = norm.gradients()
        for index in 0..<9 {
            func slope(_ path: WritableKeyPath<Norm, [Double]>) -> Double {
                var (above, below) = (norm, norm)
                above[keyPath: path][index] += 1e-6
                below[keyPath: path][index] -= 1e-6
                return (above.loss() - below.loss()) / 2e-6
            }
            #expect(abs(slope(\.x) - gradients.dx[index]) < 1e-8)
            #expect(abs(slope(\.gamma) - gradients.dgamma[index]) < 1e-8)
        }
    }

    @Test(arguments: sets) func equalsTheDefinition(_ set: InstructionSet) throws {
        for (rows, columns) in [(1, 3), (4, 8), (5, 17), (130, 100), (300, 384), (3, 768)] {
            try withMemory(seed: 45) { memory in
                let (x, dy) = (memory.matrix(rows, columns, scale: 3), memory.matrix(rows, columns))
                let gamma = memory.vector(columns)
                let beta = memory.vector(columns)
                let (gammaStart, betaStart) = (memory.vector(columns), memory.vector(columns))
                let result = try withTeams(set) { team in
                    let dx = memory.copy(dy)
                    let (dgamma, dbeta) = (memory.vector(columns), memory.vector(columns))
                    dgamma.update(from: gammaStart, count: columns)
                    dbeta.update(from: betaStart, count: columns)
                    let weights = LayerNormWeights(gamma: gamma, beta: beta, epsilon: 1e-5)
                    team.layerNormGradient(x, weights, dy: dx, into: dx, dgamma: dgamma, dbeta: dbeta)
                    return dx.values + dgamma.values(columns) + dbeta.values(columns)
                }
                var dx: [Double] = []
                var dgamma = gammaStart.values(columns).map { Double($0) }
                var dbeta = betaStart.values(columns).map { Double($0) }
                for row in 0..<rows {
                    let norm = Norm(
                        x: x[row].map { Double($0) },
                        gamma: gamma.values(columns).map { Double($0) },
                        dy: dy[row].map { Double($0) },
                        epsilon: Double(Float(1e-5))
                    )
                    let gradients = norm.gradients()
                    dx += gradients.dx
                    for column in 0..<columns {
                        dgamma[column] += gradients.dgamma[column]
                        dbeta[column] += norm.dy[column]
                    }
                }
                let size = rows * columns
                let name = "\(rows) × \(columns)"
                #expect(relativeDifference(Array(result[..<size]), dx) < 5e-6, "dx, \(name)")
                #expect(relativeDifference(Array(result[size..<size + columns]), dgamma) < 5e-6, "dgamma, \(name)")
                #expect(relativeDifference(Array(result[(size + columns)...]), dbeta) < 5e-6, "dbeta, \(name)")
            }
        }
    }
}

@Suite struct RowSumTests {
    @Test(arguments: sets) func columnSumsAreAdded(_ set: InstructionSet) throws {
        for (rows, columns) in [(1, 1), (7, 5), (32, 64), (33, 100), (700, 130)] {
            try withMemory(seed: 46) { memory in
                let x = memory.matrix(rows, columns, gap: 3)
                let start = memory.vector(columns)
                let result = try withTeams(set) { team in
                    let sums = memory.vector(columns)
                    sums.update(from: start, count: columns)
                    team.addColumnSums(x, to: sums)
                    return sums.values(columns)
                }
                let expected = (0..<columns).map { column in
                    (0..<rows).reduce(Double(start[column])) { $0 + Double(x[$1][column]) }
                }
                #expect(relativeDifference(result, expected) < 2e-6, "\(rows) × \(columns)")
            }
        }
    }

    @Test(arguments: sets) func logSoftmaxEqualsTheDefinition(_ set: InstructionSet) throws {
        for (rows, columns) in [(1, 1), (3, 2), (5, 17), (9, 100), (2, 30522)] {
            for scale in [Float(1), 0.25] {
                try withMemory(seed: 47) { memory in
                    let x = memory.matrix(rows, columns, gap: 2, scale: 20)
                    let result = try withTeams(set) { team in
                        let y = memory.copy(x)
                        team.logSoftmax(y, scale: scale, into: y)
                        return y.values
                    }
                    let expected = (0..<rows).flatMap { row in
                        let values = x[row].map { Double(scale) * Double($0) }
                        let top = values.max() ?? 0
                        let sum = log(values.reduce(0) { $0 + exp($1 - top) }) + top
                        return values.map { $0 - sum }
                    }
                    #expect(relativeDifference(result, expected) < 5e-7, "\(rows) × \(columns), scale \(scale)")
                }
            }
        }
    }

    @Test(arguments: sets) func divergencesAndPowersEqualTheDefinition(_ set: InstructionSet) throws {
        for columns in [1, 2, 17, 100, 30522] {
            try withMemory(seed: 48) { memory in
                let team = try ComputeTeam(cpus: [nil], instructionSet: set)
                let (p, q, start) = (
                    memory.matrix(1, columns, scale: 9), memory.matrix(1, columns, scale: 9), memory.matrix(1, columns)
                )
                team.logSoftmax(p, scale: 1, into: p)
                team.logSoftmax(q, scale: 1, into: q)
                let (wanted, given) = (p.doubles.map { exp($0) }, q.doubles.map { exp($0) })
                let expected = zip(wanted, zip(p.doubles, q.doubles)).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
                let slopes = zip(wanted, given).map { 3 * ($1 - $0) }
                let sum = memory.copy(start)
                let values = [
                    team.divergence(of: q[0], from: p[0], scale: 3, accumulate: true, into: sum[0]),
                    team.divergence(of: q[0], from: p[0], scale: 3, accumulate: false, into: q[0]),
                ]
                #expect(values[0] == values[1])
                #expect(abs(values[0] - expected) <= 2e-6 * max(1, expected), "\(columns) columns")
                let added = zip(start.doubles, slopes).map { Float($0 + $1) }
                #expect(largestDifference(sum.values, added) < 1e-6, "\(columns) columns")
                #expect(largestDifference(q.values, slopes.map { Float($0) }) < 1e-6, "\(columns) columns")
                let powers = memory.copy(start)
                team.addPowers(-0.5, p[0], to: powers[0])
                let fewer = zip(start.doubles, wanted).map { Float($0 - 0.5 * $1) }
                #expect(largestDifference(powers.values, fewer) < 1e-6, "\(columns) columns")
            }
        }
    }

    @Test func theLogarithmEqualsTheLibrarys() {
        for index in 0..<2000 {
            let x = Glibc.exp(Double(index - 1000) * 0.37)
            #expect(abs(PlainFunctions.log(x) - Glibc.log(x)) <= 1e-15 * max(1, abs(Glibc.log(x))))
        }
        for x in [1.0, 0.7071067811865475, 0.7071067811865476, 1.4142135623730951, 2, 30522] {
            #expect(abs(PlainFunctions.log(x) - Glibc.log(x)) <= 1e-15 * max(1, abs(Glibc.log(x))))
        }
        #expect(PlainFunctions.log(.nan).isNaN)
    }
}
