package import ModelFiles

/// A random-weight checkpoint that `ops/seeded_checkpoint.py` writes byte for byte alike, so that outputs which
/// `transformers` computed once can be compared without PyTorch, and without committing weights.
///
/// The options are those of the Python class; that file says how each weight follows from the seed.
package struct SeededCheckpoint: Sendable {
    /// BERT or DistilBERT.
    package var family: ModelConfiguration.Family
    package var hidden: Int
    package var layers: Int
    package var heads: Int
    package var intermediate: Int
    /// Rows of the word table: at least 109.
    package var vocabulary: Int
    /// Rows of the position table.
    package var positions = 512
    /// Rows of BERT's token-type table.
    package var tokenTypes = 2
    /// As `config.json` calls it.
    package var activation = "gelu"
    /// Classes of the classifier; 0 where there is none.
    package var labels = 0
    /// nil: a sequence classifier where there are labels, else none.
    package var head: Head?
    /// In place of LABEL_0, LABEL_1, …
    package var labelNames: [String] = []
    /// As `config.json` calls it.
    package var problemType = ""
    /// Whether a masked-LM head has a decoder of its own, instead of the word embeddings.
    package var ownDecoder = false
    /// Whether the tokenizer puts texts in lower case.
    package var lowercase = true
    /// The last entries of the vocabulary.
    package var extraWords: [String] = []
    package var seed: UInt64 = 1
    /// Weights are uniform in ±spread, apart from those of layer norms.
    package var spread: Float = 0.0875
    /// F32, F16 or BF16.
    package var dtype = ElementType.float32
    /// The number of files that share the tensors.
    package var shards = 1
    /// Whether the encoder's tensors begin with `bert.` or `distilbert.`.
    package var prefixed = false
    /// Whether `LayerNorm.weight` and `.bias` are called gamma and beta.
    package var gammaBeta = false

    /// What stands behind the encoder.
    package enum Head: String, Sendable {
        case sequence, token, answer, choice
        case maskedLM = "masked_lm"
        /// BERT's: a masked LM, and whether the second text follows the first.
        case preTraining = "pretraining"
    }

    /// The head that there is.
    var effectiveHead: Head? { head ?? (labels > 0 ? .sequence : nil) }

    package init(
        family: ModelConfiguration.Family,
        hidden: Int = 64,
        layers: Int = 2,
        heads: Int = 4,
        intermediate: Int = 200,
        vocabulary: Int = 1000
    ) {
        self.family = family
        self.hidden = hidden
        self.layers = layers
        self.heads = heads
        self.intermediate = intermediate
        self.vocabulary = vocabulary
    }

    /// A BERT with a classifier that computes in milliseconds and whose sizes are no multiples of any tile.
    package static func smallBERT(labels: Int, spread: Float) -> SeededCheckpoint {
        var checkpoint = SeededCheckpoint(family: .bert, hidden: 96, layers: 3, vocabulary: 500)
        checkpoint.positions = 128
        checkpoint.labels = labels
        checkpoint.spread = spread
        return checkpoint
    }

    /// A DistilBERT of the published size with a classifier: 67 million parameters.
    package static func distilBERTBase(labels: Int = 2) -> SeededCheckpoint {
        base(.distilBERT, layers: 6, labels: labels)
    }

    /// A BERT-base with a classifier: 110 million parameters.
    package static func bertBase(labels: Int = 2) -> SeededCheckpoint {
        base(.bert, layers: 12, labels: labels)
    }

    private static func base(_ family: ModelConfiguration.Family, layers: Int, labels: Int) -> SeededCheckpoint {
        var checkpoint = SeededCheckpoint(
            family: family,
            hidden: 768,
            layers: layers,
            heads: 12,
            intermediate: 3072,
            vocabulary: 30_522
        )
        checkpoint.labels = labels
        checkpoint.prefixed = labels > 0
        return checkpoint
    }

    /// A sequence of `length` ids: `[CLS]`, ordinary tokens, `[SEP]`; of one token, `[CLS]` alone.
    package func tokenIDs(length: Int) -> [Int32] {
        let specials = UInt64(Self.specials.count)
        let stream = SeededStream(seed: seed, name: "input_ids.\(length)")
        var ids = (0..<length).map { index in
            Int32(stream[index] % (UInt64(vocabulary) - specials) + specials)
        }
        ids[0] = 2
        if length > 1 { ids[length - 1] = 3 }
        return ids
    }

    /// The vocabulary's first entries; a token's index is its id.
    static let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
}
