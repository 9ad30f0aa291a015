import JSON
package import Tokenization

/// Reads a tokenizer from a model folder, as `transformers` 4.57 and 5.24 read a BERT tokenizer.
package enum TokenizerFiles {
    /// Reads `tokenizer.json`, or else `vocab.txt`, with the settings in the files beside them.
    ///
    /// What `tokenizer.json` holds counts, whatever the class is called, and must be BERT's. Three rules of `transformers`
    /// that surprise:
    /// - Of the classes that build BERT's normaliser (``buildsNormalizer(_:)``; also where no class is named), the
    ///   normalisation asked for in `tokenizer_config.json`, or by its defaults, wins over a `BertNormalizer` there. Over a
    ///   sequence of normalisers it wins in 5.24 and not in 4.57: here it does not, since somebody made that sequence.
    /// - The truncation and padding that `tokenizer.json` was saved with mean nothing.
    /// - Of `TokenizersBackend`, version 5's class for a tokenizer that is none of a model's, the model is not told which
    ///   of two texts a token is of, unless `model_input_names` has `token_type_ids`. (5.24 does the same of a
    ///   `PreTrainedTokenizerFast`; 4.57, which those folders are of, does not, nor does it here.)
    ///
    /// Where 5.24 builds all of a `BertTokenizer` but the vocabulary anew, here as in 4.57 the file's other settings count
    /// (`max_input_chars_per_word`, the type ids of its templates); where the file has no template at all, as in 5.24 those
    /// of BERT.
    package static func load(directory: String, files: FolderFiles = .disk) throws(ModelFilesError)
        -> TokenizerSpecification
    {
        let settings = try TokenizerSettings(directory: directory, files: files)
        let serialized = join(directory, SerializedTokenizer.fileName)
        let vocabulary = join(directory, VocabularyFile.fileName)
        try refuseJapanese(settings, directory)
        var specification: TokenizerSpecification
        let path: String
        var hasTemplates = false
        if files.exists(serialized) {
            path = serialized
            let file = try SerializedTokenizer.read(serialized, from: files)
            specification = file.specification
            hasTemplates = file.hasTemplates || !buildsNormalizer(settings)
            if buildsNormalizer(settings), !file.hasSequence {
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
        try apply(settings, to: &specification, isSerialized: path == serialized, file: path)
        if !hasTemplates { setTemplates(&specification) }
        if !(settings.givesTypes ?? (settings.tokenizerClass != "TokenizersBackend")) {
            specification.singleTemplate = specification.singleTemplate.map(\.ofFirstType)
            specification.pairTemplate = specification.pairTemplate.map(\.ofFirstType)
        }
        return specification
    }

    /// Whether the class makes BERT's normaliser from `do_lower_case`, `strip_accents` and `tokenize_chinese_chars`.
    private static func buildsNormalizer(_ settings: TokenizerSettings) -> Bool {
        settings.tokenizerClass.map(normalizingClasses.contains) ?? true
    }

    /// BERT's class, and those of other models that are the same but for their name.
    private static let normalizingClasses: Set<String> = [
        "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer", "SqueezeBertTokenizer",
        "LayoutLMTokenizer", "LxmertTokenizer", "DPRReaderTokenizer", "DPRQuestionEncoderTokenizer",
        "DPRContextEncoderTokenizer", "MPNetTokenizer", "FunnelTokenizer",
    ]

    /// [CLS] A [SEP] of type 0, B [SEP] of type 1.
    private static func setTemplates(_ specification: inout TokenizerSpecification) {
        let single: [TemplatePiece] = [
            .special(token: specification.classToken, typeID: 0), .first(typeID: 0),
            .special(token: specification.separatorToken, typeID: 0),
        ]
        specification.singleTemplate = single
        specification.pairTemplate =
            single + [.second(typeID: 1), .special(token: specification.separatorToken, typeID: 1)]
    }

    // MARK: - Special and added tokens

    private static func apply(
        _ settings: TokenizerSettings,
        to specification: inout TokenizerSpecification,
        isSerialized: Bool,
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
        if !isSerialized {
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
        specification.cleansUpSpaces = settings.cleansUpSpaces ?? !isSerialized
        // Special tokens are matched in raw text too, so that "[MASK]" in a text is the mask.
        let names = ["unk_token", "sep_token", "pad_token", "cls_token", "mask_token"].compactMap(token)
        for name in names + settings.additionalSpecialTokens where known.insert(ExactString(name)).inserted {
            guard let id = ids[ExactString(name)] else { continue }
            specification.addedTokens.append(AddedToken(content: name, id: id))
        }
    }

    // MARK: - Other kinds

    /// A vocabulary alone does not say how words become tokens: the class does.
    private static func refuseOtherClasses(_ settings: TokenizerSettings, _ directory: String) throws(ModelFilesError) {
        guard !buildsNormalizer(settings), let name = settings.tokenizerClass else { return }
        throw ModelFilesError(
            .unsupportedTokenizer,
            file: join(directory, TokenizerSettings.fileName),
            "`tokenizer_class` is \(quoted(name)), and there is no tokenizer.json; supported are BertTokenizer and "
                + "DistilBertTokenizer (WordPiece)"
        )
    }

    /// The class looks words up in a dictionary of its own, which no tokenizer.json can say.
    private static func refuseJapanese(_ settings: TokenizerSettings, _ directory: String) throws(ModelFilesError) {
        guard let name = settings.tokenizerClass, name == "BertJapaneseTokenizer" else { return }
        throw ModelFilesError(
            .unsupportedTokenizer,
            file: join(directory, TokenizerSettings.fileName),
            "`tokenizer_class` is \(quoted(name)), which finds words with a Japanese dictionary; supported are BertTokenizer "
                + "and DistilBertTokenizer (WordPiece)"
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

extension TemplatePiece {
    /// The same, of type 0.
    fileprivate var ofFirstType: TemplatePiece {
        switch self {
        case .special(let token, _): .special(token: token, typeID: 0)
        case .first: .first(typeID: 0)
        case .second: .second(typeID: 0)
        }
    }
}

/// `vocab.txt`: one token per line; the line's index is the id.
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
