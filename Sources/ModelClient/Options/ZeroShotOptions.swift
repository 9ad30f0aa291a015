/// How to classify with labels that the model was not trained for.
public struct ZeroShotOptions: Sendable, Hashable {
    /// The sentence that the model compares with the text, with `{}` where a label goes.
    public var hypothesis: String
    /// Whether several labels may fit: then each has a probability of its own; else they add up to 1.
    public var allowsSeveralLabels: Bool
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        hypothesis: String = "This example is {}.",
        allowsSeveralLabels: Bool = false,
        truncation: Truncation = .taskDefault,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.hypothesis = hypothesis
        self.allowsSeveralLabels = allowsSeveralLabels
        self.truncation = truncation
        self.metadata = metadata
    }
}

/// How to rank texts.
public struct RerankOptions: Sendable, Hashable {
    /// What turns the model's output into a score; by default the sigmoid, which gives 0 to 1.
    public var function: ScoreFunction
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        function: ScoreFunction = .checkpointDefault,
        truncation: Truncation = .taskDefault,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.function = function
        self.truncation = truncation
        self.metadata = metadata
    }
}

/// How to choose.
public struct ChooseOptions: Sendable, Hashable {
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(truncation: Truncation = .taskDefault, metadata: RequestMetadata = RequestMetadata()) {
        self.truncation = truncation
        self.metadata = metadata
    }
}

/// A text and what may go with it.
public struct ChoiceInput: Sendable, Hashable {
    /// The text, such as the beginning of a story, or a question.
    public var text: String
    /// What may follow; at least one.
    public var choices: [String]

    /// Makes an input.
    public init(_ text: String, choices: [String]) {
        self.text = text
        self.choices = choices
    }
}
