package import Tokenization

/// Reads a tokenizer from a model folder, as `transformers` 4.57 reads a fast BERT tokenizer.
package enum TokenizerFiles {
    /// Reads `tokenizer.json`, or else `vocab.txt`, with the settings in the files beside them.
    ///
    /// Two rules of `transformers` that surprise: the normalisation asked for in `tokenizer_config.json` (or its defaults)
    /// wins over the one in `tokenizer.json`, unless the class is `PreTrainedTokenizerFast`; and the truncation and
    /// padding that `tokenizer.json` was saved with mean nothing.
    package static func load(directory: String, files: FolderFiles = .disk) throws(ModelFilesError)
        -> TokenizerSpecification
    {
        let settings = try TokenizerSettings(directory: directory, files: files)
        let serialized = join(directory, SerializedTokenizer.fileName)
        let vocabulary = join(directory, VocabularyFile.fileName)
        var specification: TokenizerSpecification
        let path: String
        if files.exists(serialized) {
            path = serialized
            specification = try SerializedTokenizer.read(serialized, from: files)
            if settings.tokenizerClass != "PreTrainedTokenizerFast" {
                specification.lowercase = settings.lowercase
                specification.stripAccents = settings.stripAccents
                specification.handleChineseChars = settings.handleChineseChars
            }
        } else if files.exists(vocabulary) {
            path = vocabulary
            try refuseOtherClasses(settings, directory)
            specification = TokenizerSpecification(
                vocabulary: try VocabularyFile.read(vocabulary, from: files),
                handleChineseChars: settings.handleChineseChars,
                lowercase: settings.lowercase,
                stripAccents: settings.stripAccents
            )
        } else {
            throw missing(directory)
        }
        try apply(settings, to: &specification, hasTemplates: path == serialized, file: path)
        return specification
    }

    // MARK: - Special and added tokens

    private static func apply(
        _ settings: TokenizerSettings,
        to specification: inout TokenizerSpecification,
        hasTemplates: Bool,
        file: String
    ) throws(ModelFilesError) {
        let special = settings.specialTokens
        var ids: [ExactString: Int32] = [:]
        for token in special.values + settings.additionalSpecialTokens + [specification.unknownToken] {
            ids[ExactString(token)] = specification.vocabulary.lastIndex(ofExactly: token).map(Int32.init)
        }
        var known: Set<ExactString> = []
        for token in specification.addedTokens { known.insert(ExactString(token.content)) }
        for token in settings.addedTokens where known.insert(ExactString(token.content)).inserted {
            specification.addedTokens.append(token)
        }
        for token in specification.addedTokens { ids[ExactString(token.content)] = token.id }

        func token(_ key: String) -> String? { special[key].flatMap { ids[ExactString($0)] == nil ? nil : $0 } }
        func required(_ key: String) throws(ModelFilesError) -> String {
            if let token = token(key) { return token }
            throw ModelFilesError(
                .malformedTokenizer,
                file: file,
                "the vocabulary lacks the token \(quoted(special[key] ?? "")) (`\(key)`); a file may be of another model, or cut"
            )
        }
        if !hasTemplates {
            specification.unknownToken = try required("unk_token")
        } else if ids[ExactString(specification.unknownToken)] == nil {
            throw ModelFilesError(
                .malformedTokenizer,
                file: file,
                "the vocabulary lacks the token \(quoted(specification.unknownToken)) (`model.unk_token`)"
            )
        }
        specification.classToken = try required("cls_token")
        specification.separatorToken = try required("sep_token")
        specification.padToken = token("pad_token")
        specification.maskToken = token("mask_token")
        specification.modelMaxLength = settings.modelMaxLength
        // The default of the class that reads vocab.txt is not that of the one that reads tokenizer.json.
        specification.cleansUpSpaces = settings.cleansUpSpaces ?? !hasTemplates
        if !hasTemplates {
            let single: [TemplatePiece] = [
                .special(token: specification.classToken, typeID: 0), .first(typeID: 0),
                .special(token: specification.separatorToken, typeID: 0),
            ]
            specification.singleTemplate = single
            specification.pairTemplate =
                single + [.second(typeID: 1), .special(token: specification.separatorToken, typeID: 1)]
        }
        // Special tokens are matched in raw text too, so that "[MASK]" in a text is the mask.
        let names = ["unk_token", "sep_token", "pad_token", "cls_token", "mask_token"].compactMap(token)
        for name in names + settings.additionalSpecialTokens where known.insert(ExactString(name)).inserted {
            guard let id = ids[ExactString(name)] else { continue }
            specification.addedTokens.append(AddedToken(content: name, id: id))
        }
    }

    // MARK: - Other kinds

    private static func refuseOtherClasses(_ settings: TokenizerSettings, _ directory: String) throws(ModelFilesError) {
        guard let name = settings.tokenizerClass, !["BertTokenizer", "DistilBertTokenizer"].contains(name) else {
            return
        }
        throw ModelFilesError(
            .unsupportedTokenizer,
            file: join(directory, TokenizerSettings.fileName),
            "`tokenizer_class` is \(quoted(name)); supported are BertTokenizer and DistilBertTokenizer (WordPiece)"
        )
    }

    private static func missing(_ directory: String) -> ModelFilesError {
        let others = [
            ("merges.txt", "BPE"), ("vocab.json", "BPE"), ("sentencepiece.bpe.model", "SentencePiece"),
            ("spiece.model", "SentencePiece"), ("tokenizer.model", "SentencePiece"),
        ]
        for (name, kind) in others where fileExists(join(directory, name)) {
            return ModelFilesError(
                .unsupportedTokenizer,
                file: join(directory, name),
                "the tokenizer is of the kind \(kind); supported is WordPiece, from tokenizer.json or vocab.txt"
            )
        }
        return ModelFilesError(
            .missingFile,
            file: join(directory, VocabularyFile.fileName),
            "the vocabulary is missing: the folder has neither tokenizer.json nor vocab.txt; copy one of them from where the "
                + "model was downloaded"
        )
    }
}

/// `vocab.txt`: one token a line; the line's index is the id.
enum VocabularyFile {
    static let fileName = "vocab.txt"
    private static let largest = 64 << 20

    /// Reads the lines, which end as Python's text files may: \n, \r\n or \r.
    static func read(_ path: String, from files: FolderFiles) throws(ModelFilesError) -> TokenList {
        let file = try files.open(path)
        let bytes = file.bytes
        guard bytes.count <= largest else {
            throw ModelFilesError(.malformedTokenizer, file: path, "the vocabulary has more than \(largest) bytes")
        }
        // one check of all is a fraction of 30,000 checks; only where it fails each line is looked at
        let isText = String(validating: bytes, as: UTF8.self) != nil
        var lines = TokenList()
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? bytes.count
            guard isText || String(validating: bytes[start..<end], as: UTF8.self) != nil else {
                throw ModelFilesError(.malformedTokenizer, file: path, "line \(lines.count + 1) is not UTF-8")
            }
            lines.append(bytes[start..<end])
            let isPair = end + 1 < bytes.count && bytes[end] == 0x0D && bytes[end + 1] == 0x0A
            start = end + (isPair ? 2 : 1)
        }
        guard !lines.isEmpty else {
            throw ModelFilesError(.malformedTokenizer, file: path, "the vocabulary is empty; download the file again")
        }
        withExtendedLifetime(file) {}
        return lines
    }
}
