internal import Glibc

/// Finds added tokens in a text: the leftmost first, and of those that begin there the longest.
struct AddedTokenMatcher: Sendable {
    /// A stretch of text: an added token, or the text between two.
    struct Segment {
        /// The token's id, or nil for text that is still to be split.
        var id: Int32?
        var range: Range<Int>
    }

    private let tokens: [AddedToken]
    private let trie: ByteTrie
    /// Whether a pattern begins with a byte.
    private let begins: [Bool]
    /// The byte that all patterns begin with, if there is only one: searched for with `memchr`.
    private let onlyFirstByte: Int32?

    /// A matcher of `tokens` by `patterns`, one each and none empty; of equal patterns the first counts.
    init(_ tokens: [AddedToken], patterns: [String]) throws(TokenizationError) {
        self.tokens = tokens
        trie = try ByteTrie(TokenList(patterns), keepFirst: true)
        var begins = [Bool](repeating: false, count: 256)
        for byte in patterns.compactMap(\.utf8.first) { begins[Int(byte)] = true }
        self.begins = begins
        let only = begins.indices.filter { begins[$0] }
        onlyFirstByte = only.count == 1 ? Int32(only[0]) : nil
    }

    /// Cuts `text[range]` into segments, or returns nil when no token occurs in it.
    func segments(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> [Segment]? {
        guard !tokens.isEmpty else { return nil }
        return trie.withWalker { walker in
            var result: [Segment] = []
            var done = range.lowerBound
            var position = range.lowerBound
            while let match = firstMatch(text, position..<range.upperBound, walker) {
                position = match.range.upperBound
                guard let taken = extent(of: match, text, range, done: done) else { continue }
                if done < taken.lowerBound { result.append(Segment(id: nil, range: done..<taken.lowerBound)) }
                result.append(Segment(id: tokens[match.token].id, range: taken))
                done = taken.upperBound
            }
            guard !result.isEmpty else { return nil }
            if done < range.upperBound { result.append(Segment(id: nil, range: done..<range.upperBound)) }
            return result
        }
    }

    private struct Match {
        var token: Int
        var range: Range<Int>
    }

    private func firstMatch(_ text: UnsafePointer<UInt8>, _ range: Range<Int>, _ walker: ByteTrie.Walker) -> Match? {
        var start = range.lowerBound
        while let candidate = nextBeginning(text, start..<range.upperBound) {
            var node = ByteTrie.Walker.root
            var end = candidate
            var match: Match?
            while end < range.upperBound {
                node = walker.child(of: node, text[end])
                if node == ByteTrie.Walker.dead { break }
                end += 1
                let token = Int(walker.id(at: node))
                if token >= 0 { match = Match(token: token, range: candidate..<end) }
            }
            if let match { return match }
            start = candidate + 1
        }
        return nil
    }

    /// The next byte that some pattern begins with.
    private func nextBeginning(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> Int? {
        if let onlyFirstByte {
            guard !range.isEmpty, let found = memchr(text + range.lowerBound, onlyFirstByte, range.count) else {
                return nil
            }
            return UnsafeRawPointer(found) - UnsafeRawPointer(text)
        }
        return range.first { begins[Int(text[$0])] }
    }

    /// What a match takes of the text, with the white space it strips; nil where the token must be a single word and is
    /// not. The previous segment ended at `done`, which may lie beyond the match if that one stripped to its right.
    private func extent(
        of match: Match,
        _ text: UnsafePointer<UInt8>,
        _ range: Range<Int>,
        done: Int
    ) -> Range<Int>? {
        let token = tokens[match.token]
        var start = match.range.lowerBound
        var end = match.range.upperBound
        if token.singleWord {
            if start > range.lowerBound, flags(text, before: start, range).contains(.word) { return nil }
            if end < range.upperBound, flags(text, at: end, range).flags.contains(.word) { return nil }
        }
        if token.lstrip {
            while start > done, flags(text, before: start, range).contains(.space) {
                start -= UTF8Decoding.scalar(text, before: start, start: range.lowerBound).length
            }
            start = min(max(start, done), end)
        }
        if token.rstrip {
            while end < range.upperBound {
                let next = flags(text, at: end, range)
                guard next.flags.contains(.space) else { break }
                end += next.length
            }
        }
        return start..<end
    }

    private func flags(_ text: UnsafePointer<UInt8>, before position: Int, _ range: Range<Int>) -> UnicodeTables.Flags {
        UnicodeTables.shared.flags(of: UTF8Decoding.scalar(text, before: position, start: range.lowerBound).scalar)
    }

    private func flags(
        _ text: UnsafePointer<UInt8>,
        at position: Int,
        _ range: Range<Int>
    ) -> (flags: UnicodeTables.Flags, length: Int) {
        let (scalar, length) = UTF8Decoding.scalar(text, at: position, end: range.upperBound)
        return (UnicodeTables.shared.flags(of: scalar), length)
    }
}
