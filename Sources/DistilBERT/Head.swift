import ModelFiles

/// What a checkpoint computes from its encoder's last hidden states, as `architectures` says.
package enum Head: Sendable, Equatable {
    /// Nothing: hidden states are the answer. `hasPooler`: BERT's tanh layer over the first token is there.
    case none(hasPooler: Bool)
    /// Logits of `labels` classes from the first token.
    case sequenceClassification(labels: Int)
    /// Logits of `labels` classes from each token.
    case tokenClassification(labels: Int)
    /// Two logits from each token: that an answer starts there, and that it ends there.
    case questionAnswering
    /// Logits of the whole vocabulary from each token.
    case maskedLM(vocabulary: Int)
    /// One logit from the first token: how well the sequence's choice fits.
    case multipleChoice

    /// The head that `architectures` names. Heads without an implementation leave the encoder to be used.
    ///
    /// - Parameter hasPooler: whether the weights have BERT's pooler; other heads than `none` need it or do not.
    init(_ configuration: ModelConfiguration, hasPooler: Bool) {
        let labels = configuration.labels.count
        let name = configuration.architecture
        let suffix = ["Bert", "DistilBert"].first { name.hasPrefix($0) }.map { name.dropFirst($0.count) } ?? name[...]
        switch suffix {
        case "ForSequenceClassification": self = .sequenceClassification(labels: labels)
        case "ForTokenClassification": self = .tokenClassification(labels: labels)
        case "ForQuestionAnswering": self = .questionAnswering
        case "ForMaskedLM", "ForPreTraining": self = .maskedLM(vocabulary: configuration.vocabularySize)
        case "ForMultipleChoice": self = .multipleChoice
        default: self = .none(hasPooler: configuration.family == .bert && hasPooler)
        }
    }

    /// Whether it reads the first token alone.
    package var readsFirstToken: Bool {
        switch self {
        case .none, .tokenClassification, .questionAnswering, .maskedLM: false
        case .sequenceClassification, .multipleChoice: true
        }
    }

    /// The logits of one row; 0 where hidden states are the answer.
    package var outputs: Int {
        switch self {
        case .none: 0
        case .sequenceClassification(let labels), .tokenClassification(let labels): labels
        case .questionAnswering: 2
        case .maskedLM(let vocabulary): vocabulary
        case .multipleChoice: 1
        }
    }
}
