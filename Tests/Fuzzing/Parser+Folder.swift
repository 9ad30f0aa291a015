import ModelFiles
import TestSupport
import Tokenization

extension Parser {
    /// One for each file of a model's folder: that file is replaced, and the folder is read as a worker reads it.
    static let folder: [Parser] = [
        inFolder("config", "config.json", SmallModel.configuration, SmallModel.files),
        inFolder("shard-index", "model.safetensors.index.json", SmallModel.shardIndex, SmallModel.sharded),
        inFolder("modules", "modules.json", SmallModel.modules, SmallModel.sentenceTransformer),
        inFolder("pooling", "1_Pooling/config.json", SmallModel.pooling, SmallModel.sentenceTransformer),
        inFolder("sentence-limits", "sentence_bert_config.json", SmallModel.limits, SmallModel.sentenceTransformer),
        inFolder("vocabulary", "vocab.txt", SmallModel.vocabulary, SmallModel.files, tokenizes: true),
        inFolder("tokenizer", "tokenizer.json", SmallModel.serializedTokenizer, SmallModel.files, tokenizes: true),
        inFolder(
            "tokenizer-config",
            "tokenizer_config.json",
            SmallModel.tokenizerSettings,
            SmallModel.files,
            tokenizes: true
        ),
        inFolder(
            "special-tokens",
            "special_tokens_map.json",
            SmallModel.specialTokens,
            SmallModel.files,
            tokenizes: true
        ),
        inFolder("added-tokens", "added_tokens.json", SmallModel.addedTokens, SmallModel.files, tokenizes: true),
    ]

    /// - Parameter tokenizes: whether to make the tokenizer and use it, which takes milliseconds.
    private static func inFolder(
        _ name: String,
        _ file: String,
        _ seed: String,
        _ others: [String: [UInt8]],
        tokenizes: Bool = false
    ) -> Parser {
        let folder = LazyFolder(files: others)
        return Parser(name: name) {
            [Array(seed.utf8)]
        } run: { bytes in
            do {
                let directory = try folder.made()
                try directory.write(file, bytes)
                let model = try ModelFolder(directory: directory.path)
                let specification = try model.tokenizer()
                _ = model.embeddingLimit(specification)
                if tokenizes {
                    let encoding = try Tokenizer(specification).encode("a <ent> b[MASK]", pair: "é")
                    precondition(encoding.ids.allSatisfy { 0 <= $0 && Int($0) < model.configuration.vocabularySize })
                }
                let checkpoint = try model.checkpoint()
                return checkpoint.names.allSatisfy { checkpoint.tensor($0)?.floats() != nil }
            } catch {
                return false
            }
        }
    }
}

/// A folder that is made when it is first used.
private final class LazyFolder: @unchecked Sendable {
    private let files: [String: [UInt8]]
    private var folder: TemporaryFolder?

    init(files: [String: [UInt8]]) {
        self.files = files
    }

    func made() throws -> TemporaryFolder {
        if let folder { return folder }
        let folder = try TemporaryFolder()
        for (name, bytes) in files { try folder.write(name, bytes) }
        self.folder = folder
        return folder
    }
}
