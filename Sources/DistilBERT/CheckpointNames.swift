import ModelFiles

/// What the tensors of each family are called in a checkpoint. `Checkpoint` knows the spellings with and without the
/// family's prefix; here are those without.
struct CheckpointNames {
    let family: ModelConfiguration.Family

    var wordEmbeddings: String { "embeddings.word_embeddings.weight" }
    var positionEmbeddings: String { "embeddings.position_embeddings.weight" }
    var typeEmbeddings: String { "embeddings.token_type_embeddings.weight" }
    var embeddingsNorm: String { "embeddings.LayerNorm" }

    func layer(_ index: Int) -> Layer {
        switch family {
        case .bert:
            let prefix = "encoder.layer.\(index)."
            return Layer(
                query: prefix + "attention.self.query",
                key: prefix + "attention.self.key",
                value: prefix + "attention.self.value",
                attentionOutput: prefix + "attention.output.dense",
                attentionNorm: prefix + "attention.output.LayerNorm",
                intermediate: prefix + "intermediate.dense",
                output: prefix + "output.dense",
                outputNorm: prefix + "output.LayerNorm"
            )
        case .distilBERT:
            let prefix = "transformer.layer.\(index)."
            return Layer(
                query: prefix + "attention.q_lin",
                key: prefix + "attention.k_lin",
                value: prefix + "attention.v_lin",
                attentionOutput: prefix + "attention.out_lin",
                attentionNorm: prefix + "sa_layer_norm",
                intermediate: prefix + "ffn.lin1",
                output: prefix + "ffn.lin2",
                outputNorm: prefix + "output_layer_norm"
            )
        }
    }

    /// The stems of a layer's tensors, before `.weight` and `.bias`.
    struct Layer {
        let query, key, value, attentionOutput, attentionNorm, intermediate, output, outputNorm: String
    }

    /// BERT's pooler: a linear layer and tanh over the first token.
    static let pooler = "pooler.dense"
    /// DistilBERT's counterpart in heads over the first token, with ReLU.
    static let preClassifier = "pre_classifier"
    /// Of sequences, tokens and choices.
    static let classifier = "classifier"
    /// Start and end of an answer.
    static let answers = "qa_outputs"

    /// - Parameter tied: whether the decoder has the word table's weights. BERT's bias then has two names, if the file has
    ///   both; with weights of its own the decoder has a bias of its own, and the other is not used.
    func maskedLM(tied: Bool) -> MaskedLM {
        switch family {
        case .bert:
            MaskedLM(
                transform: "cls.predictions.transform.dense",
                norm: "cls.predictions.transform.LayerNorm",
                decoder: "cls.predictions.decoder.weight",
                bias: tied ? "cls.predictions.bias" : "cls.predictions.decoder.bias"
            )
        case .distilBERT:
            MaskedLM(
                transform: "vocab_transform",
                norm: "vocab_layer_norm",
                decoder: "vocab_projector.weight",
                bias: "vocab_projector.bias"
            )
        }
    }

    /// The masked-LM head: stems of its first layer and norm, whole names of the decoder's tensors.
    struct MaskedLM {
        let transform, norm, decoder, bias: String
    }
}
