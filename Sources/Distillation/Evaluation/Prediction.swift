import JSON

/// What a model says about one example, as a line of a predictions file.
package struct Prediction: Sendable, Equatable, JSONWritable {
    package enum Answer: Sendable, Equatable {
        /// The best label.
        case label(String)
        case labels([String])
        case value(Double)
        case tags([String])
        /// Empty: there is none.
        case answer(String)
    }

    package let example: Example
    package let answer: Answer
    /// Of each label, in the order of the data set; empty where the task has none.
    package let probabilities: [(label: String, probability: Double)]

    package init(
        example: Example,
        answer: Answer,
        probabilities: [(label: String, probability: Double)] = []
    ) {
        self.example = example
        self.answer = answer
        self.probabilities = probabilities
    }

    package static func == (left: Prediction, right: Prediction) -> Bool { left.json == right.json }

    /// `{"text":"…","label":"…","probabilities":{"…":0.9,…}}`, with `text_pair` and `id` where the example has them; in
    /// place of `text` and `label` there are `tokens` and `tags`, `labels`, `value` or `answer`, as the task is.
    package var json: String {
        var members: [(key: String, value: any JSONWritable)] = []
        if let id = example.id { members.append(("id", id)) }
        if case .tags = answer {
            members.append(("tokens", example.words))
        } else {
            members.append(("text", example.text))
        }
        if let pair = example.pair { members.append(("text_pair", pair)) }
        switch answer {
        case .label(let label): members.append(("label", label))
        case .labels(let labels): members.append(("labels", labels))
        case .value(let value): members.append(("value", value))
        case .tags(let tags): members.append(("tags", tags))
        case .answer(let text): members.append(("answer", text))
        }
        if !probabilities.isEmpty {
            members.append(("probabilities", JSONText.object(probabilities.map { ($0.label, $0.probability) })))
        }
        return JSONText.object(members).json
    }
}
