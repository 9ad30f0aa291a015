import Tensors
import Testing

@Suite struct LinearTests {
    /// A layer with its weight packed, and the same layer computed in double precision.
    private final class Layer {
        let packed: FloatBuffer
        let weight: FloatBuffer
        let bias: FloatBuffer
        let linear: PackedLinear

        init(outputs: Int, inputs: Int, seed: UInt64) throws {
            var samples = SampleGenerator(seed: seed)
            weight = samples.buffer(outputs * inputs)
            bias = samples.buffer(outputs)
            packed = FloatBuffer(count: PackedLinear.byteCount(.float32, outputs: outputs, inputs: inputs) / 4)
            try PackedLinear.pack(weight.base, outputs: outputs, inputs: inputs, as: .float32, to: packed.base)
            linear = PackedLinear(weight: packed.base, bias: bias.base, outputs: outputs, inputs: inputs)
        }

        func expected(_ x: Matrix, residual: Matrix?) -> [Float] {
            (0..<x.rows).flatMap { row in
                (0..<linear.outputs).map { output in
                    var sum = Double(bias.base[output]) + Double(residual?[row][output] ?? 0)
                    for k in 0..<x.columns { sum += Double(x[row][k]) * Double(weight.base[output * x.columns + k]) }
                    return Float(sum)
                }
            }
        }
    }

    private func matrix(_ samples: inout SampleGenerator, rows: Int, columns: Int) -> (FloatBuffer, Matrix) {
        let buffer = samples.buffer(rows * columns)
        return (buffer, buffer.matrix(rows: rows, columns: columns))
    }

    @Test(
        arguments: InstructionSet.allCases.filter(\.isSupported),
        [(1, 3, 7), (6, 16, 16), (13, 40, 100), (50, 300, 768), (17, 33, 400), (150, 64, 800), (7, 48, 5)]
    )
    func equalsTheDefinition(_ set: InstructionSet, _ shape: (Int, Int, Int)) throws {
        let (rows, outputs, inputs) = shape
        let team = try ComputeTeam(cpus: [nil], instructionSet: set)
        let layer = try Layer(outputs: outputs, inputs: inputs, seed: 1)
        var samples = SampleGenerator(seed: 2)
        let (xMemory, x) = matrix(&samples, rows: rows, columns: inputs)
        let (rMemory, residual) = matrix(&samples, rows: rows, columns: outputs)
        let (yMemory, y) = matrix(&samples, rows: rows, columns: outputs)
        try team.linear(x, layer.linear, residual: residual, into: y)
        // Each product is below 1; k of them, rounded: well within k·2⁻²⁴ and the sum's own rounding.
        let tolerance = 2e-6 * Float(inputs).squareRoot() * 4
        #expect(largestDifference(y.values, layer.expected(x, residual: residual)) < tolerance)
        withExtendedLifetime((xMemory, rMemory, yMemory)) {}
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isSupported), [1, 2, 3])
    func aRowHasTheSameBitsWhateverItsNeighbours(_ set: InstructionSet, _ threads: Int) throws {
        let inputs = 800
        let outputs = 200
        let single = try ComputeTeam(cpus: [nil], instructionSet: set)
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
        let layer = try Layer(outputs: outputs, inputs: inputs, seed: 3)
        var samples = SampleGenerator(seed: 4)
        let rows = set == .plain ? 40 : 700
        let (xMemory, x) = matrix(&samples, rows: rows, columns: inputs)
        let (yMemory, whole) = matrix(&samples, rows: rows, columns: outputs)
        try single.linear(x, layer.linear, activation: .gelu, into: whole)
        for count in [1, 2, 5, 6, 7, 11, 12, 13, rows - 1, rows] {
            let first = rows - count
            let part = Matrix(base: x.base + first * inputs, rows: count, columns: inputs, stride: inputs)
            let (memory, y) = matrix(&samples, rows: count, columns: outputs)
            try team.linear(part, layer.linear, activation: .gelu, into: y)
            #expect(y.values == (first..<rows).flatMap { Array(whole[$0]) }, "\(count) rows, \(threads) threads")
            withExtendedLifetime(memory) {}
        }
        withExtendedLifetime((xMemory, yMemory)) {}
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isSupported), [1, 2])
    func someOutputsHaveTheBitsOfAll(_ set: InstructionSet, _ threads: Int) throws {
        let (inputs, outputs) = (400, 1000)
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
        let layer = try Layer(outputs: outputs, inputs: inputs, seed: 5)
        var samples = SampleGenerator(seed: 6)
        for rows in [1, 7, set == .plain ? 20 : 300] {
            let (xMemory, x) = matrix(&samples, rows: rows, columns: inputs)
            let (rMemory, residual) = matrix(&samples, rows: rows, columns: outputs)
            let (wholeMemory, whole) = matrix(&samples, rows: rows, columns: outputs)
            let (yMemory, y) = matrix(&samples, rows: rows, columns: outputs)
            try team.linear(x, layer.linear, residual: residual, activation: .gelu, into: whole)
            for range in [0..<48, 48..<912, 480..<outputs, 0..<outputs] {
                for index in 0..<rows * outputs { y.base[index] = -100 }
                try team.linear(
                    x,
                    layer.linear,
                    outputs: range,
                    residual: residual[columns: range],
                    activation: .gelu,
                    into: y[columns: range]
                )
                let expected = whole.values.enumerated().map { range.contains($0 % outputs) ? $1 : -100 }
                #expect(y.values == expected, "outputs \(range) of \(rows) rows")
            }
            withExtendedLifetime((xMemory, rMemory, wholeMemory, yMemory)) {}
        }
    }

    @Test func aSpanIsPairsOfPanels() {
        #expect(PackedLinear.span(of: 768..<2304, outputs: 2304) == 768..<2304)
        #expect(PackedLinear.span(of: 0..<100, outputs: 300) == 0..<144)
        #expect(PackedLinear.span(of: 100..<300, outputs: 300) == 96..<300)
        #expect(PackedLinear.span(of: 0..<20, outputs: 30) == 0..<30)
        #expect(PackedLinear.span(of: 100..<200, outputs: 30) == 0..<30)
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isSupported))
    func activationsFollowTheirFormulas(_ set: InstructionSet) throws {
        let team = try ComputeTeam(cpus: [nil], instructionSet: set)
        // An identity layer shows the activation alone.
        let size = 32
        let weight = FloatBuffer(count: size * size)
        for index in 0..<size * size { weight.base[index] = index / size == index % size ? 1 : 0 }
        let packed = FloatBuffer(count: PackedLinear.byteCount(.float32, outputs: size, inputs: size) / 4)
        try PackedLinear.pack(weight.base, outputs: size, inputs: size, as: .float32, to: packed.base)
        let layer = PackedLinear(weight: packed.base, bias: nil, outputs: size, inputs: size)
        let rows = 300
        let input = FloatBuffer(count: rows * size)
        for index in 0..<rows * size {
            input.base[index] = Float(index - rows * size / 2) * (12.0 / Float(rows * size / 2))
        }
        let output = FloatBuffer(count: input.count)
        for (activation, formula) in formulas {
            let y = output.matrix(rows: rows, columns: size)
            try team.linear(input.matrix(rows: rows, columns: size), layer, activation: activation, into: y)
            var worst = 0.0
            for index in 0..<rows * size {
                let x = Double(input.base[index])
                worst = max(worst, abs(Double(output.base[index]) - formula(x)) / max(1, abs(x)))
            }
            #expect(worst < 1e-6, "\(activation)")
        }
    }

    @Test func shapesThatDoNotFitAreNamed() throws {
        let team = try ComputeTeam(cpus: [nil], instructionSet: .best)
        let layer = try Layer(outputs: 8, inputs: 4, seed: 1)
        let buffer = FloatBuffer(count: 100)
        #expect(
            throws: TensorError.shape(operation: "linear [8, 4]", expected: "outputs 0..<8", actual: "outputs 2..<8")
        ) {
            try team.linear(
                buffer.matrix(rows: 2, columns: 4),
                layer.linear,
                outputs: 2..<8,
                into: buffer.matrix(rows: 2, columns: 6)
            )
        }
        #expect(
            throws: TensorError.shape(
                operation: "linear [8, 4]",
                expected: "x [T, 4] and y [T, 8]",
                actual: "x [2, 5] and y [2, 8]"
            )
        ) {
            try team.linear(
                buffer.matrix(rows: 2, columns: 5),
                layer.linear,
                into: buffer.matrix(rows: 2, columns: 8)
            )
        }
    }
}
