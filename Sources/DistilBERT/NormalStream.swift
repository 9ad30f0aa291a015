/// Normally distributed numbers, mean 0 and deviation 1, that depend on a seed, a name and a place alone; the same bits with
/// every C library.
///
/// Uniform numbers are SplitMix64's finaliser of a counter (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014); Marsaglia's polar method makes a normal one of each two in the circle.
struct NormalStream {
    private let key: UInt64

    init(seed: UInt64, name: String) {
        // FNV-1a of the name
        let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        key = Self.mix(seed &+ hash)
    }

    subscript(index: Int) -> Double {
        // A stream of its own for each place: how many tries one takes moves no other.
        var state = Self.mix(key &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15)
        while true {
            state &+= 0x9E37_79B9_7F4A_7C15
            let bits = Self.mix(state)
            // Odd multiples of 2⁻³², in (−1, 1)
            let x = (Double(UInt32(truncatingIfNeeded: bits >> 32)) + 0.5) * 0x1p-31 - 1
            let y = (Double(UInt32(truncatingIfNeeded: bits)) + 0.5) * 0x1p-31 - 1
            let square = x * x + y * y
            if square < 1 { return x * (-2 * Self.logarithm(square) / square).squareRoot() }
        }
    }

    private static func mix(_ number: UInt64) -> UInt64 {
        var z = number
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// ln x of a positive normal number: x = m·2ᵉ with m in [1, 2), ln m = 2·artanh((m − 1)/(m + 1)). Within 1e-15 of its
    /// size.
    private static func logarithm(_ x: Double) -> Double {
        let s = (x.significand - 1) / (x.significand + 1)
        // |s| ≤ 1/3: 1/9¹⁷ is below a double's last bit.
        var (sum, power) = (0.0, s)
        for term in 0..<17 {
            sum += power / Double(2 * term + 1)
            power *= s * s
        }
        return 2 * sum + Double(x.exponent) * 0.693_147_180_559_945_3
    }
}
