/// Turns text into tokens in one pass: each scalar is normalized, joined to the word it belongs to and walked through
/// the vocabulary, without a copy of the text. A word in ASCII that is in the vocabulary costs one load or two per byte.
struct WordScanner {
    let table: ScalarActions.Table
    let walker: ByteTrie.Walker
    let wordPiece: WordPiece

    /// Appends the tokens of `text[range]`, whose first scalar has the index `firstScalar`, until the sink is full.
    ///
    /// - Returns: false when the text holds marks that canonical ordering may move. What was appended is then useless:
    ///   rewind the sink and use `BertNormalizer`.
    func scan(
        _ text: UnsafePointer<UInt8>,
        _ range: Range<Int>,
        firstScalar: Int32,
        _ sink: inout TokenSink
    ) -> Bool {
        var word = WordBuilder(maximumScalars: wordPiece.maximumScalars)
        let end = range.upperBound
        var position = range.lowerBound
        var source = firstScalar
        while position < end, !sink.isFull {
            let action: ScalarActions.Action
            var length = 1
            if text[position] < 0x80 {
                action = table.action(ofByte: text[position])
                if word.isEmpty, action.isLetter {
                    let consumed = scanASCII(text, position, end, source, &word, &sink)
                    position += consumed
                    source &+= Int32(truncatingIfNeeded: consumed)
                    continue
                }
            } else {
                let decoded = UTF8Decoding.scalar(text, at: position, end: end)
                length = decoded.length
                action = table.action(of: decoded.scalar)
                switch action.kind {
                case .expand: table.expand(decoded.scalar) { take($0, source, &word, &sink) }
                case .reorder: return false
                default: break
                }
            }
            take(action, source, &word, &sink)
            position += length
            source &+= 1
        }
        endWord(&word, &sink)
        return true
    }

    /// Takes the ASCII letters from `position` on, at least one. When they are the whole of a word, appends its tokens;
    /// else leaves them in `word`.
    ///
    /// - Returns: how many letters there were.
    @inline(__always)
    private func scanASCII(
        _ text: UnsafePointer<UInt8>,
        _ position: Int,
        _ end: Int,
        _ source: Int32,
        _ word: inout WordBuilder,
        _ sink: inout TokenSink
    ) -> Int {
        var node = ByteTrie.Walker.root
        var next = position
        var action = table.action(ofByte: text[next])
        repeat {
            node = walker.child(of: node, UInt8(truncatingIfNeeded: action.rawValue))
            next += 1
            guard next < end, text[next] < 0x80 else { break }
            action = table.action(ofByte: text[next])
        } while action.isLetter
        let isWhole = next == end || text[next] < 0x80 && action.kind != .drop
        let id = walker.id(at: node)
        if isWhole, id >= 0, next - position <= wordPiece.maximumScalars {
            sink.append(id, source, source &+ Int32(truncatingIfNeeded: next - position))
            sink.endWord()
            return next - position
        }
        for index in position..<next {
            let offset = Int32(truncatingIfNeeded: index - position)
            word.append(table.action(ofByte: text[index]).scalar, source: source &+ offset)
        }
        if isWhole { endWord(&word, &sink) }
        return next - position
    }

    @inline(__always)
    private func take(
        _ action: ScalarActions.Action,
        _ source: Int32,
        _ word: inout WordBuilder,
        _ sink: inout TokenSink
    ) {
        switch action.kind {
        case .letter:
            word.append(action.scalar, source: source)
        case .space:
            endWord(&word, &sink)
        case .isolated:
            endWord(&word, &sink)
            word.append(action.scalar, source: source)
            endWord(&word, &sink)
        case .drop, .expand, .reorder:
            break
        }
    }

    /// Appends the tokens of the word in progress.
    private func endWord(_ word: inout WordBuilder, _ sink: inout TokenSink) {
        guard !word.isEmpty else { return }
        word.finish { bytes, scalarCount, sources in
            wordPiece.tokenize(bytes, scalarCount: scalarCount, walker, &sink) { sources[$0] }
        }
    }

    /// Appends the tokens of a range of normalized text, whose words are split at white space and punctuation.
    func scan(_ text: NormalizedText, _ range: Range<Int>, _ sink: inout TokenSink) {
        var word = WordBuilder(maximumScalars: wordPiece.maximumScalars)
        text.bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            var position = range.lowerBound
            while position < range.upperBound, !sink.isFull {
                let (scalar, length) = UTF8Decoding.scalar(start, at: position, end: range.upperBound)
                take(ScalarActions.splitting(scalar), text.sources[position], &word, &sink)
                position += length
            }
        }
        endWord(&word, &sink)
    }
}

/// A word in progress: its normalized bytes and where each came from. Keeps no more of it than a vocabulary can match.
private struct WordBuilder {
    private var bytes: [UInt8] = []
    private var sources: [Int32] = []
    private var scalarCount = 0
    private let maximumScalars: Int

    init(maximumScalars: Int) { self.maximumScalars = maximumScalars }

    var isEmpty: Bool { scalarCount == 0 }

    @inline(__always)
    mutating func append(_ scalar: UInt32, source: Int32) {
        scalarCount += 1
        if scalarCount <= max(maximumScalars, 1) {
            UTF8Decoding.encode(scalar) { byte in
                bytes.append(byte)
                sources.append(source)
            }
        } else {
            sources[sources.count - 1] = source
        }
    }

    /// Lends the word and forgets it.
    @inline(__always)
    mutating func finish(_ body: (UnsafeBufferPointer<UInt8>, Int, UnsafeBufferPointer<Int32>) -> Void) {
        bytes.withUnsafeBufferPointer { bytes in
            sources.withUnsafeBufferPointer { sources in body(bytes, scalarCount, sources) }
        }
        bytes.removeAll(keepingCapacity: true)
        sources.removeAll(keepingCapacity: true)
        scalarCount = 0
    }
}
