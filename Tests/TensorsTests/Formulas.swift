import Glibc
import Tensors

/// The activations in double precision.
let formulas: [(Activation, @Sendable (Double) -> Double)] = [
    (.none, { $0 }),
    (.gelu, { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
    (.geluTanh, { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }),
    (.relu, { max($0, 0) }),
    (.silu, { $0 / (1 + exp(-$0)) }),
    (.tanh, { tanh($0) }),
]

/// Attention of one head over one sequence, in double precision: q, k, v [L, d] → [queries, d].
func attention(q: [[Double]], k: [[Double]], v: [[Double]], queries: Int) -> [[Double]] {
    let d = Double(q[0].count)
    return (0..<queries).map { i in
        let scores = k.map { key in zip(q[i], key).reduce(0) { $0 + $1.0 * $1.1 } / d.squareRoot() }
        let top = scores.max() ?? 0
        let powers = scores.map { exp($0 - top) }
        let sum = powers.reduce(0, +)
        return v[0].indices.map { c in zip(powers, v).reduce(0) { $0 + $1.0 / sum * $1.1[c] } }
    }
}
