/// What a sentence-transformers folder does with the hidden states: the chain that `modules.json` lists.
///
/// Source: sentence-transformers 2.2 to 6.2, `Transformer`, `Pooling`, `Dense`, `LayerNorm` and `Normalize`, whose file
/// formats these are.
package struct SentenceTransformersModules: Sendable {
    /// What the chain ends in (`model_type` of config_sentence_transformers.json).
    package enum Purpose: Sendable, Hashable {
        /// A vector of a text.
        case embedding
        /// The scores of a pair of texts: a `CrossEncoder`. `activation`: what they go through, where the folder says.
        case scores(activation: ModuleActivation?)
    }

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

        package init(dimension: Int, modes: [PoolingMode], includesPrompt: Bool = true) {
            self.dimension = dimension
            self.modes = modes
            self.includesPrompt = includesPrompt
        }
    }

    /// A linear layer with an activation.
    package struct Dense: Sendable, Hashable {
        package let inputs: Int
        package let outputs: Int
        package let hasBias: Bool
        /// What follows the product.
        package let activation: ModuleActivation
        /// What is added to the result in the end.
        package let residual: Residual
        /// The module's folder; empty of one that is not written yet.
        package let directory: String

        package init(
            inputs: Int,
            outputs: Int,
            hasBias: Bool = true,
            activation: ModuleActivation = .identity,
            residual: Residual = .none,
            directory: String = ""
        ) {
            self.inputs = inputs
            self.outputs = outputs
            self.hasBias = hasBias
            self.activation = activation
            self.residual = residual
            self.directory = directory
        }

        package enum Residual: Sendable, Hashable {
            case none
            /// The input.
            case input
            /// The input times `residual.weight` [outputs, inputs].
            case projected
        }

        /// The layer's weights: `linear.weight` [outputs, inputs] and, with a bias, `linear.bias` [outputs].
        package func checkpoint() throws(ModelFilesError) -> Checkpoint {
            try Checkpoint(directory: directory)
        }
    }

    /// A layer normalisation with PyTorch's ε, 10⁻⁵.
    package struct LayerNorm: Sendable, Hashable {
        package let dimension: Int
        /// The module's folder.
        package let directory: String

        /// The module's weights: `norm.weight` and `norm.bias` [dimension].
        package func checkpoint() throws(ModelFilesError) -> Checkpoint {
            try Checkpoint(directory: directory)
        }
    }

    /// One module after the pooling.
    package enum Step: Sendable, Hashable {
        case dense(Dense)
        case layerNorm(LayerNorm)
        /// Division by the Euclidean norm.
        case normalize
    }

    /// The folder of the Transformer module, which holds config.json, the weights and the tokenizer.
    package let transformerDirectory: String
    /// Texts of more tokens, specials included, are cut to this; nil leaves the limit to model and tokenizer.
    package let maxSequenceLength: Int?
    /// Whether texts are put in lower case before the tokenizer sees them.
    package let lowercases: Bool
    package let purpose: Purpose
    /// Nil for a cross-encoder whose Transformer module has a classifier and is the whole chain.
    package let pooling: Pooling?
    /// The modules after the pooling, in order.
    package let steps: [Step]
    /// What may be put before texts, by name: "query" and "passage", for example.
    package let prompts: [Prompt]
    /// What is put before every text unless the caller chooses another prompt; nil for nothing.
    package let defaultPrompt: String?

    /// How many of an embedding's values are kept unless the caller says otherwise; nil for all.
    package let keptDimensions: Int?

    /// A prompt of `config_sentence_transformers.json`.
    package struct Prompt: Sendable, Hashable {
        package let name: String
        package let text: String
    }

    /// The width of an embedding, or the number of scores; nil where the Transformer module has a classifier.
    package var outputDimension: Int? {
        guard let pooling else { return nil }
        var dimension = pooling.dimension * pooling.modes.count
        for case .dense(let dense) in steps { dimension = dense.outputs }
        return dimension
    }

    /// The modules of a new embedding model, whose prompts are none.
    package init(pooling: Pooling, steps: [Step], maxSequenceLength: Int?) {
        transformerDirectory = ""
        self.maxSequenceLength = maxSequenceLength
        lowercases = false
        purpose = .embedding
        self.pooling = pooling
        self.steps = steps
        prompts = []
        defaultPrompt = nil
        keptDimensions = nil
    }

    static let fileName = "modules.json"
    static let settingsFileName = "config_sentence_transformers.json"
}
