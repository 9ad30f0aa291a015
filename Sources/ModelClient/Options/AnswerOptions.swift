/// A question and the text that may hold its answer.
public struct QuestionInput: Sendable, Hashable {
    /// The question.
    public var question: String
    /// The text to look in; it may be longer than the model takes.
    public var context: String

    /// Makes an input.
    public init(_ question: String, context: String) {
        self.question = question
        self.context = context
    }
}

/// How to answer questions. What is nil is as `transformers`' question-answering pipeline has it.
public struct AnswerOptions: Sendable, Hashable {
    /// How many answers to return, best first, from 1.
    public var count: Int
    /// The most tokens of an answer; nil: 15.
    public var maximumAnswerTokens: Int?
    /// The most tokens of a window, the question's included; nil: 384, or what the model takes if that is less.
    public var windowTokens: Int?
    /// How many tokens neighbouring windows share; nil: 128, or half a window if that is less.
    public var stride: Int?
    /// Whether the context may hold no answer: then an empty one competes with the others.
    public var mayBeUnanswerable: Bool
    /// Whether answers begin and end with whole words.
    public var alignsToWords: Bool
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        count: Int = 1,
        maximumAnswerTokens: Int? = nil,
        windowTokens: Int? = nil,
        stride: Int? = nil,
        mayBeUnanswerable: Bool = false,
        alignsToWords: Bool = true,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.count = count
        self.maximumAnswerTokens = maximumAnswerTokens
        self.windowTokens = windowTokens
        self.stride = stride
        self.mayBeUnanswerable = mayBeUnanswerable
        self.alignsToWords = alignsToWords
        self.metadata = metadata
    }
}
