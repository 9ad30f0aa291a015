import ModelFiles
import Tensors

/// What a pack holds and which tensors of the checkpoint it comes from: the one place that both the packer and the
/// loader read, so that they cannot disagree.
struct PackPlan {
    /// A linear layer: the weights' rows of `sources` below each other, [outputs, inputs].
    struct Linear {
        let name: String
        let sources: [Source]
        let inputs: Int

        struct Source {
            /// The tensors' names in the checkpoint.
            let weight, bias: String
            let outputs: Int
        }

        var outputs: Int { sources.reduce(0) { $0 + $1.outputs } }
        var bias: String { name + ".bias" }

        init(_ name: String, _ sources: [(String, Int)], inputs: Int) {
            self.name = name
            self.sources = sources.map { Source(weight: $0.0 + ".weight", bias: $0.0 + ".bias", outputs: $0.1) }
            self.inputs = inputs
        }

        /// A layer whose weight and bias do not share a stem.
        init(_ name: String, weight: String, bias: String, outputs: Int, inputs: Int) {
            self.name = name
            sources = [Source(weight: weight, bias: bias, outputs: outputs)]
            self.inputs = inputs
        }
    }

    /// Values [rows, columns], float32 unless they may be stored in fewer bits.
    struct Table {
        let name: String
        let tensor: String
        let rows: Int
        let columns: Int
        /// A vector in the checkpoint, [columns]; else [rows, columns].
        var isVector = false
        /// A table that the variant's format applies to.
        var isWeight = false
    }

    let linears: [Linear]
    let tables: [Table]

    init(_ configuration: ModelConfiguration, head: Head) {
        let c = configuration
        let names = CheckpointNames(family: c.family)
        let hidden = c.hiddenSize
        var linears: [Linear] = []
        var tables = [
            Table(
                name: Self.words,
                tensor: names.wordEmbeddings,
                rows: c.vocabularySize,
                columns: hidden,
                isWeight: true
            ),
            Table(name: "embeddings.position", tensor: names.positionEmbeddings, rows: c.maxPositions, columns: hidden),
        ]
        if c.typeVocabularySize > 0 {
            tables.append(
                Table(
                    name: "embeddings.type",
                    tensor: names.typeEmbeddings,
                    rows: c.typeVocabularySize,
                    columns: hidden
                )
            )
        }
        func norm(_ name: String, _ stem: String) {
            for part in ["weight", "bias"] {
                tables.append(
                    Table(name: "\(name).\(part)", tensor: "\(stem).\(part)", rows: 1, columns: hidden, isVector: true)
                )
            }
        }
        norm("embeddings.norm", names.embeddingsNorm)
        for index in 0..<c.layers {
            let layer = names.layer(index)
            let prefix = Self.layerPrefix(index)
            linears.append(
                Linear(
                    prefix + "qkv",
                    [(layer.query, hidden), (layer.key, hidden), (layer.value, hidden)],
                    inputs: hidden
                )
            )
            linears.append(Linear(prefix + "attention_output", [(layer.attentionOutput, hidden)], inputs: hidden))
            norm(prefix + "attention_norm", layer.attentionNorm)
            linears.append(Linear(prefix + "intermediate", [(layer.intermediate, c.intermediateSize)], inputs: hidden))
            linears.append(Linear(prefix + "output", [(layer.output, hidden)], inputs: c.intermediateSize))
            norm(prefix + "output_norm", layer.outputNorm)
        }
        let pooling = Linear(
            Self.pooling,
            [(c.family == .bert ? CheckpointNames.pooler : CheckpointNames.preClassifier, hidden)],
            inputs: hidden
        )
        func classifier(_ stem: String, _ outputs: Int) -> Linear {
            Linear(Self.classifier, [(stem, outputs)], inputs: hidden)
        }
        switch head {
        case .none(let hasPooler):
            if hasPooler { linears.append(pooling) }
        case .sequenceClassification, .multipleChoice:
            linears += [pooling, classifier(CheckpointNames.classifier, head.outputs)]
        case .tokenClassification:
            linears.append(classifier(CheckpointNames.classifier, head.outputs))
        case .questionAnswering:
            linears.append(classifier(CheckpointNames.answers, head.outputs))
        case .maskedLM(let vocabulary):
            let stems = names.maskedLM(tied: c.tiesWordEmbeddings)
            linears.append(Linear(Self.transform, [(stems.transform, hidden)], inputs: hidden))
            norm(Self.transformNorm, stems.norm)
            linears.append(
                Linear(
                    Self.decoder,
                    weight: c.tiesWordEmbeddings ? names.wordEmbeddings : stems.decoder,
                    bias: stems.bias,
                    outputs: vocabulary,
                    inputs: hidden
                )
            )
        }
        self.linears = linears
        self.tables = tables
    }

    static let words = "embeddings.word"
    static let pooling = "head.pooling"
    static let classifier = "head.classifier"
    static let transform = "head.transform"
    static let transformNorm = "head.transform_norm"
    static let decoder = "head.decoder"
    static func layerPrefix(_ index: Int) -> String { "layer.\(index)." }

    /// The section of a weight: its name says what it is stored as.
    static func weight(_ name: String, _ format: WeightFormat) -> String {
        format == .float32 ? name + ".weight" : "\(name).weight.\(format.rawValue)"
    }

    /// The section of an int8 table's scales, one for each row.
    static func scales(_ name: String) -> String { name + ".scales" }
}
