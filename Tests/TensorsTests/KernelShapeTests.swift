import Tensors
import Testing

/// Products at the widths of real models and at odd ones, of 1 to 600 rows, into destinations whose rows lie apart, with
/// every instruction set and in every precision.
@Suite struct KernelShapeTests {
    private static let rows = [1, 2, 3, 5, 7, 8, 9, 11, 13, 15, 16, 17, 31, 33, 63, 65, 127, 143, 144, 145, 289, 600]
    /// Three panels and a part of one, so that tiles of one and of two panels meet their border.
    private static let outputs = 79
    /// What lies between the rows of the destination, which no kernel may touch.
    private static let gap = 5

    @Test(arguments: InstructionSet.allCases.filter(\.isSupported), WeightFormat.allCases)
    func everyNumberOfRowsGivesTheSameBits(_ set: InstructionSet, _ format: WeightFormat) throws {
        let single = try ComputeTeam(cpus: [nil], instructionSet: set)
        let pair = try ComputeTeam(cpus: [nil, nil], instructionSet: set)
        for inputs in [384, 768, 1024, 771, 50] {
            var samples = SampleGenerator(seed: UInt64(inputs))
            let outputs = Self.outputs
            let weight = samples.buffer(outputs * inputs, scale: 0.1)
            let bias = samples.buffer(outputs)
            let packed = FloatBuffer(count: PackedLinear.byteCount(format, outputs: outputs, inputs: inputs) / 4 + 1)
            try PackedLinear.pack(weight.base, outputs: outputs, inputs: inputs, as: format, to: packed.base)
            let layer = PackedLinear(
                weight: packed.base,
                bias: bias.base,
                outputs: outputs,
                inputs: inputs,
                format: format
            )
            // What the format holds, and inputs that no format rounds.
            Reference.round(weight.base, rows: outputs, columns: inputs, to: format, levels: 64)
            let distinct = 3
            let rows = (0..<distinct).map { _ in exact(&samples, inputs) }
            let expected = try Reference.product(
                rows.flatMap { $0.map { Double($0) } },
                weight: weight.base,
                bias: Array(UnsafeBufferPointer(start: bias.base, count: outputs)),
                rows: distinct,
                outputs: outputs,
                inputs: inputs
            )
            var alone: [Float] = []
            for count in Self.rows where set != .plain || count <= 65 {
                let x = FloatBuffer(count: count * inputs)
                for row in 0..<count { (x.base + row * inputs).update(from: rows[row % distinct], count: inputs) }
                let stride = outputs + Self.gap
                let memory = FloatBuffer(count: count * stride)
                memory.base.update(repeating: -7, count: count * stride)
                let y = Matrix(base: memory.base, rows: count, columns: outputs, stride: stride)
                let team = count % 2 == 0 ? pair : single
                try team.linear(x.matrix(rows: count, columns: inputs), layer, into: y)
                if count == distinct {
                    alone = y.values
                    let tolerance = 2e-6 * Float(inputs).squareRoot()
                    #expect(largestDifference(alone, expected.map { Float($0) }) < tolerance, "\(inputs) inputs")
                }
                guard !alone.isEmpty else { continue }
                for row in 0..<count {
                    let wanted = alone[row % distinct * outputs..<(row % distinct + 1) * outputs]
                    #expect(y[row].elementsEqual(wanted), "row \(row) of \(count), \(inputs) inputs")
                    let between = (outputs..<stride).map { memory.base[row * stride + $0] }
                    #expect(between.allSatisfy { $0 == -7 }, "after row \(row) of \(count), \(inputs) inputs")
                }
            }
        }
    }

    /// Multiples of 1/256 in [0, 1), with both ends: bfloat16 and 256 levels hold them exactly.
    private func exact(_ samples: inout SampleGenerator, _ count: Int) -> [Float] {
        var values = (0..<count).map { _ in ((samples.next() + 1) * 127.9).rounded(.down) / 256 }
        (values[0], values[count - 1]) = (0, 255 / 256)
        return values
    }
}
