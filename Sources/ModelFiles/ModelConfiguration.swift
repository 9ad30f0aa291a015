/// What `config.json` says about a model, in one vocabulary for both families.
package struct ModelConfiguration: Sendable, Hashable {
    /// The families of encoders that are implemented.
    package enum Family: String, Sendable, Hashable, CaseIterable {
        /// `model_type` "bert".
        case bert
        /// `model_type` "distilbert".
        case distilBERT = "distilbert"
    }

    /// The activation between the two layers of a feed-forward block.
    package enum Activation: String, Sendable, Hashable, CaseIterable {
        /// x·Φ(x) with the exact error function: `gelu`, `gelu_python`.
        case gelu
        /// GELU's tanh approximation: `gelu_new`, `gelu_pytorch_tanh`, `gelu_python_tanh`, `gelu_fast`.
        case geluNew
        /// max(x, 0).
        case relu
        /// x·σ(x): `silu`, `swish`.
        case silu
    }

    /// What a classifier's outputs mean (`problem_type`).
    package enum ProblemType: String, Sendable, Hashable, CaseIterable {
        case regression
        case singleLabelClassification = "single_label_classification"
        case multiLabelClassification = "multi_label_classification"
    }

    /// Shares of values that training sets to zero, between 0 and 1.
    package struct Dropouts: Sendable, Hashable {
        /// Of the embeddings, and of what attention and feed-forward layers add to the hidden states.
        package var hidden = 0.1
        /// Of the weights of attention.
        package var attention = 0.1
        /// Before a classifier. Nil where the file does not say: BERT then takes `hidden`, DistilBERT 0.2.
        package var classifier: Double?
        /// Before the last layer of question answering: DistilBERT's; nil where the file does not say, 0.1.
        package var answer: Double?

        package init() {}
    }

    package var family: Family
    /// The class that the checkpoint was saved from, "BertForSequenceClassification" for example: says which head it has.
    package var architecture: String
    /// Width of the hidden states; a multiple of ``heads``.
    package var hiddenSize: Int
    package var layers: Int
    package var heads: Int
    /// Width inside a feed-forward block.
    package var intermediateSize: Int
    package var activation: Activation
    package var vocabularySize: Int
    /// The longest sequence in tokens: the rows of the position table.
    package var maxPositions: Int
    /// Rows of the token-type table; 0 for DistilBERT, which has none.
    package var typeVocabularySize: Int
    /// The ε under the square root of each layer norm.
    package var layerNormEpsilon: Double
    /// Nil where the configuration says null.
    package var padTokenID: Int?
    /// Names of the classes in the order of the classifier's outputs; `LABEL_0`, `LABEL_1`, … where the file has none.
    /// Of an encoder without a head those that the file names otherwise (`ModelFolder.moduleLabels`). Empty for other heads.
    package var labels: [String]
    /// Nil where the file does not say; the number of labels decides then.
    package var problemType: ProblemType?

    /// Whether a masked-LM decoder has the word table's weights, whatever the checkpoint holds beside it.
    package var tiesWordEmbeddings = true
    /// What a cross-encoder's score goes through, where sentence-transformers recorded it.
    package var crossEncoderActivation: ModuleActivation?
    package var dropouts = Dropouts()
    /// The standard deviation of new weights.
    package var initializerRange = 0.02

    /// A configuration as given, unchecked.
    package init(
        family: Family,
        architecture: String,
        hiddenSize: Int,
        layers: Int,
        heads: Int,
        intermediateSize: Int,
        activation: Activation,
        vocabularySize: Int,
        maxPositions: Int,
        typeVocabularySize: Int,
        layerNormEpsilon: Double,
        padTokenID: Int?,
        labels: [String],
        problemType: ProblemType?
    ) {
        self.family = family
        self.architecture = architecture
        self.hiddenSize = hiddenSize
        self.layers = layers
        self.heads = heads
        self.intermediateSize = intermediateSize
        self.activation = activation
        self.vocabularySize = vocabularySize
        self.maxPositions = maxPositions
        self.typeVocabularySize = typeVocabularySize
        self.layerNormEpsilon = layerNormEpsilon
        self.padTokenID = padTokenID
        self.labels = labels
        self.problemType = problemType
    }

    /// Width of one attention head.
    package var headSize: Int { hiddenSize / heads }

    /// The file's name in a model folder.
    package static let fileName = "config.json"
}
