import Glibc
import Tensors
import Testing

private let sets = InstructionSet.allCases.filter(\.isSupported)

@Suite struct AttentionTests {
    @Test(arguments: sets, [1, 2])
    func equalsTheDefinitionForEveryLength(_ set: InstructionSet, _ threads: Int) throws {
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
        for (heads, headSize) in [(2, 64), (3, 20), (4, 8), (1, 33)] {
            let hidden = heads * headSize
            let lengths = [1, 5, 16, 17, 33, 100]
            let bounds = SequenceBounds(lengths: lengths)
            // The second half of the sequences wants its first row only.
            let outputs = SequenceBounds(lengths: lengths.enumerated().map { $0.offset < 3 ? $0.element : 1 })
            var samples = SampleGenerator(seed: 5)
            let qkv = samples.buffer(bounds.rows * 3 * hidden, scale: 3)
            let out = FloatBuffer(count: outputs.rows * hidden)
            try team.attention(
                qkv: qkv.matrix(rows: bounds.rows, columns: 3 * hidden),
                bounds: bounds,
                outputs: outputs,
                heads: heads,
                into: out.matrix(rows: outputs.rows, columns: hidden)
            )
            for sequence in lengths.indices {
                for head in 0..<heads {
                    func part(_ which: Int) -> [[Double]] {
                        bounds[sequence].map { row in
                            (0..<headSize).map {
                                Double(qkv.base[row * 3 * hidden + which * hidden + head * headSize + $0])
                            }
                        }
                    }
                    let expected = attention(q: part(0), k: part(1), v: part(2), queries: outputs[sequence].count)
                    let worst = zip(outputs[sequence], expected).flatMap { row, values in
                        values.enumerated().map { abs(Double(out.base[row * hidden + head * headSize + $0]) - $1) }
                    }.max()
                    #expect((worst ?? 1) < 2e-5, "length \(lengths[sequence]), head size \(headSize)")
                }
            }
        }
    }

    @Test(arguments: sets) func isTheSameForAnyCompany(_ set: InstructionSet) throws {
        let team = try ComputeTeam(cpus: [nil], instructionSet: set)
        var samples = SampleGenerator(seed: 6)
        let hidden = 64
        let qkv = samples.buffer(90 * 3 * hidden)
        func outputs(_ lengths: [Int]) throws -> [Float] {
            let bounds = SequenceBounds(lengths: lengths)
            let out = FloatBuffer(count: bounds.rows * hidden)
            try team.attention(
                qkv: qkv.matrix(rows: bounds.rows, columns: 3 * hidden),
                bounds: bounds,
                outputs: bounds,
                heads: 2,
                into: out.matrix(rows: bounds.rows, columns: hidden)
            )
            return out.matrix(rows: bounds.rows, columns: hidden).values
        }
        let alone = try outputs([23])
        let inCompany = try outputs([23, 50, 17])
        #expect(Array(inCompany.prefix(alone.count)) == alone)
    }
}

@Suite struct RowWiseTests {
    @Test(arguments: sets, [1, 3])
    func layerNormEqualsTheDefinition(_ set: InstructionSet, _ threads: Int) throws {
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
        var samples = SampleGenerator(seed: 7)
        for size in [1, 3, 8, 17, 64, 100, 384, 768] {
            let rows = 70
            let x = samples.buffer(rows * size, scale: 4)
            let gamma = samples.buffer(size)
            let beta = samples.buffer(size)
            let y = FloatBuffer(count: rows * size)
            team.layerNorm(
                x.matrix(rows: rows, columns: size),
                LayerNormWeights(gamma: gamma.base, beta: beta.base, epsilon: 1e-5),
                into: y.matrix(rows: rows, columns: size)
            )
            for row in 0..<rows {
                let values = (0..<size).map { Double(x.base[row * size + $0]) }
                let mean = values.reduce(0, +) / Double(size)
                let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
                for column in 0..<size {
                    let expected =
                        (values[column] - mean) / (variance + 1e-5).squareRoot() * Double(gamma.base[column])
                        + Double(beta.base[column])
                    #expect(abs(Double(y.base[row * size + column]) - expected) < 2e-5)
                }
            }
        }
    }

    @Test(arguments: sets) func embeddingsAddTheirTables(_ set: InstructionSet) throws {
        let team = try ComputeTeam(cpus: [nil, nil], instructionSet: set)
        var samples = SampleGenerator(seed: 8)
        let hidden = 20
        let word = samples.buffer(50 * hidden)
        let position = samples.buffer(80 * hidden)
        let type = samples.buffer(2 * hidden)
        let gamma = samples.buffer(hidden)
        let beta = samples.buffer(hidden)
        let norm = LayerNormWeights(gamma: gamma.base, beta: beta.base, epsilon: 1e-12)
        let rows = 75
        let ids = (0..<rows).map { Int32($0 * 13 % 50) }
        let positions = (0..<rows).map { Int32($0) }
        for types in [(0..<rows).map { Int32($0 % 2) }, nil] as [[Int32]?] {
            for table in [UnsafePointer(type.base), nil] {
                let y = FloatBuffer(count: rows * hidden)
                let weights = EmbeddingWeights(
                    word: PackedTable(format: .float32, values: word.base, scales: nil),
                    position: position.base,
                    type: table,
                    norm: norm
                )
                if let types {
                    team.embed(
                        ids: ids,
                        positions: positions,
                        types: types,
                        weights,
                        into: y.matrix(rows: rows, columns: hidden)
                    )
                } else {
                    team.embed(
                        ids: ids,
                        positions: positions,
                        types: nil,
                        weights,
                        into: y.matrix(rows: rows, columns: hidden)
                    )
                }
                // The sum, then the LayerNorm that has a test of its own.
                let sum = FloatBuffer(count: rows * hidden)
                for row in 0..<rows {
                    for column in 0..<hidden {
                        let typed = table.map { $0[Int(types?[row] ?? 0) * hidden + column] } ?? 0
                        sum.base[row * hidden + column] =
                            word.base[Int(ids[row]) * hidden + column] + typed + position.base[row * hidden + column]
                    }
                }
                let expected = FloatBuffer(count: rows * hidden)
                team.layerNorm(
                    sum.matrix(rows: rows, columns: hidden),
                    norm,
                    into: expected.matrix(rows: rows, columns: hidden)
                )
                let difference = largestDifference(
                    y.matrix(rows: rows, columns: hidden).values,
                    expected.matrix(rows: rows, columns: hidden).values
                )
                #expect(difference < 1e-6)
            }
        }
    }
}

@Suite struct ComputeTeamTests {
    @Test func anInstructionSetThatTheCPULacksIsRefused() throws {
        for set in InstructionSet.allCases where !set.isSupported {
            #expect(throws: TensorError.self) { try ComputeTeam(cpus: [nil], instructionSet: set) }
        }
        #expect(InstructionSet.best.isSupported)
    }

    @Test func whatTheEnvironmentDemandsIsASetOrRefused() throws {
        for set in InstructionSet.allCases { #expect(try InstructionSet.demanded(set.rawValue) == set) }
        for nothing in [nil, ""] as [String?] { #expect(try InstructionSet.demanded(nothing) == nil) }
        let error = #expect(throws: TensorError.self) { try InstructionSet.demanded("AVX2") }
        #expect(error?.description.hasPrefix("DISTILLERY_ISA=AVX2: not one of plain, avx2, ") == true)
    }

    @Test(arguments: WeightFormat.allCases) func peakIsMeasuredWhereThereAreVectors(_ format: WeightFormat) {
        let peak = InstructionSet.best.measurePeak(format, seconds: 0.01)
        #expect(InstructionSet.best == .plain ? peak == 0 : peak > 1)
    }

    @Test func aTeamsPeakIsThatOfAllItsThreads() throws {
        let team = try ComputeTeam(cpus: [nil, nil], instructionSet: .best)
        let peak = team.measurePeak(seconds: 0.01)
        #expect(InstructionSet.best == .plain ? peak == 0 : peak > 1)
    }
}
