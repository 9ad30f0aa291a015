extension Tokenizer {
    /// The tokens of one text, without the template.
    ///
    /// - Parameters:
    ///   - alignment: whether offsets and word ids are wanted.
    ///   - limit: tokens beyond this many may be missing.
    func tokens(of text: UnsafeBufferPointer<UInt8>, alignment: Bool, limit: Int) -> TokenSink {
        var sink = TokenSink(wantsAlignment: alignment, limit: limit, capacity: min(limit, text.count / 4 + 8))
        guard let bytes = text.baseAddress, text.count > 0 else { return sink }
        actions.withTable { table in
            wordPiece.trie.withWalker { walker in
                let scanner = WordScanner(table: table, walker: walker, wordPiece: wordPiece)
                if let segments = rawTokens.segments(bytes, text.indices) {
                    scan(segments, bytes, scanner, &sink)
                } else {
                    scan(bytes, text.indices, firstScalar: 0, scanner, &sink)
                }
            }
        }
        return sink
    }

    /// Text with added tokens in it.
    private func scan(
        _ segments: [AddedTokenMatcher.Segment],
        _ text: UnsafePointer<UInt8>,
        _ scanner: WordScanner,
        _ sink: inout TokenSink
    ) {
        var position = 0
        var scalar: Int32 = 0
        // A token that begins with white space may begin before the end of one that strips white space.
        func index(of byte: Int) -> Int32 {
            let range = min(position, byte)..<max(position, byte)
            let count = Int32(truncatingIfNeeded: UTF8Decoding.count(text, range))
            scalar = byte < position ? scalar &- count : scalar &+ count
            position = byte
            return scalar
        }
        for segment in segments where !sink.isFull {
            let start = sink.wantsAlignment ? index(of: segment.range.lowerBound) : 0
            if let id = segment.id {
                guard !segment.range.isEmpty else { continue }
                sink.append(id, start, sink.wantsAlignment ? index(of: segment.range.upperBound) : 0)
                sink.endWord()
            } else {
                scan(text, segment.range, firstScalar: start, scanner, &sink)
            }
        }
    }

    /// Text between added tokens.
    private func scan(
        _ text: UnsafePointer<UInt8>,
        _ range: Range<Int>,
        firstScalar: Int32,
        _ scanner: WordScanner,
        _ sink: inout TokenSink
    ) {
        let mark = sink.mark
        if normalizedTokens == nil, scanner.scan(text, range, firstScalar: firstScalar, &sink) { return }
        sink.rewind(to: mark)
        let normalized = normalizer.normalize(text, range, firstScalar: firstScalar)
        let segments = normalized.bytes.withUnsafeBufferPointer { bytes in
            bytes.baseAddress.flatMap { normalizedTokens?.segments($0, bytes.indices) }
        }
        guard let segments else { return scanner.scan(normalized, normalized.bytes.indices, &sink) }
        for segment in segments where !sink.isFull {
            guard let id = segment.id else {
                scanner.scan(normalized, segment.range, &sink)
                continue
            }
            guard let first = segment.range.first, let last = segment.range.last else { continue }
            sink.append(id, normalized.sources[first], normalized.sources[last] &+ 1)
            sink.endWord()
        }
    }
}
