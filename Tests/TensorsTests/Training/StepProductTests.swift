import Tensors
import Testing

private let sets = InstructionSet.allCases.filter(\.isSupported)
private let formats = [WeightFormat.float32, .bfloat16]

/// Products with weights that are packed at every step, in every orientation.
@Suite struct StepProductTests {
    /// Rows, outputs and inputs: parts of tiles, of panels and of blocks of inputs.
    static let shapes = [
        (1, 1, 1), (1, 3, 7), (5, 48, 33), (17, 100, 515), (64, 24, 600), (3, 25, 1101), (150, 71, 130),
    ]

    /// x·Wᵀ in double precision, of what the format and the set hold.
    private func product(_ x: Matrix, _ weight: Matrix, _ format: WeightFormat, _ set: InstructionSet) throws
        -> [Double]
    {
        try withMemory(seed: 0) { memory in
            let rounded = memory.matrix(weight.rows, weight.columns)
            for row in 0..<weight.rows {
                for column in 0..<weight.columns { rounded[row][column] = weight[row][column] }
            }
            Reference.round(rounded.base, rows: weight.rows, columns: weight.columns, to: format, levels: 0)
            let rounds = format == .bfloat16 && set.roundsActivations
            return try Reference.product(
                x.values.map { Double(rounds ? Reference.bfloat16($0) : $0) },
                weight: rounded.base,
                bias: nil,
                rows: x.rows,
                outputs: weight.rows,
                inputs: weight.columns
            )
        }
    }

    @Test(arguments: sets, formats)
    func everyOrientationHasTheSameBits(_ set: InstructionSet, _ format: WeightFormat) throws {
        for (rows, outputs, inputs) in Self.shapes {
            try withMemory(seed: 21) { memory in
                let x = memory.matrix(rows, inputs, gap: 2)
                let weight = memory.matrix(outputs, inputs, gap: 5)
                let columns = memory.transposed(x, gap: 3)
                let stored = memory.transposed(weight, gap: 1)
                let step = StepWeight(format)
                var results: [[Float]] = []
                for (x, transposed) in [(x, false), (columns, true)] {
                    for (weight, weightTransposed) in [(weight, false), (stored, true)] {
                        results.append(
                            try withTeams(set) { team in
                                let y = memory.matrix(rows, outputs, gap: 4)
                                let between = y.base[min(outputs, rows * (outputs + 4) - 1)]
                                team.pack(weight, transposed: weightTransposed, into: step)
                                #expect(step.outputs == outputs && step.inputs == inputs)
                                try team.product(x, transposed: transposed, step, into: y)
                                #expect(y.base[outputs] == between, "a product writes its columns alone")
                                return y.values
                            }
                        )
                    }
                }
                let expected = try product(x, weight, format, set)
                let name = "\(rows) rows, \(outputs) outputs, \(inputs) inputs"
                #expect(relativeDifference(results[0], expected) < 2e-6 * Double(inputs + 4).squareRoot(), "\(name)")
                for result in results { #expect(result == results[0], "\(name)") }
            }
        }
    }

    /// What the server's products compute of the same weight.
    @Test(arguments: sets, formats)
    func aStepWeightIsPackedAsAServedOne(_ set: InstructionSet, _ format: WeightFormat) throws {
        for (rows, outputs, inputs) in Self.shapes {
            try withMemory(seed: 22) { memory in
                let x = memory.matrix(rows, inputs)
                let weight = memory.matrix(outputs, inputs)
                // not what a bfloat16 can round upwards into another number
                weight[0][0] = .nan
                let bias = memory.vector(outputs)
                let residual = memory.matrix(rows, outputs, gap: 7)
                let bytes = PackedLinear.byteCount(format, outputs: outputs, inputs: inputs)
                let packed = memory.vector(bytes / 4 + 1)
                try PackedLinear.pack(weight.base, outputs: outputs, inputs: inputs, as: format, to: packed)
                let layer = PackedLinear(weight: packed, bias: bias, outputs: outputs, inputs: inputs, format: format)
                let team = try ComputeTeam(cpus: [nil], instructionSet: set)
                let step = StepWeight(format)
                team.pack(weight, into: step)
                let (y, served) = (memory.matrix(rows, outputs), memory.matrix(rows, outputs))
                try team.product(x, step, bias: bias, residual: residual, activation: .gelu, into: y)
                try team.linear(x, layer, residual: residual, activation: .gelu, into: served)
                #expect(y.values.map(\.bitPattern) == served.values.map(\.bitPattern))
                #expect(y[0][0].isNaN)
            }
        }
    }

    @Test(arguments: sets, formats)
    func accumulatingBeginsTheSumsAtWhatIsThere(_ set: InstructionSet, _ format: WeightFormat) throws {
        for (rows, outputs, inputs) in Self.shapes {
            try withMemory(seed: 23) { memory in
                let x = memory.matrix(inputs, rows)
                let weight = memory.matrix(inputs, outputs)
                let start = memory.matrix(rows, outputs, gap: 3, scale: 10)
                let step = StepWeight(format)
                let result = try withTeams(set) { team in
                    let y = memory.copy(start)
                    team.pack(weight, transposed: true, into: step)
                    try team.product(x, transposed: true, step, accumulate: true, into: y)
                    return y.values
                }
                let added = try product(memory.transposed(x), memory.transposed(weight), format, set)
                let expected = zip(added, start.doubles).map { $0 + $1 }
                #expect(relativeDifference(result, expected) < 2e-6 * Double(inputs + 4).squareRoot())
            }
        }
    }

    /// The three products of a layer of MiniLM: y = x·Wᵀ, dx = dy·W and dW = dyᵀ·x.
    @Test(arguments: sets, formats)
    func theProductsOfALayerEqualTheDefinition(_ set: InstructionSet, _ format: WeightFormat) throws {
        let (tokens, size) = (300, 384)
        try withMemory(seed: 24) { memory in
            let (x, dy) = (memory.matrix(tokens, size), memory.matrix(tokens, size))
            let weight = memory.matrix(size, size, scale: 0.1)
            let team = try ComputeTeam(cpus: [nil, nil], instructionSet: set)
            let step = StepWeight(format)
            let (y, dx, dw) = (memory.matrix(tokens, size), memory.matrix(tokens, size), memory.matrix(size, size))
            team.pack(weight, into: step)
            try team.product(x, step, into: y)
            team.pack(weight, transposed: true, into: step)
            try team.product(dy, step, into: dx)
            team.pack(x, transposed: true, into: step)
            try team.product(dy, transposed: true, step, into: dw)
            let tolerance = 2e-5
            #expect(relativeDifference(y.values, try product(x, weight, format, set)) < tolerance)
            #expect(relativeDifference(dx.values, try product(dy, memory.transposed(weight), format, set)) < tolerance)
            let expected = try product(memory.transposed(dy), memory.transposed(x), format, set)
            #expect(relativeDifference(dw.values, expected) < tolerance)
        }
    }

    @Test func aShapeThatDoesNotFitIsRefused() throws {
        try withMemory(seed: 25) { memory in
            let team = try ComputeTeam(cpus: [nil], instructionSet: .best)
            let step = StepWeight(.float32)
            team.pack(memory.matrix(4, 6), into: step)
            #expect(
                throws: TensorError.shape(
                    operation: "product with a weight [4, 6]",
                    expected: "x [m, 6] and y [m, 4]",
                    actual: "x [2, 5] and y [2, 4]"
                )
            ) { try team.product(memory.matrix(2, 5), step, into: memory.matrix(2, 4)) }
            #expect(throws: TensorError.self) {
                try team.product(memory.matrix(2, 6), transposed: true, step, into: memory.matrix(2, 4))
            }
            #expect(throws: TensorError.self) {
                try team.product(memory.matrix(2, 6), step, residual: memory.matrix(1, 4), into: memory.matrix(2, 4))
            }
        }
    }
}
