/// Everything that defines a BERT WordPiece tokenizer, as plain data read from a checkpoint folder.
///
/// Tokens are compared by their UTF-8 bytes. Never key a dictionary by them: `String` equality is canonical
/// equivalence, under which two different entries of a multilingual vocabulary may be equal.
package struct TokenizerSpecification: Sendable, Equatable {
    /// The model's vocabulary; the index is the token id. When a token occurs twice, the last id is used for encoding,
    /// as the reference does.
    package var vocabulary: TokenList
    /// Tokens matched before words are split. Those that are not in `vocabulary` have ids beyond it.
    package var addedTokens: [AddedToken]

    /// What a word becomes that cannot be built from pieces, `[UNK]`.
    package var unknownToken: String
    /// `[CLS]`.
    package var classToken: String
    /// `[SEP]`.
    package var separatorToken: String
    /// `[PAD]`, where the model has one.
    package var padToken: String?
    /// `[MASK]`, where the model has one.
    package var maskToken: String?

    /// What marks a piece that continues a word, `##`.
    package var continuingSubwordPrefix: String
    /// A word of more Unicode scalars than this becomes the unknown token.
    package var maxInputCharsPerWord: Int

    /// Remove control characters, and turn white space into U+0020.
    package var cleanText: Bool
    /// Make every CJK ideograph a word of its own.
    package var handleChineseChars: Bool
    /// Turn letters into lower case.
    package var lowercase: Bool
    /// Drop nonspacing marks after canonical decomposition; `nil` follows `lowercase`.
    package var stripAccents: Bool?

    /// What one text becomes.
    package var singleTemplate: [TemplatePiece]
    /// What a pair of texts becomes.
    package var pairTemplate: [TemplatePiece]
    /// The longest input that the checkpoint declares, in tokens. Informational: `encode` is told its limit.
    package var modelMaxLength: Int?

    /// How tokens become text again; nil joins them with spaces.
    package var decoder: WordPieceDecoder? = WordPieceDecoder()
    /// Whether decoding also takes spaces out before punctuation and contractions, across tokens
    /// (`clean_up_tokenization_spaces`).
    package var cleansUpSpaces = false

    /// A specification with the defaults of bert-base-uncased; the templates are `[CLS] A [SEP]` and
    /// `[CLS] A [SEP] B [SEP]`, with type 1 from B on.
    package init(
        vocabulary: TokenList,
        addedTokens: [AddedToken] = [],
        unknownToken: String = "[UNK]",
        classToken: String = "[CLS]",
        separatorToken: String = "[SEP]",
        padToken: String? = "[PAD]",
        maskToken: String? = "[MASK]",
        continuingSubwordPrefix: String = "##",
        maxInputCharsPerWord: Int = 100,
        cleanText: Bool = true,
        handleChineseChars: Bool = true,
        lowercase: Bool = true,
        stripAccents: Bool? = nil,
        singleTemplate: [TemplatePiece]? = nil,
        pairTemplate: [TemplatePiece]? = nil,
        modelMaxLength: Int? = nil
    ) {
        self.vocabulary = vocabulary
        self.addedTokens = addedTokens
        self.unknownToken = unknownToken
        self.classToken = classToken
        self.separatorToken = separatorToken
        self.padToken = padToken
        self.maskToken = maskToken
        self.continuingSubwordPrefix = continuingSubwordPrefix
        self.maxInputCharsPerWord = maxInputCharsPerWord
        self.cleanText = cleanText
        self.handleChineseChars = handleChineseChars
        self.lowercase = lowercase
        self.stripAccents = stripAccents
        let opening = TemplatePiece.special(token: classToken, typeID: 0)
        let single = [opening, .first(typeID: 0), .special(token: separatorToken, typeID: 0)]
        self.singleTemplate = singleTemplate ?? single
        self.pairTemplate =
            pairTemplate ?? single + [.second(typeID: 1), .special(token: separatorToken, typeID: 1)]
        self.modelMaxLength = modelMaxLength
    }
}

/// A token that is matched as it stands, before the text is split into words.
package struct AddedToken: Sendable, Equatable {
    /// The text to match, never empty.
    package var content: String
    /// The id: the index of `content` in the vocabulary when it is there, else an index beyond the vocabulary.
    package var id: Int32
    /// Match only where neither neighbour is a word character.
    package var singleWord: Bool
    /// The match takes the white space before it.
    package var lstrip: Bool
    /// The match takes the white space after it.
    package var rstrip: Bool
    /// Match in the normalized text, and normalize `content` too.
    package var normalized: Bool
    /// A token such as `[CLS]`, which decoding leaves out.
    package var special: Bool

    package init(
        content: String,
        id: Int32,
        singleWord: Bool = false,
        lstrip: Bool = false,
        rstrip: Bool = false,
        normalized: Bool = false,
        special: Bool = true
    ) {
        self.content = content
        self.id = id
        self.singleWord = singleWord
        self.lstrip = lstrip
        self.rstrip = rstrip
        self.normalized = normalized
        self.special = special
    }
}

/// One piece of the template that surrounds texts with special tokens.
package enum TemplatePiece: Sendable, Equatable {
    /// A special token, by its text.
    case special(token: String, typeID: Int32)
    /// The tokens of the first text.
    case first(typeID: Int32)
    /// The tokens of the second text, in a pair template only.
    case second(typeID: Int32)

    /// The type of the tokens.
    package var typeID: Int32 {
        switch self {
        case .special(_, let typeID), .first(let typeID), .second(let typeID): typeID
        }
    }
}
