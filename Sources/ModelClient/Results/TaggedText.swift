import Messages
import Wire

/// A part of a text and its label: a name, a place, a date, or whatever the model was trained to find.
public struct Entity: Sendable, Hashable {
    /// The label's name: `PER` of a group, `B-PER` or `I-PER` of a piece by itself.
    public var label: String
    /// How certain the model is, from 0 to 1.
    public var score: Float
    /// The part of the text as the tokenizer spells it, lower case for many models; see ``text`` for the original.
    public var word: String
    /// The part of the text as it was sent.
    public var text: String
    /// Where it stands in the text that was sent.
    public var range: Range<String.Index>
    /// The same, counted in Unicode scalars (code points), as `transformers` counts.
    public var offsets: Range<Int>
    /// Of a piece by itself: its place among the text's tokens, special tokens counted; nil for a group.
    public var tokenIndex: Int?

    /// Makes an entity, as a test double does.
    public init(
        label: String,
        score: Float,
        word: String,
        text: String,
        range: Range<String.Index>,
        offsets: Range<Int>,
        tokenIndex: Int? = nil
    ) {
        self.label = label
        self.score = score
        self.word = word
        self.text = text
        self.range = range
        self.offsets = offsets
        self.tokenIndex = tokenIndex
    }
}

/// What was found in a text.
public struct TaggedText: Sendable, Hashable {
    /// What was found, in the order of the text.
    public var entities: [Entity]
    /// How many tokens the text had, special tokens included.
    public var tokens: Int
    /// Whether the end of the text was dropped.
    public var truncated: Bool
    /// In how many windows the text was read; 1 when it fits the model.
    public var windows: Int
    /// Who answered, and where the time went; the same for all texts of a request.
    public var metadata: ResponseMetadata

    /// Makes a result, as a test double does.
    public init(
        entities: [Entity],
        tokens: Int = 0,
        truncated: Bool = false,
        windows: Int = 1,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.entities = entities
        self.tokens = tokens
        self.truncated = truncated
        self.windows = windows
        self.metadata = metadata
    }

    /// - Parameter source: the text that was sent.
    /// - Throws: `WireError` when an entity lies outside of it.
    init(_ message: Messages.TaggedText, of source: String, _ metadata: ResponseMetadata) throws(WireError) {
        var places = SourceOffsets(source)
        entities = try message.entities.map { (entity) throws(WireError) in
            let place = try places.range(entity.start, entity.end, "results.entities")
            return Entity(
                label: entity.label,
                score: entity.score,
                word: entity.word,
                text: String(source[place.range]),
                range: place.range,
                offsets: place.offsets,
                tokenIndex: entity.index == 0 ? nil : Int(entity.index)
            )
        }
        tokens = Int(message.tokens)
        truncated = message.truncated
        windows = max(1, Int(message.windows))
        self.metadata = metadata
    }
}
