/// What a sentence-transformers folder does with the hidden states: the chain that `modules.json` lists.
///
/// Source: sentence-transformers, `Transformer`, `Pooling`, `Dense` and `Normalize`, whose file formats these are.
package struct SentenceTransformersModules: Sendable {
    /// How the hidden states of a text's tokens become one vector.
    package enum PoolingMode: String, Sendable, CaseIterable {
        /// The first token's.
        case cls
        /// The largest value of each dimension.
        case max
        /// Sum ÷ number of tokens.
        case mean
        /// Sum ÷ square root of the number of tokens.
        case meanSqrtLengthTokens = "mean_sqrt_len_tokens"
        /// The mean with weight i for the i-th token, counted from 1.
        case weightedMean = "weightedmean"
        /// The last token's.
        case lastToken = "lasttoken"
    }

    /// The pooling module.
    package struct Pooling: Sendable, Hashable {
        /// Width of a hidden state.
        package let dimension: Int
        /// One or more; the results are laid one after the other in this order.
        package let modes: [PoolingMode]
        /// Whether the tokens of a prompt take part.
        package let includesPrompt: Bool
    }

    /// A linear layer with an activation.
    package struct Dense: Sendable, Hashable {
        /// What follows the product.
        package enum Activation: String, Sendable, CaseIterable {
            case identity = "Identity"
            case tanh = "Tanh"
            case relu = "ReLU"
            case gelu = "GELU"
        }

        package let inputs: Int
        package let outputs: Int
        package let hasBias: Bool
        package let activation: Activation
        /// The module's folder.
        package let directory: String

        /// The layer's weights: `linear.weight` [outputs, inputs] and, with a bias, `linear.bias` [outputs].
        package func checkpoint() throws(ModelFilesError) -> Checkpoint {
            try Checkpoint(directory: directory)
        }
    }

    /// One module after the pooling.
    package enum Step: Sendable, Hashable {
        case dense(Dense)
        /// Division by the Euclidean norm.
        case normalize
    }

    /// The folder of the Transformer module, which holds config.json, the weights and the tokenizer.
    package let transformerDirectory: String
    /// Texts of more tokens, specials included, are cut to this; nil leaves the limit to model and tokenizer.
    package let maxSequenceLength: Int?
    /// Whether texts are put in lower case before the tokenizer sees them.
    package let lowercases: Bool
    package let pooling: Pooling
    /// The modules after the pooling, in order.
    package let steps: [Step]
    /// What may be put before texts, by name: "query" and "passage", for example.
    package let prompts: [Prompt]
    /// What is put before every text unless the caller chooses another prompt; nil for nothing.
    package let defaultPrompt: String?

    /// A prompt of `config_sentence_transformers.json`.
    package struct Prompt: Sendable, Hashable {
        package let name: String
        package let text: String
    }

    /// The width of an embedding.
    package var outputDimension: Int {
        var dimension = pooling.dimension * pooling.modes.count
        for case .dense(let dense) in steps { dimension = dense.outputs }
        return dimension
    }

    static let fileName = "modules.json"
}
