import Tensors

/// Numbers that look random and are the same in every run.
struct SampleGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Uniform in [−scale, scale].
    mutating func next(scale: Float = 1) -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (Float(state >> 40) / Float(1 << 24) * 2 - 1) * scale
    }

    mutating func buffer(_ count: Int, scale: Float = 1) -> FloatBuffer {
        let buffer = FloatBuffer(count: count)
        for index in 0..<count { buffer.base[index] = next(scale: scale) }
        return buffer
    }
}

extension Matrix {
    /// All values, row by row.
    var values: [Float] { (0..<rows).flatMap { Array(self[$0]) } }
}

/// The largest difference of two arrays.
func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
    zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
}
