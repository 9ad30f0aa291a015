import Messages
import Wire

/// A part of a context that may answer a question.
public struct AnswerSpan: Sendable, Hashable {
    /// The answer, as it stands in the context; empty when there is none in it.
    public var text: String
    /// How certain the model is, from 0 to 1.
    public var score: Float
    /// Where it stands in the context that was sent.
    public var range: Range<String.Index>
    /// The same, counted in Unicode scalars (code points), as `transformers` counts.
    public var offsets: Range<Int>

    /// Makes a span, as a test double does.
    public init(text: String, score: Float, range: Range<String.Index>, offsets: Range<Int>) {
        self.text = text
        self.score = score
        self.range = range
        self.offsets = offsets
    }
}

/// The answer to a question about a context.
public struct QuestionAnswer: Sendable, Hashable {
    /// As many answers as were asked for, best first. One of them may be empty where the options allow that there is none.
    public var candidates: [AnswerSpan]
    /// How many tokens were read, the question's and those of all windows counted.
    public var tokens: Int
    /// In how many windows the context was read; 1 when it fits.
    public var windows: Int
    /// Who answered, and where the time went; the same for all questions of a request.
    public var metadata: ResponseMetadata

    /// The best answer; empty when the context has none.
    public var text: String { candidates.first?.text ?? "" }
    /// The best answer's score.
    public var score: Float { candidates.first?.score ?? 0 }
    /// Where the best answer stands in the context; nil when the context has none.
    public var range: Range<String.Index>? { best?.range }
    /// The same, counted in Unicode scalars (code points).
    public var offsets: Range<Int>? { best?.offsets }

    private var best: AnswerSpan? {
        guard let first = candidates.first, !first.text.isEmpty else { return nil }
        return first
    }

    /// Makes an answer, as a test double does.
    public init(
        candidates: [AnswerSpan],
        tokens: Int = 0,
        windows: Int = 1,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.candidates = candidates
        self.tokens = tokens
        self.windows = windows
        self.metadata = metadata
    }

    /// - Throws: `WireError` when an answer lies outside of the context that was sent.
    init(
        _ message: QuestionAnswers,
        to question: Messages.QuestionInput,
        _ metadata: ResponseMetadata
    ) throws(WireError) {
        var places = SourceOffsets(question.context)
        candidates = try message.answers.map { (span) throws(WireError) in
            let place = try places.range(span.start, span.end, "results.answers")
            return AnswerSpan(text: span.answer, score: span.score, range: place.range, offsets: place.offsets)
        }
        tokens = Int(message.tokens)
        windows = max(1, Int(message.windows))
        self.metadata = metadata
    }
}
