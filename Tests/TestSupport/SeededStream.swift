import ModelFiles

/// Random numbers that depend on a seed, a name and a position alone; `ops/seeded_checkpoint.py` makes the same.
///
/// Position i is SplitMix64's finaliser of key + (i + 1)·γ; the key is the finaliser of seed + FNV-1a(name).
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct SeededStream {
    private let key: UInt64

    init(seed: UInt64, name: String) {
        key = Self.mix(seed &+ fnv1a64(name.utf8))
    }

    /// The 64-bit number at `index`.
    subscript(index: Int) -> UInt64 {
        Self.mix(key &+ UInt64(truncatingIfNeeded: index &+ 1) &* 0x9E37_79B9_7F4A_7C15)
    }

    private static func mix(_ number: UInt64) -> UInt64 {
        var z = number
        z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z &>> 31)
    }

    /// Fills `bytes` with numbers uniform in centre ± spread, stored as `dtype`; two of 24 bits from each 64-bit number.
    func fill(_ bytes: UnsafeMutableRawBufferPointer, as dtype: ElementType, centre: Float, spread: Float) {
        let step = spread * 0x1p-23
        switch dtype {
        case .float32:
            fill(bytes.bindMemory(to: UInt32.self)) { (centre + $0 * step).bitPattern.littleEndian }
        case .float16:
            fill(bytes.bindMemory(to: UInt16.self)) { Float16(centre + $0 * step).bitPattern.littleEndian }
        case .bfloat16:
            fill(bytes.bindMemory(to: UInt16.self)) {
                let bits = (centre + $0 * step).bitPattern
                return UInt16((bits &+ 0x7FFF &+ (bits &>> 16 & 1)) &>> 16).littleEndian
            }
        default:
            preconditionFailure("weights are not stored as \(dtype.rawValue)")
        }
    }

    /// Element i is `convert` of the 24-bit number i, less 2^23.
    @inline(__always)
    private func fill<Element>(_ elements: UnsafeMutableBufferPointer<Element>, _ convert: (Float) -> Element) {
        guard let base = elements.baseAddress else { return }
        let count = elements.count
        var counter = key
        var index = 0
        while index < count {
            counter = counter &+ 0x9E37_79B9_7F4A_7C15
            let bits = Self.mix(counter)
            let even = Int32(truncatingIfNeeded: bits &>> 40) &- 0x80_0000
            base[index] = convert(Float(even))
            index = index &+ 1
            if index < count {
                let odd = Int32(truncatingIfNeeded: (bits &>> 16) & 0xFF_FFFF) &- 0x80_0000
                base[index] = convert(Float(odd))
                index = index &+ 1
            }
        }
    }
}

/// The 64-bit FNV-1a hash of bytes; pass a hash as `state` to continue it.
package func fnv1a64(_ bytes: some Sequence<UInt8>, state: UInt64 = 0xCBF2_9CE4_8422_2325) -> UInt64 {
    bytes.reduce(state) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
