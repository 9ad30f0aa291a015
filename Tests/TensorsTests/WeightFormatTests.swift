import Glibc
import Tensors
import Testing

private let sets = InstructionSet.allCases.filter(\.isSupported)

/// Products with weights of each format, on every instruction set of this CPU (and AVX-512's source on AVX2).
@Suite struct WeightFormatTests {
    /// A layer of random weights packed in a format.
    private final class Layer {
        let memory: FloatBuffer
        let weight: FloatBuffer
        let bias: FloatBuffer
        let linear: PackedLinear

        init(_ format: WeightFormat, outputs: Int, inputs: Int, weight: FloatBuffer) throws {
            self.weight = weight
            var samples = SampleGenerator(seed: 9)
            bias = samples.buffer(outputs)
            let bytes = PackedLinear.byteCount(format, outputs: outputs, inputs: inputs)
            memory = FloatBuffer(count: (bytes + 3) / 4)
            try PackedLinear.pack(weight.base, outputs: outputs, inputs: inputs, as: format, to: memory.base)
            linear = PackedLinear(
                weight: memory.base,
                bias: bias.base,
                outputs: outputs,
                inputs: inputs,
                format: format
            )
        }
    }

    private func team(_ set: InstructionSet, threads: Int = 1) throws -> ComputeTeam {
        try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
    }

    private func product(
        _ team: ComputeTeam,
        _ layer: Layer,
        _ x: Matrix,
        residual: Matrix? = nil,
        activation: Activation = .none
    ) throws -> [Float] {
        let buffer = FloatBuffer(count: x.rows * layer.linear.outputs)
        let y = buffer.matrix(rows: x.rows, columns: layer.linear.outputs)
        try team.linear(x, layer.linear, residual: residual, activation: activation, into: y)
        return y.values
    }

    static let shapes = [
        (1, 3, 7), (6, 16, 16), (13, 40, 100), (50, 300, 768), (17, 33, 400), (150, 64, 800), (7, 48, 5), (9, 50, 2100),
    ]

    @Test(arguments: shapes) func int8IsTheSameOnEveryInstructionSet(_ shape: (Int, Int, Int)) throws {
        let (rows, outputs, inputs) = shape
        var samples = SampleGenerator(seed: 10)
        let weight = samples.buffer(outputs * inputs)
        let x = samples.buffer(rows * inputs, scale: 3)
        let residual = samples.buffer(rows * outputs)
        let results = try sets.map { set in
            let team = try team(set)
            let layer = try Layer(.int8, outputs: outputs, inputs: inputs, weight: weight)
            return try product(
                team,
                layer,
                x.matrix(rows: rows, columns: inputs),
                residual: residual.matrix(rows: rows, columns: outputs)
            )
        }
        for (set, result) in zip(sets, results) { #expect(result == results[0], "\(set)") }
    }

    /// What int8 means, computed in double precision from the definition: codes of weights and of rows.
    @Test(arguments: sets) func int8FollowsItsDefinition(_ set: InstructionSet) throws {
        let (rows, outputs, inputs) = (5, 30, 200)
        var samples = SampleGenerator(seed: 11)
        let weight = samples.buffer(outputs * inputs)
        let x = samples.buffer(rows * inputs, scale: 2)
        let team = try team(set)
        let layer = try Layer(.int8, outputs: outputs, inputs: inputs, weight: weight)
        let y = try product(team, layer, x.matrix(rows: rows, columns: inputs))
        for row in 0..<rows {
            let values = (0..<inputs).map { x.base[row * inputs + $0] }
            let (low, high) = (values.min()!, values.max()!)
            let step = Double(high - low) / 255
            let inverse = 255 / (high - low)
            let codes = values.map { (($0 - low) * inverse).rounded(.toNearestOrEven) }
            let rounded = codes.map { Double(low) + step * Double($0) }
            for output in 0..<outputs {
                let weights = (0..<inputs).map { weight.base[output * inputs + $0] }
                let largest = weights.map(abs).max()!
                var sum = Double(layer.bias.base[output])
                for (value, w) in zip(rounded, weights) {
                    sum += value * Double((w * (64 / largest)).rounded(.toNearestOrEven)) * Double(largest) / 64
                }
                #expect(abs(Double(y[row * outputs + output]) - sum) < 1e-4)
            }
        }
    }

    /// Of rounded activations too, where the instruction set multiplies bfloat16: then two products are added at a time,
    /// in an order of the CPU's own.
    @Test(arguments: sets) func bfloat16IsFloat32WithRoundedWeights(_ set: InstructionSet) throws {
        let team = try team(set)
        for (rows, outputs, inputs) in Self.shapes {
            var samples = SampleGenerator(seed: 12)
            let weight = samples.buffer(outputs * inputs)
            let rounded = self.rounded(weight)
            let x = samples.buffer(rows * inputs)
            let matrix = x.matrix(rows: rows, columns: inputs)
            let half = try Layer(.bfloat16, outputs: outputs, inputs: inputs, weight: weight)
            let whole = try Layer(.float32, outputs: outputs, inputs: inputs, weight: rounded)
            let result = try product(team, half, matrix)
            if set.roundsActivations {
                let roundedX = self.rounded(x)
                let expected = try product(team, whole, roundedX.matrix(rows: rows, columns: inputs))
                let size = expected.reduce(0) { max($0, abs($1)) }
                #expect(largestDifference(result, expected) < 1e-5 * size, "\(rows), \(outputs), \(inputs)")
                withExtendedLifetime(roundedX) {}
            } else {
                #expect(try result == product(team, whole, matrix), "\(rows), \(outputs), \(inputs)")
            }
        }
    }

    /// The nearest bfloat16 of each value.
    private func rounded(_ values: FloatBuffer) -> FloatBuffer {
        let result = FloatBuffer(count: values.count)
        for index in 0..<values.count {
            let bits = values.base[index].bitPattern
            result.base[index] = Float(bitPattern: (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
        }
        return result
    }

    @Test(arguments: sets, WeightFormat.allCases)
    func aRowHasTheSameBitsWhateverItsNeighbours(_ set: InstructionSet, _ format: WeightFormat) throws {
        let (outputs, inputs) = (100, 1100)
        let rows = set == .plain ? 20 : 320
        var samples = SampleGenerator(seed: 13)
        let weight = samples.buffer(outputs * inputs)
        let x = samples.buffer(rows * inputs)
        let single = try team(set)
        let layer = try Layer(format, outputs: outputs, inputs: inputs, weight: weight)
        let whole = try product(single, layer, x.matrix(rows: rows, columns: inputs), activation: .gelu)
        for threads in [1, 2] {
            let team = try team(set, threads: threads)
            for count in [1, 2, 3, 4, 5, 7, 8, 9, 13, rows - 1] {
                let first = rows - count
                let part = Matrix(base: x.base + first * inputs, rows: count, columns: inputs, stride: inputs)
                let result = try product(team, layer, part, activation: .gelu)
                #expect(result == Array(whole[(first * outputs)...]), "\(count) rows, \(threads) threads")
            }
        }
    }

    @Test(arguments: sets) func int8KeepsItsErrorSmall(_ set: InstructionSet) throws {
        let (rows, outputs, inputs) = (8, 64, 768)
        var samples = SampleGenerator(seed: 14)
        let weight = samples.buffer(outputs * inputs)
        let x = samples.buffer(rows * inputs)
        let team = try team(set)
        let matrix = x.matrix(rows: rows, columns: inputs)
        let exact = try product(
            team,
            Layer(.float32, outputs: outputs, inputs: inputs, weight: weight),
            matrix
        )
        let rounded = try product(
            team,
            Layer(.int8, outputs: outputs, inputs: inputs, weight: weight),
            matrix
        )
        let error = zip(exact, rounded).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        let size = exact.reduce(0) { $0 + $1 * $1 }
        #expect((error / size).squareRoot() < 0.012)
    }

    /// Rows of one value, of zeros, and rows that are not finite: nothing is hidden by quantising.
    @Test(arguments: sets) func int8OfRowsThatHaveNoRange(_ set: InstructionSet) throws {
        let (outputs, inputs) = (5, 70)
        var samples = SampleGenerator(seed: 15)
        let weight = samples.buffer(outputs * inputs)
        let team = try team(set)
        let layer = try Layer(.int8, outputs: outputs, inputs: inputs, weight: weight)
        let x = FloatBuffer(count: 4 * inputs)
        for column in 0..<inputs {
            x.base[column] = 0
            x.base[inputs + column] = 1.5
            x.base[2 * inputs + column] = column == 40 ? .nan : 1
            x.base[3 * inputs + column] = column == 3 ? .infinity : 1
        }
        let y = try product(team, layer, x.matrix(rows: 4, columns: inputs))
        #expect(Array(y[0..<outputs]) == (0..<outputs).map { layer.bias.base[$0] })
        for output in 0..<outputs {
            let sum = (0..<inputs).reduce(Float(0)) { $0 + weight.base[output * inputs + $1] }
            #expect(abs(y[outputs + output] - layer.bias.base[output] - 1.5 * sum) < 1)
        }
        #expect(y[(2 * outputs)...].allSatisfy { $0.isNaN })
    }

    @Test(arguments: sets, WeightFormat.allCases)
    func wordEmbeddingsAreReadInTheirFormat(_ set: InstructionSet, _ format: WeightFormat) throws {
        let team = try team(set)
        let (words, hidden) = (40, 37)
        var samples = SampleGenerator(seed: 16)
        let table = samples.buffer(words * hidden)
        let position = samples.buffer(hidden)
        let gamma = FloatBuffer(count: hidden)
        let beta = FloatBuffer(count: hidden)
        for index in 0..<hidden { (gamma.base[index], beta.base[index]) = (1, 0) }
        let norm = LayerNormWeights(gamma: gamma.base, beta: beta.base, epsilon: 1e-12)
        let ids = (0..<Int32(words)).map { $0 }
        let positions = [Int32](repeating: 0, count: words)
        func embed(_ format: WeightFormat) -> [Float] {
            let bytes = PackedTable.byteCount(format, rows: words, columns: hidden)
            let memory = FloatBuffer(count: (bytes + 3) / 4)
            let scales = FloatBuffer(count: words)
            PackedTable.pack(table.base, rows: words, columns: hidden, as: format, to: memory.base, scales: scales.base)
            let y = FloatBuffer(count: words * hidden)
            let weights = EmbeddingWeights(
                word: PackedTable(format: format, values: memory.base, scales: format == .int8 ? scales.base : nil),
                position: position.base,
                type: nil,
                norm: norm
            )
            team.embed(
                ids: ids,
                positions: positions,
                types: nil,
                weights,
                into: y.matrix(rows: words, columns: hidden)
            )
            return y.matrix(rows: words, columns: hidden).values
        }
        let tolerance: [WeightFormat: Float] = [.float32: 0, .bfloat16: 0.02, .int8: 0.03]
        #expect(largestDifference(embed(format), embed(.float32)) <= tolerance[format]!)
    }
}
