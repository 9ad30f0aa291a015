import Tensors

/// eˣⁱ / Σ eˣ, without overflow.
func softmax(_ values: some Collection<Float>) -> [Float] {
    let top = values.max() ?? 0
    let powers = values.map { Float(PlainFunctions.exp(Double($0 - top))) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}

/// 1 / (1 + e⁻ˣ)
func sigmoid(_ value: Float) -> Float { Float(1 / (1 + PlainFunctions.exp(-Double(value)))) }

extension Collection<Float> {
    /// Where the largest value stands, the first of equal ones, as numpy's argmax; nil of nothing.
    var argmax: Index? {
        var best: Index?
        for index in indices where best.map({ self[index] > self[$0] }) ?? true { best = index }
        return best
    }
}
