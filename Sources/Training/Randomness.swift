package import Tensors

/// Keys of a run's random numbers. Every number is a function of the seed, the step and the place that it is for, so a run can
/// be taken up anywhere, and a backward pass draws what the forward pass drew.
package struct Randomness: Sendable, Hashable {
    /// A place in a network that drops values.
    package enum Site: Sendable, Hashable {
        case embeddings
        case attention(layer: Int)
        case attentionOutput(layer: Int)
        case output(layer: Int)
        case head

        var number: UInt64 {
            switch self {
            case .embeddings: 0
            case .head: 1
            case .attention(let layer): UInt64(layer) * 3 + 2
            case .attentionOutput(let layer): UInt64(layer) * 3 + 3
            case .output(let layer): UInt64(layer) * 3 + 4
            }
        }
    }

    package let seed: UInt64
    /// The number of batches that were computed before.
    package let batch: Int

    package init(seed: UInt64, batch: Int) {
        self.seed = seed
        self.batch = batch
    }

    package func dropout(_ site: Site, rate: Float) -> Dropout {
        rate > 0 ? Dropout(key: key(site.number), rate: rate) : .none
    }

    /// A key of numbers for a purpose of its own, such as the words that are masked.
    package func key(_ purpose: UInt64) -> UInt64 {
        Self.mix(Self.mix(Self.mix(seed) &+ UInt64(batch)) &+ purpose &* 0x9E37_79B9_7F4A_7C15)
    }

    /// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
    package static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

/// The share of values that each place drops while it is trained, as config.json says.
package struct DropoutRates: Sendable, Hashable {
    /// Behind embeddings, attention and feed-forward blocks.
    package var hidden: Float
    /// Of attention's probabilities.
    package var attention: Float
    /// Before the last layer of the head.
    package var head: Float

    package init(hidden: Float, attention: Float, head: Float) {
        self.hidden = hidden
        self.attention = attention
        self.head = head
    }

    package static let none = DropoutRates(hidden: 0, attention: 0, head: 0)
}
