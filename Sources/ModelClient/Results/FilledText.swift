import Messages
import Wire

/// A token that may stand in the place of a mask.
public struct FilledToken: Sendable, Hashable {
    /// The token's number in the vocabulary.
    public var id: Int
    /// The token as a reader would see it.
    public var text: String
    /// Its probability.
    public var score: Float
    /// The whole text with this token in the mask's place, as the tokenizer spells it.
    public var sequence: String

    /// Makes a token, as a test double does.
    public init(id: Int, text: String, score: Float, sequence: String) {
        self.id = id
        self.text = text
        self.score = score
        self.sequence = sequence
    }
}

/// What may stand in the place of one mask.
public struct FilledMask: Sendable, Hashable {
    /// The tokens that were asked for, best first.
    public var tokens: [FilledToken]
    /// Where the mask stands in the text that was sent.
    public var range: Range<String.Index>
    /// The same, counted in Unicode scalars (code points).
    public var offsets: Range<Int>

    /// The best token's text.
    public var text: String { tokens.first?.text ?? "" }
    /// The best token's probability.
    public var score: Float { tokens.first?.score ?? 0 }

    /// Makes a filled mask, as a test double does.
    public init(tokens: [FilledToken], range: Range<String.Index>, offsets: Range<Int>) {
        self.tokens = tokens
        self.range = range
        self.offsets = offsets
    }
}

/// A text whose masks were filled.
public struct FilledText: Sendable, Hashable {
    /// The text's masks, in its order; at least one.
    public var masks: [FilledMask]
    /// How many tokens the text had, special tokens included.
    public var tokens: Int
    /// Whether the end of the text was dropped.
    public var truncated: Bool
    /// Targets that the model's vocabulary lacks, and what was taken instead.
    public var warnings: [String]
    /// Who answered, and where the time went; the same for all texts of a request.
    public var metadata: ResponseMetadata

    /// Makes a result, as a test double does.
    public init(
        masks: [FilledMask],
        tokens: Int = 0,
        truncated: Bool = false,
        warnings: [String] = [],
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.masks = masks
        self.tokens = tokens
        self.truncated = truncated
        self.warnings = warnings
        self.metadata = metadata
    }

    /// - Parameter source: the text that was sent.
    /// - Throws: `WireError` when a mask lies outside of it.
    init(_ message: Messages.FilledText, of source: String, _ metadata: ResponseMetadata) throws(WireError) {
        var places = SourceOffsets(source)
        masks = try message.masks.map { (mask) throws(WireError) in
            let place = try places.range(mask.start, mask.end, "results.masks")
            let tokens = mask.tokens.map {
                FilledToken(id: Int($0.token), text: $0.tokenStr, score: $0.score, sequence: $0.sequence)
            }
            return FilledMask(tokens: tokens, range: place.range, offsets: place.offsets)
        }
        tokens = Int(message.tokens)
        truncated = message.truncated
        warnings = message.warnings
        self.metadata = metadata
    }
}
