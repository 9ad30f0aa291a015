/// A text as token ids. All arrays have one element per token.
package struct Encoding: Sendable, Equatable {
    /// Token ids, indices of the model's embedding table.
    package var ids: [Int32] = []
    /// 0 for the first text and its special tokens, 1 for the second, unless the template says otherwise.
    package var typeIDs: [Int32] = []
    /// Where each token stands in the text it came from; empty at 0 for the template's special tokens.
    package var offsets: [ScalarRange] = []
    /// Which word of its text a token belongs to, counted from 0 in each text; -1 for the template's special tokens.
    package var wordIDs: [Int32] = []
    /// Whether the template put the token there. A special token that stands in the text does not count.
    package var special: [Bool] = []
    /// Whether tokens were left out to keep the length limit.
    package var truncated = false

    package init() {}

    /// The number of tokens.
    package var count: Int { ids.count }
}

/// A half-open range of Unicode scalars of the original text.
package struct ScalarRange: Sendable, Hashable {
    package var start: Int32
    package var end: Int32

    package init(_ start: Int32, _ end: Int32) {
        self.start = start
        self.end = end
    }
}

/// Which text gives up tokens when the limit is exceeded.
package enum TruncationStrategy: Sendable, Hashable, CaseIterable {
    /// Nothing is left out, whatever the limit.
    case none
    /// The longer text first, until both are equally long; then both.
    case longestFirst
    /// The first text only; an error when that is not enough.
    case onlyFirst
    /// The second text only; an error when that is not enough.
    case onlySecond
}
