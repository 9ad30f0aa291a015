/// The `WordPiece` decoder of Hugging Face `tokenizers`: pieces of a word are joined, words are set apart by a space.
package struct WordPieceDecoder: Sendable, Equatable {
    /// What marks a piece that continues a word.
    package var prefix: String
    /// Whether the space before a token of punctuation is taken out.
    package var cleansUp: Bool

    package init(prefix: String = "##", cleansUp: Bool = true) {
        self.prefix = prefix
        self.cleansUp = cleansUp
    }

    func decode(_ tokens: [String]) -> String {
        var bytes: [UInt8] = []
        let prefix = Array(prefix.utf8)
        for (index, token) in tokens.enumerated() {
            var piece = Array(token.utf8)
            if index > 0 {
                if piece.starts(with: prefix) {
                    piece.removeFirst(prefix.count)
                } else {
                    piece.insert(0x20, at: 0)
                }
            }
            if cleansUp { SpaceCleaning.decoder.apply(to: &piece) }
            bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Replacements that undo the spaces that English tokenization puts in; in order, each over the whole text.
struct SpaceCleaning {
    private let replacements: [(old: [UInt8], new: [UInt8])]

    private init(_ pairs: [(String, String)]) {
        replacements = pairs.map { (Array($0.0.utf8), Array($0.1.utf8)) }
    }

    private static let punctuation = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    ]
    private static let contractions = [(" 's", "'s"), (" 've", "'ve"), (" 're", "'re")]

    /// Those of the `WordPiece` decoder, `tokenizers` 0.22.
    static let decoder = SpaceCleaning(punctuation + [(" do not", " don't")] + contractions)
    /// Those of `clean_up_tokenization`, `transformers` 4.57.
    static let text = SpaceCleaning(punctuation + contractions)

    func apply(to bytes: inout [UInt8]) {
        for (old, new) in replacements {
            guard bytes.contains(0x20), bytes.count >= old.count else { continue }
            var result: [UInt8] = []
            var index = 0
            while index < bytes.count {
                if bytes[index] == old[0], bytes[index...].starts(with: old) {
                    result += new
                    index += old.count
                } else {
                    result.append(bytes[index])
                    index += 1
                }
            }
            bytes = result
        }
    }
}

extension Tokenizer {
    /// Tokens, by their texts, as one text.
    package func text(ofTokens tokens: [String]) -> String {
        specification.decoder?.decode(tokens) ?? tokens.joined(separator: " ")
    }

    /// The text that ids stand for: what `transformers` calls decode.
    ///
    /// - Parameter skipsSpecialTokens: leave out `[CLS]`, `[SEP]`, `[MASK]` and their like.
    package func decode(_ ids: some Sequence<Int32>, skipsSpecialTokens: Bool = false) -> String {
        let kept = ids.filter { !skipsSpecialTokens || !isSpecial($0) }
        let text = text(ofTokens: kept.compactMap { token(for: $0) })
        guard specification.cleansUpSpaces else { return text }
        var bytes = Array(text.utf8)
        SpaceCleaning.text.apply(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
