/// A BERT WordPiece tokenizer that gives the ids, offsets and word ids of the fast BERT tokenizer of Hugging Face
/// `tokenizers` 0.22.
///
/// A tokenizer is immutable: any number of threads may use one at the same time. Building one takes some milliseconds.
package struct Tokenizer: Sendable {
    package let specification: TokenizerSpecification
    /// The id of the unknown token.
    package let unknownID: Int32
    /// The id of `[CLS]`.
    package let classID: Int32
    /// The id of `[SEP]`.
    package let separatorID: Int32
    /// The id of `[PAD]`, where the model has one.
    package let padID: Int32?
    /// The id of `[MASK]`, where the model has one.
    package let maskID: Int32?

    let normalizer: BertNormalizer
    let actions: ScalarActions
    let wordPiece: WordPiece
    /// Added tokens that are matched in the original text.
    let rawTokens: AddedTokenMatcher
    /// Added tokens that are matched in normalized text; nil where there are none, as usual.
    let normalizedTokens: AddedTokenMatcher?
    let singleTemplate: Template
    let pairTemplate: Template
    private let addedTokens: TokenIndex

    /// Builds the tables of a tokenizer.
    ///
    /// - Parameter vocabulary: the trie of the specification's vocabulary, where there is one already.
    /// - Throws: when the specification names tokens that it does not define, or contradicts itself.
    package init(_ specification: TokenizerSpecification, vocabulary: ByteTrie? = nil) throws(TokenizationError) {
        let trie = if let vocabulary { vocabulary } else { try ByteTrie(specification.vocabulary) }
        let added = try TokenIndex(specification.addedTokens, vocabulary: specification.vocabulary, trie)
        let resolve = { (role: String, token: String) throws(TokenizationError) -> Int32 in
            if let id = added.id(of: token) ?? trie.id(of: token.utf8) { return id }
            throw TokenizationError(
                .missingToken,
                "the \(role) token \"\(token)\" is neither in the vocabulary nor among the added tokens"
            )
        }
        guard let unknownID = trie.id(of: specification.unknownToken.utf8) else {
            throw TokenizationError(
                .missingToken,
                "the unknown token \"\(specification.unknownToken)\" is not in the vocabulary"
            )
        }
        guard specification.maxInputCharsPerWord >= 0 else {
            throw TokenizationError(
                .invalidSpecification,
                "max_input_chars_per_word is \(specification.maxInputCharsPerWord): it must not be negative"
            )
        }
        self.specification = specification
        self.unknownID = unknownID
        classID = try resolve("class", specification.classToken)
        separatorID = try resolve("separator", specification.separatorToken)
        padID = specification.padToken.flatMap { added.id(of: $0) ?? trie.id(of: $0.utf8) }
        maskID = specification.maskToken.flatMap { added.id(of: $0) ?? trie.id(of: $0.utf8) }
        singleTemplate = try Template(specification.singleTemplate, isPair: false, resolve)
        pairTemplate = try Template(specification.pairTemplate, isPair: true, resolve)
        addedTokens = added

        let normalizer = BertNormalizer(
            cleanText: specification.cleanText,
            handleChineseChars: specification.handleChineseChars,
            stripAccents: specification.stripAccents ?? specification.lowercase,
            lowercase: specification.lowercase
        )
        self.normalizer = normalizer
        actions = ScalarActions(normalizer)
        wordPiece = WordPiece(
            trie: trie,
            unknownID: unknownID,
            prefix: specification.continuingSubwordPrefix,
            maximumScalars: specification.maxInputCharsPerWord
        )
        // The reference tries special tokens before others, which decides between equal patterns.
        let ordered =
            specification.addedTokens.filter { $0.special } + specification.addedTokens.filter { !$0.special }
        let raw = ordered.filter { !$0.normalized }
        rawTokens = try AddedTokenMatcher(raw, patterns: raw.map(\.content))
        let normalized = ordered.filter(\.normalized)
        normalizedTokens =
            normalized.isEmpty
            ? nil : try AddedTokenMatcher(normalized, patterns: Self.patterns(of: normalized, normalizer))
    }

    /// The trie of the vocabulary, for keeping.
    package var vocabulary: ByteTrie { wordPiece.trie }

    /// The token with an id, or nil when there is none.
    package func token(for id: Int32) -> String? {
        if let token = addedTokens.token(for: id) { return token }
        let tokens = specification.vocabulary
        return tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
    }

    /// Whether decoding may leave out the token with this id, as it does `[CLS]` and its like.
    package func isSpecial(_ id: Int32) -> Bool { addedTokens.isSpecial(id) }

    /// The id of exactly this token, or nil when there is none.
    package func id(of token: String) -> Int32? {
        addedTokens.id(of: token) ?? wordPiece.trie.id(of: token.utf8)
    }

    /// One more than the largest id that `encode` gives: the model's embedding table needs as many rows.
    package var idLimit: Int { max(specification.vocabulary.count, addedTokens.idLimit) }

    private static func patterns(
        of tokens: [AddedToken],
        _ normalizer: BertNormalizer
    ) throws(TokenizationError) -> [String] {
        var result: [String] = []
        for token in tokens {
            let content = Array(token.content.utf8)
            let normalized = content.withUnsafeBufferPointer { bytes in
                bytes.baseAddress.map { normalizer.normalize($0, bytes.indices, firstScalar: 0).bytes } ?? []
            }
            guard !normalized.isEmpty else {
                throw TokenizationError(
                    .invalidSpecification,
                    "normalizing leaves nothing of the added token \"\(token.content)\""
                )
            }
            result.append(String(decoding: normalized, as: UTF8.self))
        }
        return result
    }
}

/// Added tokens by content and by id.
struct TokenIndex: Sendable {
    private let tokens: [AddedToken]
    private let byContent: ByteTrie
    private let byID: [Int32: Int]

    /// - Throws: when contents or ids are empty, repeated, or at odds with the vocabulary.
    init(_ tokens: [AddedToken], vocabulary: TokenList, _ trie: ByteTrie) throws(TokenizationError) {
        var byID: [Int32: Int] = [:]
        for (index, token) in tokens.enumerated() {
            guard !token.content.isEmpty else {
                throw TokenizationError(.invalidSpecification, "the added token with id \(token.id) is empty")
            }
            if let id = trie.id(of: token.content.utf8) {
                guard id == token.id else {
                    throw TokenizationError(
                        .invalidSpecification,
                        "the added token \"\(token.content)\" has id \(token.id), but \(id) in the vocabulary"
                    )
                }
            } else if token.id < vocabulary.count {
                throw TokenizationError(
                    .invalidSpecification,
                    "the added token \"\(token.content)\" has id \(token.id), which is not beyond the vocabulary of "
                        + "\(vocabulary.count) tokens"
                )
            }
            guard byID.updateValue(index, forKey: token.id) == nil else {
                throw TokenizationError(.invalidSpecification, "two added tokens have the id \(token.id)")
            }
        }
        self.tokens = tokens
        self.byID = byID
        byContent = try ByteTrie(TokenList(tokens.lazy.map(\.content)))
    }

    var idLimit: Int { tokens.reduce(0) { max($0, Int($1.id) + 1) } }

    func token(for id: Int32) -> String? { byID[id].map { tokens[$0].content } }

    func isSpecial(_ id: Int32) -> Bool { byID[id].map { tokens[$0].special } ?? false }

    func id(of content: String) -> Int32? { byContent.id(of: content.utf8).map { tokens[Int($0)].id } }
}
