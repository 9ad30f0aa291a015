import Messages
import Wire

/// A text and how well it answers a query.
public struct RankedText: Sendable, Hashable {
    /// The text's place in the list that was sent.
    public var index: Int
    /// The text.
    public var text: String
    /// How relevant it is: from 0 to 1, unless the options asked for the logit.
    public var score: Float
    /// How many tokens query and text had, special tokens included.
    public var tokens: Int
    /// Whether the end of the text was dropped.
    public var truncated: Bool
    /// Who answered, and where the time went; the same for all texts of a request.
    public var metadata: ResponseMetadata

    /// Makes a ranked text, as a test double does.
    public init(
        index: Int,
        text: String,
        score: Float,
        tokens: Int = 0,
        truncated: Bool = false,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.index = index
        self.text = text
        self.score = score
        self.tokens = tokens
        self.truncated = truncated
        self.metadata = metadata
    }

    /// At place 0: requests know a part of the list, and who has all of it sets the place.
    init(_ message: Relevance, of text: String, _ metadata: ResponseMetadata) {
        index = 0
        self.text = text
        score = message.score
        tokens = Int(message.tokens)
        truncated = message.truncated
        self.metadata = metadata
    }
}

/// Which of several choices fits a text.
public struct Choice: Sendable, Hashable {
    /// One probability per choice, in the order of the choices; they add up to 1.
    public var scores: [Float]
    /// How many tokens the text had with all its choices, special tokens included.
    public var tokens: Int
    /// Whether the end of the text was dropped for one of them.
    public var truncated: Bool
    /// Who answered, and where the time went; the same for all texts of a request.
    public var metadata: ResponseMetadata

    /// The place of the best choice, the first of equals; 0 when there is none.
    public var index: Int { scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 } }
    /// The best choice's score.
    public var score: Float { scores.isEmpty ? 0 : scores[index] }

    /// Makes a choice, as a test double does.
    public init(
        scores: [Float],
        tokens: Int = 0,
        truncated: Bool = false,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.scores = scores
        self.tokens = tokens
        self.truncated = truncated
        self.metadata = metadata
    }

    /// - Throws: `WireError` when there is not one score per choice.
    init(_ message: ChoiceScores, among input: Messages.ChoiceInput, _ metadata: ResponseMetadata) throws(WireError) {
        guard message.scores.count == input.choices.count else {
            let reason = "there are \(message.scores.count) scores for \(input.choices.count) choices"
            throw WireError(.invalidValue, field: "results.scores", reason)
        }
        scores = message.scores
        tokens = Int(message.tokens)
        truncated = message.truncated
        self.metadata = metadata
    }
}
