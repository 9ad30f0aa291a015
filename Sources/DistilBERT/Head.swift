import ModelFiles

/// What a checkpoint computes from its encoder's last hidden state.
package enum Head: Sendable, Equatable {
    /// Nothing: hidden states are the answer. `hasPooler`: BERT's tanh layer over the first token is there.
    case none(hasPooler: Bool)
    /// Logits of `labels` classes from the first token.
    case sequenceClassification(labels: Int)

    /// The head that `architectures` names. Heads without an implementation leave the encoder to be used.
    init(_ configuration: ModelConfiguration, _ checkpoint: Checkpoint) {
        if configuration.architecture.hasSuffix("ForSequenceClassification") {
            self = .sequenceClassification(labels: configuration.labels.count)
        } else {
            self = .none(
                hasPooler: configuration.family == .bert
                    && checkpoint.tensor(CheckpointNames.pooler + ".weight") != nil
            )
        }
    }
}
