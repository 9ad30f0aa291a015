/// Greedy longest-match-first splitting of a word into pieces of the vocabulary.
struct WordPiece: Sendable {
    let trie: ByteTrie
    let unknownID: Int32
    /// The trie's node after the continuation prefix.
    let continuation: UInt64
    /// Words of more scalars become the unknown token.
    let maximumScalars: Int

    init(trie: ByteTrie, unknownID: Int32, prefix: String, maximumScalars: Int) {
        self.trie = trie
        self.unknownID = unknownID
        self.maximumScalars = maximumScalars
        continuation = trie.withWalker { walker in
            prefix.utf8.reduce(ByteTrie.Walker.root) { node, byte in walker.child(of: node, byte) }
        }
    }

    /// Appends the pieces of a word of at least one byte, and ends the word.
    ///
    /// - Parameters:
    ///   - bytes: the word, normalized.
    ///   - scalarCount: the number of scalars in it.
    ///   - source: the scalar of the original text that the byte at an index comes from.
    @inline(__always)
    func tokenize(
        _ bytes: UnsafeBufferPointer<UInt8>,
        scalarCount: Int,
        _ walker: ByteTrie.Walker,
        _ sink: inout TokenSink,
        source: (Int) -> Int32
    ) {
        let mark = sink.mark
        let last = bytes.count - 1
        var start = 0
        var known = scalarCount <= maximumScalars
        while known, start < bytes.count {
            var node = start == 0 ? ByteTrie.Walker.root : continuation
            var end = start
            var longest = start
            var id: Int32 = -1
            while end < bytes.count {
                node = walker.child(of: node, bytes[end])
                if node == ByteTrie.Walker.dead { break }
                end += 1
                let candidate = walker.id(at: node)
                if candidate >= 0 {
                    id = candidate
                    longest = end
                }
            }
            known = id >= 0
            if known {
                sink.append(id, source(start), source(longest - 1) &+ 1)
                start = longest
            }
        }
        if !known {
            sink.rewind(to: mark)
            sink.append(unknownID, source(0), source(last) &+ 1)
        }
        sink.endWord()
    }
}
