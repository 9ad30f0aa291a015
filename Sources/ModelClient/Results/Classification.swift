import Messages
import Wire

/// A label and how well it fits.
public struct LabelScore: Sendable, Hashable {
    /// The label's name in the checkpoint.
    public var label: String
    /// A probability, unless the options asked for the logits.
    public var score: Float

    /// Makes a score.
    public init(label: String, score: Float) {
        self.label = label
        self.score = score
    }
}

/// What a text was classified as.
public struct Classification: Sendable, Hashable {
    /// The labels that were asked for, best first; never empty.
    public var scores: [LabelScore]
    /// How many tokens the text had, special tokens included.
    public var tokens: Int
    /// Whether the end of the text was dropped.
    public var truncated: Bool
    /// In how many windows the text was read; 1 when it fits the model, or was not to be read in windows.
    public var windows: Int
    /// Who answered, and where the time went; the same for all texts of a request.
    public var metadata: ResponseMetadata

    /// The best label.
    public var label: String { scores.first?.label ?? "" }
    /// The best label's score.
    public var score: Float { scores.first?.score ?? 0 }

    /// Makes a classification, as a test double does.
    public init(
        scores: [LabelScore],
        tokens: Int = 0,
        truncated: Bool = false,
        windows: Int = 1,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.scores = scores
        self.tokens = tokens
        self.truncated = truncated
        self.windows = windows
        self.metadata = metadata
    }

    init(_ message: Messages.Classification, _ metadata: ResponseMetadata) {
        scores = message.scores.map { LabelScore(label: $0.label, score: $0.score) }
        tokens = Int(message.tokens)
        truncated = message.truncated
        windows = max(1, Int(message.windows))
        self.metadata = metadata
    }
}
