package import DistilBERT
package import ModelFiles
package import Tensors
import Tokenization

/// A loaded model: tokenizer, encoder, head, and what its folder says about them. Used by one thread.
package final class Model {
    package let configuration: ModelConfiguration
    let tokenizer: Tokenizer
    let encoder: Encoder
    let head: HeadLayers?
    let embedder: SentenceEmbedder
    /// Makes the scores of a cross-encoder that ends in modules; nil where the head does, if anything.
    let scorer: SentenceEmbedder?
    /// What the scores of a cross-encoder go through, where its folder says.
    let scoreActivation: ModuleActivation?
    /// What a cross-encoder puts before the first text of a pair.
    let scorePrompt: String
    /// Whether the model knows the types of the tokens of two texts.
    let takesPairs: Bool
    /// Names of a classifier's outputs.
    let labels: [String]
    private let pack: PackFile

    /// The longest sequence, special tokens included.
    package let maxTokens: Int
    /// Where texts are cut that are to be: the tokenizer's `model_max_length`, unless the model takes less.
    let textLimit: Int
    /// Where embeddings cut their texts: sentence-transformers' `max_seq_length` in its folders.
    let embeddingLimit: Int

    /// The pack's notes that hold the tokenizer: `TokenizerSpecification.compiled`, and its vocabulary's `ByteTrie.bytes`.
    private static let tokenizerNote = "tokenizer"
    private static let vocabularyNote = "vocabulary"

    /// Loads everything from a pack.
    package init(pack: PackFile, team: ComputeTeam) throws(EngineError) {
        let folder: ModelFolder
        let specification: TokenizerSpecification
        do {
            folder = try ModelFolder(pack: pack)
            (specification, tokenizer) = try Self.tokenizer(of: pack, words: folder.configuration.vocabularySize)
        } catch {
            throw EngineError.files(error)
        }
        configuration = folder.configuration
        self.pack = pack
        encoder = try Encoder(configuration, pack: pack, team: team)
        head = try HeadLayers(configuration, pack: pack, team: team)
        maxTokens = configuration.maxPositions
        let embedder = try SentenceEmbedder(folder.modules, configuration, pack: pack, team: team)
        if let modules = folder.modules, case .scores(let activation) = modules.purpose {
            // Embeddings of it are the mean, as of a folder without modules.
            self.embedder = try SentenceEmbedder(nil, configuration, pack: pack, team: team)
            scorer = modules.pooling == nil ? nil : embedder
            scoreActivation = activation ?? configuration.crossEncoderActivation
            scorePrompt = modules.defaultPrompt ?? ""
            textLimit = folder.embeddingLimit(specification)
        } else {
            self.embedder = embedder
            scorer = nil
            scoreActivation = configuration.crossEncoderActivation
            scorePrompt = ""
            textLimit = min(specification.modelMaxLength ?? maxTokens, maxTokens)
        }
        let types = specification.pairTemplate.map(\.typeID).max() ?? 0
        takesPairs = configuration.typeVocabularySize == 0 || types < configuration.typeVocabularySize
        labels = scorer.map { scorer in (0..<scorer.dimensions).map { "LABEL_\($0)" } } ?? configuration.labels
        embeddingLimit = folder.embeddingLimit(specification)
    }

    /// The tokenizer as sentence-transformers changes it: `do_lower_case` of its Transformer module puts texts in lower
    /// case even where the tokenizer keeps case, and then accents stay.
    private static func tokenizer(
        of folder: ModelFolder
    ) throws(ModelFilesError) -> (TokenizerSpecification, Tokenizer) {
        var specification = try folder.tokenizer()
        if folder.modules?.lowercases == true { specification.lowercaseKeepingAccents() }
        do {
            return (specification, try Tokenizer(specification))
        } catch {
            throw ModelFilesError(.malformedTokenizer, file: folder.directory, "\(error)")
        }
    }

    /// The tokenizer that the packer put into a pack of a model with so many words.
    private static func tokenizer(
        of pack: PackFile,
        words: Int
    ) throws(ModelFilesError) -> (TokenizerSpecification, Tokenizer) {
        guard let compiled = pack.bytes(of: PackFile.noteSection(tokenizerNote)),
            let cells = pack.bytes(of: PackFile.noteSection(vocabularyNote))
        else { throw ModelFilesError(.malformedPack, file: "pack", "the pack holds no tokenizer") }
        let specification: TokenizerSpecification
        let tokenizer: Tokenizer
        do {
            specification = try TokenizerSpecification(compiled: compiled)
            let vocabulary = try ByteTrie(bytes: cells, owner: pack, idLimit: specification.vocabulary.count)
            tokenizer = try Tokenizer(specification, vocabulary: vocabulary)
        } catch {
            throw ModelFilesError(.malformedPack, file: "pack", "\(error)")
        }
        guard tokenizer.idLimit <= words else {
            throw ModelFilesError(
                .malformedPack,
                file: "pack",
                "the tokenizer has ids up to \(tokenizer.idLimit - 1), and the model only \(words) words"
            )
        }
        return (specification, tokenizer)
    }

    /// What packs the folder of a model: its checkpoint, the weights of its sentence-transformers modules, its tokenizer,
    /// compiled, and copies of the other small files that loading it reads. `exceptions`: formats of single weights
    /// (`ModelPacker.weights` names them). `proven`: whether the pack holds known answers, which take a second of computing.
    package static func packer(
        directory: String,
        variant: String,
        exceptions: [String: WeightFormat] = [:],
        proven: Bool = false,
        notes: [(name: String, bytes: [UInt8])] = [],
        key: String? = nil
    ) throws(EngineError) -> ModelPacker {
        let recorder = FolderFiles.Recorder()
        do {
            let folder = try ModelFolder(directory: directory, files: FolderFiles(recorder: recorder))
            let files = recorder.contents(in: directory)
            let (specification, tokenizer) = try Self.tokenizer(of: folder)
            var sources = recorder.contents(in: directory).filter { source in
                !files.contains { $0.name == source.name }
            }
            var extras: [ModelPacker.PackedExtra] = []
            var moduleNotes: [(name: String, bytes: [UInt8])] = []
            for (index, step) in (folder.modules?.steps ?? []).enumerated() {
                switch step {
                case .dense(let dense): extras += try SentenceEmbedder.extras(dense, step: index)
                case .layerNorm(let norm):
                    let checkpoint = try norm.checkpoint()
                    let note = try SentenceEmbedder.note(norm, checkpoint, step: index)
                    moduleNotes.append(note)
                    sources += checkpoint.contents.map { (note.name, $0) }
                case .normalize: break
                }
            }
            var packer = try ModelPacker(
                folder.configuration,
                checkpoint: try folder.checkpoint(),
                extras: extras,
                files: files,
                sources: sources,
                variant: variant,
                exceptions: exceptions,
                texts: try Self.knownTexts(tokenizer, folder.configuration),
                notes: notes + moduleNotes + [
                    (tokenizerNote, specification.compiled), (vocabularyNote, tokenizer.vocabulary.bytes),
                ],
                key: key
            )
            if proven { try packer.addKnownAnswers() }
            return packer
        } catch let error as EngineError {
            throw error
        } catch let error as TokenizationError {
            throw EngineError.files(ModelFilesError(.malformedTokenizer, file: directory, "\(error)"))
        } catch {
            throw EngineError.files(
                error as? ModelFilesError ?? ModelFilesError(.unreadableFile, file: directory, "\(error)")
            )
        }
    }

    /// What packs hold known answers of: the shortest sequence, a sentence and a pair, cut to what the model takes.
    private static func knownTexts(
        _ tokenizer: Tokenizer,
        _ configuration: ModelConfiguration
    ) throws(TokenizationError) -> [TokenSequence] {
        let shortest = [tokenizer.classID, tokenizer.separatorID]
        guard configuration.maxPositions >= 8 else {
            return [TokenSequence(ids: Array(shortest.prefix(configuration.maxPositions)))]
        }
        let pair = try tokenizer.encode(
            "Where did the ship go down?",
            pair: "It sank off Cape Horn in 1903.",
            maxLength: min(24, configuration.maxPositions),
            strategy: .longestFirst
        )
        let sentence = try tokenizer.encode(
            "The committee postponed its decision until June!",
            maxLength: min(16, configuration.maxPositions)
        )
        var sequences = [TokenSequence(ids: shortest)]
        for text in [sentence, pair] {
            var sequence = TokenSequence(text, rows: .all)
            // A model may know one type of token only.
            sequence.types = sequence.types.map { min($0, Int32(max(0, configuration.typeVocabularySize - 1))) }
            sequences.append(sequence)
        }
        return sequences
    }

    /// Shows that this model computes here what its checkpoint says, before it serves: everything, or the shortest text
    /// alone where another worker has shown the rest on this machine. Either way the first request finds everything warm.
    ///
    /// - Parameter proceed: asked before each product; `false` stops the proof, which then fails.
    /// - Throws: `EngineError.proof`, which names what differs.
    package func prove(_ extent: ProofExtent, proceed: () -> Bool = { true }) throws(EngineError) {
        let proof = ModelProof(encoder, head, extras: (scorer ?? embedder).layers, pack: pack)
        switch extent {
        case .full: try proof.full(proceed)
        case .short: try proof.short(proceed)
        }
    }

    package enum ProofExtent {
        case full, short
    }

    /// The encoder alone, for measuring it.
    package func forward(_ sequences: [TokenSequence]) throws(EngineError) -> EncoderOutput? {
        try encoder.forward(sequences)
    }

    /// The scores that this model makes of a text or a pair of texts; 0 where that is not what it does.
    var scores: Int {
        if case .sequenceClassification(let labels) = head?.head { return labels }
        return scorer?.dimensions ?? 0
    }
}
