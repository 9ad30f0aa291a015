/// What a model is made to do, by its name on the command line.
package enum TrainingTask: String, Sendable, Hashable, CaseIterable {
    /// One label of several for a text or a pair of texts.
    case classify
    /// Any number of labels for each.
    case multiLabel = "multi-label"
    /// A number for each.
    case regression
    /// A label for each word.
    case tag
    /// The span of a context that answers a question.
    case answer
    /// A vector for each text.
    case embed
}

/// What the model is to say about an example.
package enum Target: Sendable, Hashable {
    /// Raw text.
    case none
    /// The index of a label in `Dataset.labels`.
    case label(Int)
    /// The indices of its labels, ascending.
    case labels([Int])
    /// The probability of each label, in the order of `Dataset.labels`.
    case probabilities([Float])
    case value(Float)
    /// A label for each word of `Example.words`.
    case tags([Int])
    /// The answers that count as right; none where the question has no answer.
    case answers([Answer])

    /// The one label that is right, of probabilities the likeliest; nil where there is no such label.
    package var rightLabel: Int? {
        switch self {
        case .label(let label): label
        case .probabilities(let probabilities): likeliest(probabilities)
        default: nil
        }
    }

    package struct Answer: Sendable, Hashable {
        package let text: String
        /// Where it starts in the context, in code points.
        package let start: Int

        package init(text: String, start: Int) {
            self.text = text
            self.start = start
        }
    }
}

/// A text, or a pair of texts, and what the model is to say about it.
package struct Example: Sendable, Hashable {
    /// The text; of a question answering example the question.
    package var text: String
    /// The second text; of a question answering example the context.
    package var pair: String?
    /// The words of an example whose words have labels, which `text` has with a space between each two; empty otherwise.
    package var words: [String]
    package var target: Target
    /// What the file calls it (SQuAD's `id`).
    package var id: String?

    package init(text: String, pair: String? = nil, words: [String] = [], target: Target = .none, id: String? = nil) {
        self.text = text
        self.pair = pair
        self.words = words
        self.target = target
        self.id = id
    }
}

/// Examples of one task, read from one or several files.
package struct Dataset: Sendable {
    package var task: TrainingTask
    /// The labels' names; a label is named by its index. In the order of the model or of the format where one of them says
    /// which there are, sorted by their UTF-8 where the data alone does.
    package var labels: [String]
    package var examples: [Example]
    /// What a person should know about the data, such as duplicates: a sentence each, with its count.
    package var warnings: [String]
    /// What was decided for the user, such as the task: a sentence each.
    package var notices: [String]

    package init(
        task: TrainingTask,
        labels: [String] = [],
        examples: [Example] = [],
        warnings: [String] = [],
        notices: [String] = []
    ) {
        self.task = task
        self.labels = labels
        self.examples = examples
        self.warnings = warnings
        self.notices = notices
    }

    package var count: Int { examples.count }
}
