package import DistilBERT
package import ModelFiles
package import Tensors
import Tokenization

/// A loaded model: tokenizer, encoder, head, and what its folder says about them. Used by one thread.
package final class Model {
    package let plan: NetworkPlan
    package var configuration: ModelConfiguration { plan.configuration }
    let tokenizer: Tokenizer
    let encoder: Encoder
    let head: HeadLayers?
    let embedder: SentenceEmbedder
    /// Makes the scores of a model whose modules do: of a cross-encoder, or of a classifier that is an embedder, too. Nil
    /// where the head does, if anything.
    let scorer: SentenceEmbedder?
    /// Whether the scorer is a cross-encoder's.
    let scoresPairs: Bool
    /// What the scores of a cross-encoder go through, where its folder says.
    let scoreActivation: ModuleActivation?
    /// What a cross-encoder puts before the first text of a pair.
    let scorePrompt: String
    /// Whether the model knows the types of the tokens of two texts.
    let takesPairs: Bool
    /// The names of a classifier's outputs, in their order; none for other models.
    package let labels: [String]
    private let pack: PackFile
    /// Of the request that is being prepared.
    var meter = WorkMeter()

    /// The longest sequence, special tokens included.
    package let maxTokens: Int
    /// Where texts are cut that are to be: the tokenizer's `model_max_length`, unless the model takes less.
    let textLimit: Int
    /// Where embeddings cut their texts: sentence-transformers' `max_seq_length` in its folders.
    let embeddingLimit: Int

    /// Loads everything from a pack.
    package init(pack: PackFile, team: ComputeTeam) throws(EngineError) {
        let folder: ModelFolder
        do {
            folder = try ModelFolder(pack: pack)
            tokenizer = try Tokenizer(pack: pack, words: folder.configuration.vocabularySize)
        } catch {
            throw EngineError.files(error)
        }
        let (configuration, specification) = (folder.configuration, tokenizer.specification)
        self.pack = pack
        plan = NetworkPlan(configuration, folder.modules, pack: pack)
        encoder = try Encoder(plan, pack: pack, team: team)
        head = try HeadLayers(plan.head, pack: pack, team: team)
        maxTokens = configuration.maxPositions
        let embedder = try SentenceEmbedder(folder.modules, plan, pack: pack, team: team)
        if let modules = folder.modules, case .scores(let activation) = modules.purpose {
            // Embeddings of it are the mean, as of a folder without modules.
            self.embedder = try SentenceEmbedder(nil, plan, pack: pack, team: team)
            scorer = modules.pooling == nil ? nil : embedder
            scoresPairs = scorer != nil
            scoreActivation = activation ?? configuration.crossEncoderActivation
            scorePrompt = modules.defaultPrompt ?? ""
            textLimit = folder.embeddingLimit(specification)
        } else {
            self.embedder = embedder
            scorer = folder.moduleLabels == nil ? nil : embedder
            scoresPairs = false
            scoreActivation = configuration.crossEncoderActivation
            scorePrompt = ""
            let limit = min(specification.modelMaxLength ?? maxTokens, maxTokens)
            textLimit = scorer == nil ? limit : folder.embeddingLimit(specification)
        }
        let types = specification.pairTemplate.map(\.typeID).max() ?? 0
        takesPairs = configuration.typeVocabularySize == 0 || types < configuration.typeVocabularySize
        labels =
            if scoresPairs {
                (0..<embedder.dimensions).map { "LABEL_\($0)" }
            } else {
                folder.moduleLabels ?? (plan.head.last == nil ? [] : configuration.labels)
            }
        embeddingLimit = folder.embeddingLimit(specification)
    }

    /// Shows that this model computes here what its checkpoint says, before it serves: everything, or the shortest text
    /// alone where another worker has shown the rest on this machine. Either way the first request finds everything warm.
    ///
    /// - Parameter proceed: asked before each product; `false` stops the proof, which then fails.
    /// - Throws: `EngineError.proof`, which names what differs.
    package func prove(_ extent: ModelProof.Extent, proceed: () -> Bool = { true }) throws(EngineError) {
        try ModelProof(plan, encoder, head, pack: pack).run(extent, proceed: proceed)
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
