import ModelFiles
import Tensors

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

/// The layers behind the encoder, from rows of its last hidden state to logits; any of them may be missing.
///
/// | head | first | norm | last |
/// |---|---|---|---|
/// | none | BERT's pooler (tanh), where there is one | | |
/// | sequence classification, multiple choice | BERT's pooler or DistilBERT's pre-classifier (ReLU) | | classifier |
/// | token classification, question answering | | | classifier |
/// | masked LM | transform with the model's activation | LayerNorm | decoder over the vocabulary |
package struct HeadPlan: Sendable {
    package let head: Head
    package let first: Linear?
    package let norm: Norm?
    package let last: Linear?
    /// The share of the inputs of `last` that training sets to zero.
    package let dropout: Double

    init(_ c: ModelConfiguration, words: Parameter, holds: (Linear) -> Bool) {
        let (hidden, isBERT) = (c.hiddenSize, c.family == .bert)
        let pooling = Linear(
            "head.pooling",
            isBERT ? "pooler.dense" : "pre_classifier",
            outputs: hidden,
            inputs: hidden,
            activation: isBERT ? .tanh : .relu
        )
        let head = Head(c, hasPooler: holds(pooling))
        func classifier(_ stem: String) -> Linear {
            Linear("head.classifier", stem, outputs: head.outputs, inputs: hidden)
        }
        self.head = head
        dropout = Self.dropout(head, c)
        switch head {
        case .none(let hasPooler): (first, norm, last) = (hasPooler ? pooling : nil, nil, nil)
        case .sequenceClassification, .multipleChoice: (first, norm, last) = (pooling, nil, classifier("classifier"))
        case .tokenClassification: (first, norm, last) = (nil, nil, classifier("classifier"))
        case .questionAnswering: (first, norm, last) = (nil, nil, classifier("qa_outputs"))
        case .maskedLM(let vocabulary):
            first = Linear(
                "head.transform",
                isBERT ? "cls.predictions.transform.dense" : "vocab_transform",
                outputs: hidden,
                inputs: hidden,
                activation: Activation(c.activation)
            )
            norm = Norm("head.transform_norm", isBERT ? "cls.predictions.transform.LayerNorm" : "vocab_layer_norm", c)
            // Tied, BERT's decoder has one bias, which files may have under two names; with weights of its own it has a
            // bias of its own, and the other is not used.
            let tied = c.tiesWordEmbeddings
            last = Linear(
                "head.decoder",
                weight: tied ? words.tensors[0] : isBERT ? "cls.predictions.decoder.weight" : "vocab_projector.weight",
                bias: !isBERT
                    ? "vocab_projector.bias" : tied ? "cls.predictions.bias" : "cls.predictions.decoder.bias",
                outputs: vocabulary,
                inputs: hidden
            )
        }
    }

    private static func dropout(_ head: Head, _ c: ModelConfiguration) -> Double {
        switch (head, c.family) {
        case (.none, _), (.maskedLM, _), (.questionAnswering, .bert): 0
        case (.questionAnswering, .distilBERT): c.dropouts.answer ?? 0.1
        case (.tokenClassification, .distilBERT): c.dropouts.hidden
        case (.sequenceClassification, .distilBERT), (.multipleChoice, .distilBERT): c.dropouts.classifier ?? 0.2
        case (_, .bert): c.dropouts.classifier ?? c.dropouts.hidden
        }
    }

    package var linears: [Linear] { [first, last].compactMap { $0 } }
    package var parameters: [Parameter] {
        (first?.parameters ?? []) + (norm?.parameters ?? []) + (last?.parameters ?? [])
    }
}
