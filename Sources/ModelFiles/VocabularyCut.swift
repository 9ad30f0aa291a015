package import Tokenization

/// The tokens that a smaller vocabulary keeps, so that a small model spends no rows on words that its texts do not have.
///
/// Kept are, whatever the size: the special and added tokens but for `[unused…]`; each character by itself, at a word's
/// start and inside, that occurs or is ASCII; and what else is needed so that no word of the texts becomes unknown that was
/// not. Then the most frequent others, as many as fit.
package struct VocabularyCut: Sendable {
    /// The ids of what is kept, ascending: the place of each is its new id. They are the rows of the word table.
    package let kept: [Int]

    private let newIDs: [Int: Int]

    /// - Parameters:
    ///   - words: how often each word of the texts occurs, as the ids of its pieces (`words(in:)`).
    ///   - size: the number of tokens; more are kept where those that must be are more.
    package init(_ tokenizer: TokenizerSpecification, words: [[Int32]: Int], size: Int) {
        let pieces = tokenizer.vocabulary
        let prefix = tokenizer.continuingSubwordPrefix
        var chosen = Set(Self.specials(tokenizer))
        let others = Set(tokenizer.addedTokens.map { Int($0.id) })
        var counts = [Int](repeating: 0, count: pieces.count)
        for (word, count) in words {
            for id in word where pieces.indices.contains(Int(id)) { counts[Int(id)] += count }
        }
        // A token that the vocabulary has twice is the last.
        var ids: [[UInt8]: Int] = [:]
        for id in pieces.indices { ids[Array(pieces[id].utf8)] = id }
        var characters = Set((33..<127).map { Unicode.Scalar(UInt8($0)) })
        for id in pieces.indices where counts[id] > 0 {
            characters.formUnion(Self.scalars(pieces[id], prefix))
        }
        for character in characters {
            for text in [String(character), prefix + String(character)] {
                if let id = ids[Array(text.utf8)] { chosen.insert(id) }
            }
        }

        // What becomes of a word under the smaller vocabulary depends on all of it, so that it is tried: a word that cannot be
        // made of what was chosen keeps its own pieces, which it then is made of.
        let unknown = Int32(pieces.lastIndex(ofExactly: tokenizer.unknownToken) ?? -1)
        let known = words.keys.filter { word in
            !word.contains(unknown) && word.allSatisfy { pieces.indices.contains(Int($0)) && !others.contains(Int($0)) }
        }
        func secure() {
            while true {
                let lost = known.filter { !Self.canBeMade($0, of: chosen, pieces, prefix, ids) }
                if lost.isEmpty { return }
                for word in lost { chosen.formUnion(word.map(Int.init)) }
            }
        }
        secure()
        let candidates = pieces.indices.filter { counts[$0] > 0 && !chosen.contains($0) }
            .sorted { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }
        chosen.formUnion(candidates.prefix(max(0, size - chosen.count)))
        secure()
        kept = chosen.sorted()
        newIDs = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    }

    /// The new id of a token; nil where it is not kept.
    package func newID(_ old: Int) -> Int? { newIDs[old] }

    /// The words of a text, each the ids of its pieces, from the ids that the tokenizer makes of it: a word goes on with each
    /// piece that begins with the prefix. Special tokens are none.
    package static func words(in ids: [Int32], _ tokenizer: Tokenizer) -> [[Int32]] {
        let prefix = tokenizer.specification.continuingSubwordPrefix
        var words: [[Int32]] = []
        for id in ids where !tokenizer.isSpecial(id) {
            if tokenizer.token(for: id)?.utf8.starts(with: prefix.utf8) == true, !words.isEmpty {
                words[words.count - 1].append(id)
            } else {
                words.append([id])
            }
        }
        return words
    }

    private static func specials(_ tokenizer: TokenizerSpecification) -> [Int] {
        let names = [
            tokenizer.unknownToken, tokenizer.classToken, tokenizer.separatorToken, tokenizer.padToken,
            tokenizer.maskToken,
        ]
        let named = names.compactMap { $0.flatMap(tokenizer.vocabulary.lastIndex(ofExactly:)) }
        return named + tokenizer.addedTokens.filter { !$0.content.hasPrefix("[unused") }.map { Int($0.id) }
    }

    /// A piece without its prefix.
    private static func scalars(_ piece: String, _ prefix: String) -> [Unicode.Scalar] {
        let isInside = piece.utf8.starts(with: prefix.utf8) && piece.utf8.count > prefix.utf8.count
        return Array(piece.unicodeScalars.dropFirst(isInside ? prefix.unicodeScalars.count : 0))
    }

    /// Whether the longest pieces that fit, one after the other, make the whole word.
    private static func canBeMade(
        _ word: [Int32],
        of chosen: Set<Int>,
        _ pieces: TokenList,
        _ prefix: String,
        _ ids: [[UInt8]: Int]
    ) -> Bool {
        if word.allSatisfy({ chosen.contains(Int($0)) }) { return true }
        let scalars = word.flatMap { Self.scalars(pieces[Int($0)], prefix) }
        var start = 0
        while start < scalars.count {
            var piece = Array((start == 0 ? "" : prefix).utf8)
            var end = start
            for place in start..<scalars.count {
                piece += Array(String(scalars[place]).utf8)
                if let id = ids[piece], chosen.contains(id) { end = place + 1 }
            }
            guard end > start else { return false }
            start = end
        }
        return true
    }
}
