/// How to fill masks.
public struct FillMaskOptions: Sendable, Hashable {
    /// How many tokens to return for each mask, best first, from 1.
    public var count: Int
    /// Only these words, their probabilities as among all; empty: the whole vocabulary. Of a word that the vocabulary lacks,
    /// its first piece is taken, and the result has a warning.
    public var targets: [String]
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        count: Int = 5,
        targets: [String] = [],
        truncation: Truncation = .taskDefault,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.count = count
        self.targets = targets
        self.truncation = truncation
        self.metadata = metadata
    }
}
