import Tensors
import Testing

private let sets = InstructionSet.allCases.filter(\.isSupported)

@Suite struct EmbeddingGradientTests {
    @Test(arguments: sets) func sumsThreeTables(_ set: InstructionSet) throws {
        let rows = 150
        for columns in [5, 20, 384] {
            try withMemory(seed: 61) { memory in
                let (word, position) = (memory.vector(50 * columns), memory.vector(80 * columns))
                let type = memory.vector(2 * columns)
                let ids = (0..<rows).map { Int32($0 * 13 % 50) }
                let positions = (0..<rows).map { Int32($0 % 80) }
                let types = (0..<rows).map { Int32($0 % 2) }
                for typed in [true, false] {
                    let result = try withTeams(set) { team in
                        let y = memory.matrix(rows, columns)
                        types.withUnsafeBufferPointer { types in
                            team.embeddingSum(
                                ids: ids,
                                positions: positions,
                                types: typed ? types.baseAddress : nil,
                                word: word,
                                position: position,
                                type: typed ? UnsafePointer(type) : nil,
                                into: y
                            )
                        }
                        return y.values
                    }
                    var expected: [Double] = []
                    for row in 0..<rows {
                        let (id, place, kind) = (Int(ids[row]), Int(positions[row]), Int(types[row]))
                        for column in 0..<columns {
                            let sum = Double(word[id * columns + column]) + Double(position[place * columns + column])
                            expected.append(typed ? sum + Double(type[kind * columns + column]) : sum)
                        }
                    }
                    #expect(relativeDifference(result, expected) < 1e-6, "\(columns) columns")
                }
            }
        }
    }

    @Test(arguments: sets) func scattersRowsIntoTheirTable(_ set: InstructionSet) throws {
        for columns in [1, 7, 64, 100, 384] {
            try withMemory(seed: 62) { memory in
                let (rows, words) = (200, 30)
                let x = memory.matrix(rows, columns, gap: 2)
                let start = memory.vector(words * columns)
                let ids = (0..<rows).map { Int32($0 * $0 % words) }
                let result = try withTeams(set) { team in
                    let table = memory.vector(words * columns)
                    table.update(from: start, count: words * columns)
                    team.scatterAdd(x, rows: ids, into: table)
                    return table.values(words * columns)
                }
                var expected = start.values(words * columns).map { Double($0) }
                for row in 0..<rows {
                    for column in 0..<columns { expected[Int(ids[row]) * columns + column] += Double(x[row][column]) }
                }
                #expect(relativeDifference(result, expected) < 2e-6, "\(columns) columns")
            }
        }
    }
}

@Suite struct OptimizerTests {
    private static let counts = [1, 7, 16, 100, 40000]

    @Test(arguments: sets) func addScaledEqualsTheDefinition(_ set: InstructionSet) throws {
        for count in Self.counts {
            try withMemory(seed: 63) { memory in
                let (x, start) = (memory.vector(count), memory.vector(count))
                let result = try withTeams(set) { team in
                    let y = memory.vector(count)
                    y.update(from: start, count: count)
                    team.addScaled(-0.37, x, count: count, to: y)
                    return y.values(count)
                }
                let expected = (0..<count).map { Double(start[$0]) + Double(Float(-0.37)) * Double(x[$0]) }
                #expect(relativeDifference(result, expected) < 2e-7, "\(count) values")
            }
        }
    }

    @Test(arguments: sets) func sumsSquaresInDoublePrecision(_ set: InstructionSet) throws {
        for count in Self.counts {
            try withMemory(seed: 64) { memory in
                let x = memory.vector(count)
                let sums = try (1...3).map { threads in
                    try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
                        .sumOfSquares(x, ValueRanges(count))
                }
                let expected = (0..<count).reduce(0) { $0 + Double(x[$1]) * Double(x[$1]) }
                #expect(abs(sums[0] - expected) <= 1e-13 * expected, "\(count) values")
                #expect(sums.allSatisfy { $0 == sums[0] })
            }
        }
    }

    /// Three steps beside the same in double precision.
    @Test(arguments: sets) func adamWEqualsTheDefinition(_ set: InstructionSet) throws {
        // numbers that float32 holds, so that 1 − β₂ is the same
        let (rate, decay, beta1, beta2, epsilon, scale) = (0.0078125, 0.125, 0.875, 0.96875, 1e-8, 0.5)
        for count in Self.counts {
            try withMemory(seed: 65) { memory in
                let start = memory.vector(count)
                let gradients = (0..<3).map { _ in memory.vector(count) }
                let result = try withTeams(set) { team in
                    let (weight, m, v) = (memory.vector(count), memory.vector(count), memory.vector(count))
                    let gradient = memory.vector(count)
                    weight.update(from: start, count: count)
                    m.update(repeating: 0, count: count)
                    v.update(repeating: 0, count: count)
                    for t in 1...3 {
                        let step = AdamWStep(
                            rate: Float(rate),
                            decay: Float(decay),
                            beta1: Float(beta1),
                            beta2: Float(beta2),
                            epsilon: Float(epsilon),
                            correction1: Float(1 - power(beta1, t)),
                            correction2: Float(1 - power(beta2, t)),
                            gradientScale: Float(scale)
                        )
                        gradient.update(from: gradients[t - 1], count: count)
                        team.adamW(step, gradient: gradient, weight: weight, m: m, v: v, ValueRanges(count))
                        #expect(gradient.values(count).allSatisfy { $0 == 0 })
                    }
                    return weight.values(count) + m.values(count) + v.values(count)
                }
                var (weights, firsts, seconds): ([Double], [Double], [Double]) = ([], [], [])
                for index in 0..<count {
                    var (w, m, v) = (Double(start[index]), 0.0, 0.0)
                    for t in 1...3 {
                        let g = scale * Double(gradients[t - 1][index])
                        w -= rate * decay * w
                        m = beta1 * m + (1 - beta1) * g
                        v = beta2 * v + (1 - beta2) * g * g
                        let (first, second) = (m / (1 - power(beta1, t)), v / (1 - power(beta2, t)))
                        w -= rate * first / (second.squareRoot() + epsilon)
                    }
                    weights.append(w)
                    firsts.append(m)
                    seconds.append(v)
                }
                #expect(relativeDifference(Array(result[..<count]), weights) < 1e-6, "\(count) values")
                #expect(relativeDifference(Array(result[count..<2 * count]), firsts) < 1e-6, "\(count) values")
                #expect(relativeDifference(Array(result[(2 * count)...]), seconds) < 1e-6, "\(count) values")
            }
        }
    }

    private func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { value, _ in value * base }
    }
}

@Suite struct BlockTests {
    @Test(arguments: [1, 3]) func blocksCoverAllRowsOnce(_ threads: Int) throws {
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: .best)
        for (count, size) in [(0, 4), (1, 4), (4, 4), (1001, 10)] {
            withMemory(seed: 66) { memory in
                let seen = memory.vector(count + 1)
                seen.update(repeating: 0, count: count + 1)
                team.forEachBlock(of: count, size: size) { rows in
                    // blocks are whole but for the last
                    if rows.lowerBound % size == 0, rows.count == size || rows.upperBound == count {
                        for row in rows { seen[row] += 1 }
                    }
                }
                #expect(seen.values(count).allSatisfy { $0 == 1 })
            }
        }
    }
}
