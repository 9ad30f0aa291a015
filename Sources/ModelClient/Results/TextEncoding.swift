import Messages
import Wire

/// A text as the model's tokens. Every list has one entry per token.
public struct TextEncoding: Sendable, Hashable {
    /// The tokens' numbers in the vocabulary.
    public var ids: [Int]
    /// The segment of each: 0 for the text, 1 for its pair.
    public var typeIDs: [Int]
    /// Where in the text (or its pair) each comes from, counted in Unicode scalars; empty for special tokens.
    public var offsets: [Range<Int>]
    /// Which are special tokens, such as `[CLS]`.
    public var isSpecial: [Bool]
    /// Which word of the text each belongs to; nil for special tokens.
    public var wordIDs: [Int?]
    /// The tokens as the vocabulary spells them.
    public var tokens: [String]
    /// Whether the end of the text was dropped.
    public var truncated: Bool
    /// Who answered, and where the time went; the same for all texts of a call.
    public var metadata: ResponseMetadata

    /// Makes an encoding, as a test double does.
    public init(
        ids: [Int],
        typeIDs: [Int],
        offsets: [Range<Int>],
        isSpecial: [Bool],
        wordIDs: [Int?],
        tokens: [String],
        truncated: Bool = false,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.ids = ids
        self.typeIDs = typeIDs
        self.offsets = offsets
        self.isSpecial = isSpecial
        self.wordIDs = wordIDs
        self.tokens = tokens
        self.truncated = truncated
        self.metadata = metadata
    }

    /// - Throws: `WireError` when the lists differ in length, or an offset ends before it starts.
    init(_ message: Messages.TextEncoding, _ metadata: ResponseMetadata) throws(WireError) {
        let counts = [
            message.typeIDs.count, message.starts.count, message.ends.count, message.special.count,
            message.wordIDs.count, message.tokens.count,
        ]
        guard counts.allSatisfy({ $0 == message.ids.count }) else {
            throw WireError(.invalidValue, field: "results", "the lists have different lengths")
        }
        offsets = try zip(message.starts, message.ends).map { (start, end) throws(WireError) in
            guard start <= end else {
                throw WireError(.invalidValue, field: "results.ends", "an end is before its start")
            }
            return Int(start)..<Int(end)
        }
        ids = message.ids.map(Int.init)
        typeIDs = message.typeIDs.map(Int.init)
        isSpecial = message.special
        wordIDs = message.wordIDs.map { $0 < 0 ? nil : Int($0) }
        tokens = message.tokens
        truncated = message.truncated
        self.metadata = metadata
    }
}
