import JSON
package import Tokenization

/// `tokenizer.json`, the file of the `tokenizers` library, as far as it describes a BERT tokenizer.
enum SerializedTokenizer {
    static let fileName = "tokenizer.json"
    private static let largestID = 16_777_215

    static func read(
        _ path: String,
        from files: FolderFiles
    ) throws(ModelFilesError) -> (specification: TokenizerSpecification, hasTemplates: Bool, hasSequence: Bool) {
        let file = try JSONNode(readingFile: path, from: files, limits: JSONLimits(), blame: .malformedTokenizer)
        let model = try file.required("model")
        let kind = try model.member("type")?.string()
        // Files of before 2021 do not say; only WordPiece has this prefix and this limit.
        let looksLikeWordPiece = try model.member("max_input_chars_per_word") != nil
        guard kind == "WordPiece" || (kind == nil && looksLikeWordPiece) else {
            throw unsupported(model, "model", kind, "WordPiece")
        }
        var added: [AddedToken] = []
        for node in try file.member("added_tokens")?.elements() ?? [] {
            added.append(try AddedToken(node, id: Int32(try node.required("id").integer(in: 0...largestID))))
        }
        var specification = TokenizerSpecification(
            vocabulary: TokenList(try vocabulary(try model.required("vocab"), added)),
            addedTokens: added
        )
        specification.unknownToken = try model.member("unk_token")?.string() ?? "[UNK]"
        specification.continuingSubwordPrefix = try model.member("continuing_subword_prefix")?.string() ?? "##"
        specification.maxInputCharsPerWord =
            try model.member("max_input_chars_per_word")?.integer(in: 0...Int(Int32.max)) ?? 100
        let hasSequence = try readNormalizer(file, &specification)
        try checkPreTokenizer(file)
        let hasTemplates = try readPostProcessor(file, &specification)
        specification.decoder = try decoder(file)
        return (specification, hasTemplates, hasSequence)
    }

    private static func checkPreTokenizer(_ file: JSONNode) throws(ModelFilesError) {
        let node = try file.member("pre_tokenizer")
        var steps = node.map { [$0] } ?? []
        if try node?.member("type")?.string() == "Sequence" {
            steps = try node?.required("pretokenizers").elements() ?? []
        }
        var kinds: [String?] = []
        for step in steps { kinds.append(try step.member("type")?.string()) }
        guard kinds == ["BertPreTokenizer"] else {
            let kind = kinds.first { $0 != "BertPreTokenizer" } ?? kinds.last ?? nil
            throw unsupported(node ?? file, "pre_tokenizer", kind, "BertPreTokenizer")
        }
    }

    private static func unsupported(_ node: JSONNode, _ key: String, _ kind: String?, _ known: String)
        -> ModelFilesError
    {
        let finding = kind.map { "is of the kind \(quoted($0))" } ?? "names no kind"
        return ModelFilesError(.unsupportedTokenizer, file: node.file, "`\(key)` \(finding); supported is \(known)")
    }

    /// Tokens by id. An id that the vocabulary leaves out must be an added token's.
    private static func vocabulary(_ node: JSONNode, _ added: [AddedToken]) throws(ModelFilesError) -> [String] {
        let members = try node.members()
        var tokens = [String?](repeating: nil, count: members.count)
        for (token, idNode) in members {
            let id = try idNode.integer(in: 0...largestID)
            if id >= tokens.count { tokens += [String?](repeating: nil, count: id + 1 - tokens.count) }
            guard tokens[id] == nil else {
                throw idNode.mismatch("an id of its own; \(quoted(tokens[id] ?? "")) has the same")
            }
            tokens[id] = token
        }
        for token in added where token.id < tokens.count && tokens[Int(token.id)] == nil {
            tokens[Int(token.id)] = token.content
        }
        if let hole = tokens.firstIndex(of: nil) { throw node.mismatch("without gaps; no token has the id \(hole)") }
        guard !tokens.isEmpty else { throw node.mismatch("an object of at least one token") }
        return tokens.compactMap { $0 }
    }

    /// A `BertNormalizer`, alone or in a sequence; there `Lowercase` may stand before it, as sentence-transformers puts it.
    ///
    /// - Returns: whether it is a sequence.
    private static func readNormalizer(
        _ file: JSONNode,
        _ specification: inout TokenizerSpecification
    ) throws(ModelFilesError) -> Bool {
        guard let node = try file.member("normalizer") else {
            specification.cleanText = false
            specification.handleChineseChars = false
            specification.lowercase = false
            specification.stripAccents = false
            return false
        }
        let isSequence = try node.required("type").string() == "Sequence"
        var steps = isSequence ? try node.required("normalizers").elements() : [node]
        var lowercases = false
        if steps.count == 2 { lowercases = try steps[0].required("type").string() == "Lowercase" }
        if lowercases { steps.removeFirst() }
        guard steps.count == 1 else { throw unsupported(node, "normalizer", "Sequence", "BertNormalizer") }
        let kind = try steps[0].required("type").string()
        guard kind == "BertNormalizer" else { throw unsupported(node, "normalizer", kind, "BertNormalizer") }
        specification.cleanText = try steps[0].member("clean_text")?.bool() ?? true
        specification.handleChineseChars = try steps[0].member("handle_chinese_chars")?.bool() ?? true
        specification.lowercase = try steps[0].member("lowercase")?.bool() ?? true
        specification.stripAccents = try steps[0].member("strip_accents")?.bool()
        if lowercases { specification.lowercaseKeepingAccents() }
        return isSequence
    }

    private static func decoder(_ file: JSONNode) throws(ModelFilesError) -> WordPieceDecoder? {
        guard let node = try file.member("decoder") else { return nil }
        let kind = try node.required("type").string()
        guard kind == "WordPiece" else { throw unsupported(node, "decoder", kind, "WordPiece") }
        return WordPieceDecoder(
            prefix: try node.member("prefix")?.string() ?? "##",
            cleansUp: try node.member("cleanup")?.bool() ?? true
        )
    }

    // MARK: - Templates

    /// - Returns: whether the file has templates.
    private static func readPostProcessor(
        _ file: JSONNode,
        _ specification: inout TokenizerSpecification
    ) throws(ModelFilesError) -> Bool {
        guard let node = try file.member("post_processor") else {
            specification.singleTemplate = [.first(typeID: 0)]
            specification.pairTemplate = [.first(typeID: 0), .second(typeID: 1)]
            return false
        }
        let kind = try node.required("type").string()
        switch kind {
        case "TemplateProcessing":
            let specials = try node.required("special_tokens")
            specification.singleTemplate = try template(try node.required("single"), specials, isPair: false)
            specification.pairTemplate = try template(try node.required("pair"), specials, isPair: true)
        case "BertProcessing":
            let opening = TemplatePiece.special(token: try tokenOfPair(try node.required("cls")), typeID: 0)
            let separator = try tokenOfPair(try node.required("sep"))
            specification.singleTemplate = [opening, .first(typeID: 0), .special(token: separator, typeID: 0)]
            specification.pairTemplate =
                specification.singleTemplate + [.second(typeID: 1), .special(token: separator, typeID: 1)]
        default:
            throw unsupported(node, "post_processor", kind, "TemplateProcessing or BertProcessing")
        }
        return true
    }

    private static func template(
        _ node: JSONNode,
        _ specials: JSONNode,
        isPair: Bool
    ) throws(ModelFilesError) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        for piece in try node.elements() {
            if let sequence = try piece.member("Sequence") {
                let typeID = Int32(try sequence.required("type_id").integer(in: 0...Int(Int32.max)))
                let name = try sequence.required("id")
                switch try name.string() {
                case "A": pieces.append(.first(typeID: typeID))
                case "B" where isPair: pieces.append(.second(typeID: typeID))
                default: throw name.mismatch(isPair ? "\"A\" or \"B\"" : "\"A\"")
                }
            } else {
                let special = try piece.required("SpecialToken")
                let typeID = Int32(try special.required("type_id").integer(in: 0...Int(Int32.max)))
                let name = try special.required("id").string()
                for token in try specials.required(name).required("tokens").elements() {
                    pieces.append(.special(token: try token.string(), typeID: typeID))
                }
            }
        }
        return pieces
    }

    /// The token of a pair such as ["[CLS]", 101].
    private static func tokenOfPair(_ node: JSONNode) throws(ModelFilesError) -> String {
        let elements = try node.elements()
        guard elements.count == 2 else { throw node.mismatch("an array of a token and its id") }
        return try elements[0].string()
    }
}

extension TokenizerSpecification {
    /// Puts texts in lower case before anything else happens to them: accents stay where they would have stayed.
    package mutating func lowercaseKeepingAccents() {
        guard !lowercase else { return }
        stripAccents = stripAccents ?? false
        lowercase = true
    }
}
