package import Tokenization

/// A pack holds a tokenizer as two notes: its specification, compiled, and the trie of its vocabulary, which is used where
/// it lies.
extension Tokenizer {
    private static let specificationNote = "tokenizer"
    private static let vocabularyNote = "vocabulary"

    /// That of a folder as sentence-transformers changes it: `do_lower_case` of its Transformer module puts texts in lower
    /// case even where the tokenizer keeps case, and then accents stay.
    package init(folder: ModelFolder) throws(ModelFilesError) {
        var specification = try folder.tokenizer()
        if folder.modules?.lowercases == true { specification.lowercaseKeepingAccents() }
        do {
            try self.init(specification)
        } catch {
            throw ModelFilesError(.malformedTokenizer, file: folder.directory, "\(error)")
        }
    }

    /// What a pack is to hold of it.
    package var notes: [(name: String, bytes: [UInt8])] {
        [(Self.specificationNote, specification.compiled), (Self.vocabularyNote, vocabulary.bytes)]
    }

    /// That of a pack of a model whose word table has `words` rows.
    package init(pack: PackFile, words: Int) throws(ModelFilesError) {
        guard let compiled = pack.bytes(of: PackFile.noteSection(Self.specificationNote)),
            let cells = pack.bytes(of: PackFile.noteSection(Self.vocabularyNote))
        else { throw ModelFilesError(.malformedPack, file: "pack", "the pack holds no tokenizer") }
        do {
            let specification = try TokenizerSpecification(compiled: compiled)
            let vocabulary = try ByteTrie(bytes: cells, owner: pack, idLimit: specification.vocabulary.count)
            try self.init(specification, vocabulary: vocabulary)
        } catch {
            throw ModelFilesError(.malformedPack, file: "pack", "\(error)")
        }
        guard idLimit <= words else {
            throw ModelFilesError(
                .malformedPack,
                file: "pack",
                "the tokenizer has ids up to \(idLimit - 1), and the model only \(words) words"
            )
        }
    }
}
