import JSON
package import Tokenization

/// A model's folder as downloaded from Hugging Face: of `transformers`, or of sentence-transformers.
///
/// Opening one reads the small files. Weights and vocabulary are read when they are asked for: a process may need one only.
package struct ModelFolder: Sendable {
    /// The folder.
    package let directory: String
    /// The folder that holds config.json, weights and tokenizer: the same, or the Transformer module's inside it.
    package let transformerDirectory: String
    package let configuration: ModelConfiguration
    /// How sentence-transformers makes an embedding; nil for a folder of `transformers`.
    package let modules: SentenceTransformersModules?

    private let files: FolderFiles

    /// Opens the model that a pack holds: its small files, not the checkpoint, which the pack replaces.
    package init(pack: PackFile) throws(ModelFilesError) {
        try self.init(directory: FolderFiles.packedDirectory, files: FolderFiles(pack: pack))
    }

    package init(directory: String, files: FolderFiles = .disk) throws(ModelFilesError) {
        self.files = files
        guard files.exists(directory) else {
            throw ModelFilesError(.missingFile, file: directory, "the model folder does not exist")
        }
        self.directory = directory
        modules = try SentenceTransformersModules.load(directory: directory, files: files)
        transformerDirectory = modules?.transformerDirectory ?? directory
        configuration = try ModelConfiguration(directory: transformerDirectory, files: files)
        if let modules, modules.pooling == nil, !configuration.architecture.hasSuffix("ForSequenceClassification") {
            throw ModelFilesError(
                .invalidConfiguration,
                file: join(transformerDirectory, ModelConfiguration.fileName),
                "the folder is a CrossEncoder of a Transformer with a classifier, and `architectures` names "
                    + "\(quoted(configuration.architecture)); expected one that ends in ForSequenceClassification"
            )
        }
        if let pooling = modules?.pooling, pooling.dimension != configuration.hiddenSize {
            throw ModelFilesError(
                .invalidConfiguration,
                file: directory,
                "the Pooling module expects hidden states of \(pooling.dimension), and config.json says "
                    + "\(configuration.hiddenSize)"
            )
        }
    }

    /// The labels of a folder whose modules end in a classifier: a Dense module without an activation, whose outputs are as
    /// many as the labels that config.json names. Nil for other folders.
    ///
    /// What the modules give are then both the embedding, as sentence-transformers has it, and the logits of the labels.
    package var moduleLabels: [String]? {
        let labels = configuration.labels
        guard let modules, modules.purpose == .embedding, case .dense(let dense) = modules.steps.last,
            dense.activation == .identity, dense.residual == .none, dense.outputs == labels.count,
            configuration.architecture.hasSuffix("Model"),
            modules.keptDimensions == nil, modules.defaultPrompt == nil
        else { return nil }
        return labels
    }

    /// Maps and checks the weights.
    package func checkpoint() throws(ModelFilesError) -> Checkpoint {
        try Checkpoint(directory: transformerDirectory)
    }

    /// Reads the tokenizer. Every id that it can give is a row of the model's word table.
    package func tokenizer() throws(ModelFilesError) -> TokenizerSpecification {
        let specification = try TokenizerFiles.load(directory: transformerDirectory, files: files)
        let largestAdded = specification.addedTokens.reduce(0) { max($0, Int($1.id) + 1) }
        let ids = max(specification.vocabulary.count, largestAdded)
        guard ids <= configuration.vocabularySize else {
            throw ModelFilesError(
                .malformedTokenizer,
                file: transformerDirectory,
                "the tokenizer has ids up to \(ids - 1), and the model only \(configuration.vocabularySize) words "
                    + "(`vocab_size`); the vocabulary is of another model"
            )
        }
        return specification
    }

    /// The most tokens of a text, specials included, that an embedding takes into account: what sentence-transformers cuts
    /// at, and for other folders what the model can take.
    package func embeddingLimit(_ tokenizer: TokenizerSpecification) -> Int {
        let standard = tokenizer.modelMaxLength ?? configuration.maxPositions
        return min(modules?.maxSequenceLength ?? standard, configuration.maxPositions)
    }
}
