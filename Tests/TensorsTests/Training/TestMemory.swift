import Tensors
import Testing

/// Sample values for kernels, all of which live until `withMemory` returns.
final class TestMemory {
    private var buffers: [FloatBuffer] = []
    private var samples: SampleGenerator

    fileprivate init(seed: UInt64) { samples = SampleGenerator(seed: seed) }

    /// Uniform values in [−scale, scale].
    func vector(_ count: Int, scale: Float = 1) -> UnsafeMutablePointer<Float> {
        let buffer = samples.buffer(count, scale: scale)
        buffers.append(buffer)
        return buffer.base
    }

    /// The same as a matrix whose rows lie `gap` values apart.
    func matrix(_ rows: Int, _ columns: Int, gap: Int = 0, scale: Float = 1) -> Matrix {
        let base = vector(rows * (columns + gap), scale: scale)
        return Matrix(base: base, rows: rows, columns: columns, stride: columns + gap)
    }

    /// What a copy of `matrix` holds, with the same gaps.
    func copy(_ matrix: Matrix) -> Matrix {
        let count = matrix.rows * matrix.stride
        let base = vector(count)
        base.update(from: matrix.base, count: count)
        return Matrix(base: base, rows: matrix.rows, columns: matrix.columns, stride: matrix.stride)
    }

    /// `matrix` stored as its columns, `gap` values apart.
    func transposed(_ matrix: Matrix, gap: Int = 0) -> Matrix {
        let result = self.matrix(matrix.columns, matrix.rows, gap: gap)
        for row in 0..<matrix.rows {
            for column in 0..<matrix.columns { result[column][row] = matrix[row][column] }
        }
        return result
    }
}

func withMemory<R>(seed: UInt64, _ body: (TestMemory) throws -> R) rethrows -> R {
    let memory = TestMemory(seed: seed)
    return try withExtendedLifetime(memory) { try body(memory) }
}

/// What `body` computes with one thread; two and three have to compute the same bits.
func withTeams(_ set: InstructionSet, _ body: (ComputeTeam) throws -> [Float]) throws -> [Float] {
    let results = try (1...3).map { threads in
        try body(ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set))
    }
    for (index, result) in results.enumerated() {
        #expect(result.map(\.bitPattern) == results[0].map(\.bitPattern), "\(set), \(index + 1) threads")
    }
    return results[0]
}

/// The largest difference from `expected` as a part of its largest value.
func relativeDifference(_ values: [Float], _ expected: [Double]) -> Double {
    guard values.count == expected.count, values.allSatisfy({ !$0.isNaN }) else { return .infinity }
    let largest = expected.reduce(1e-30) { max($0, abs($1)) }
    return zip(values, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) } / largest
}

extension Matrix {
    var doubles: [Double] { values.map { Double($0) } }
}

extension UnsafeMutablePointer<Float> {
    func values(_ count: Int) -> [Float] { Array(UnsafeBufferPointer(start: self, count: count)) }
}
