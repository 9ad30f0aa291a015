import Glibc

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): the one source of
/// chance in this target, so that a seed gives the same run on every machine and with every version of Swift.
///
/// Swift's own `shuffle(using:)` and `random(in:using:)` may draw differently in its next version; ``shuffle(_:)``,
/// ``below(_:)`` and ``uniform()`` do not. Not for secrets.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    /// A generator for one use of several that share a seed, such as one for each epoch: `stream` numbers them.
    package init(seed: UInt64, stream: UInt64) {
        var mixed = SeededGenerator(seed: seed)
        var other = SeededGenerator(seed: mixed.next() ^ stream)
        state = other.next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number of 0..<`count`, each as likely as every other (Lemire, "Fast random integer generation in an interval").
    package mutating func below(_ count: Int) -> Int {
        precondition(count > 0)
        let bound = UInt64(count)
        var (high, low) = next().multipliedFullWidth(by: bound)
        if low < bound {
            let refused = (0 &- bound) % bound
            while low < refused { (high, low) = next().multipliedFullWidth(by: bound) }
        }
        return Int(high)
    }

    /// A multiple of 2⁻⁵³ from 0 up to, not including, 1.
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Puts the elements in an order of which each is as likely as every other (Fisher and Yates).
    package mutating func shuffle<Element>(_ elements: inout [Element]) {
        guard elements.count > 1 else { return }
        for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, below(last + 1)) }
    }

    /// Of a normal distribution with mean 0 and variance 1 (Box and Muller).
    package mutating func normal() -> Double {
        let radius = (-2 * log(Double(next() >> 11 + 1) * 0x1p-53)).squareRoot()
        return radius * cos(2 * .pi * uniform())
    }

    /// Of Student's t distribution.
    package mutating func studentT(degrees: Int) -> Double {
        let numerator = normal()
        var squares = 0.0
        for _ in 0..<degrees {
            let value = normal()
            squares += value * value
        }
        return numerator / (squares / Double(degrees)).squareRoot()
    }
}
