import Tokenization

extension Parser {
    /// Texts of requests, in each mode of a tokenizer: the first byte chooses the mode, the second the length limit.
    static let text = Parser(name: "text") {
        ["Hello, wörld! [MASK] <ent>日本 e\u{301}\u{0}\u{200D}", "aaaa bb, don't"].map { [3, 12] + Array($0.utf8) }
    } run: { bytes in
        guard bytes.count >= 2 else { return false }
        let tokenizer = tokenizers[Int(bytes[0] & 1)]
        let body = bytes.dropFirst(2)
        let middle = bytes[0] & 2 == 0 ? nil : body.startIndex + body.count / 2
        let text = Array(body[..<(middle ?? body.endIndex)])
        let pair = middle.map { Array(body[$0...]) }
        let strategy = TruncationStrategy.allCases[Int(bytes[0] >> 2) % TruncationStrategy.allCases.count]
        let limit = bytes[1] == 0 ? nil : Int(bytes[1])
        return text.withUnsafeBufferPointer { text in
            guard let pair else { return check(tokenizer, text, nil, limit, strategy) }
            return pair.withUnsafeBufferPointer { check(tokenizer, text, $0, limit, strategy) }
        }
    }

    /// Both ways to encode agree, ids are tokens, and offsets are in order within the text.
    private static func check(
        _ tokenizer: Tokenizer,
        _ text: UnsafeBufferPointer<UInt8>,
        _ pair: UnsafeBufferPointer<UInt8>?,
        _ limit: Int?,
        _ strategy: TruncationStrategy
    ) -> Bool {
        var (ids, typeIDs): ([Int32], [Int32]) = ([], [])
        let encoding = try? tokenizer.encode(text, pair: pair, maxLength: limit, strategy: strategy)
        let short = try? tokenizer.encodeIDs(
            text,
            pair: pair,
            maxLength: limit,
            strategy: strategy,
            into: &ids,
            typeIDs: &typeIDs
        )
        guard let encoding else {
            precondition(short == nil, "only one way to encode fails")
            return false
        }
        precondition(encoding.ids == ids && encoding.typeIDs == typeIDs && encoding.truncated == short)
        if let limit, strategy != .none { precondition(encoding.count <= limit) }
        let scalars = max(text.count, pair?.count ?? 0)
        for (index, range) in encoding.offsets.enumerated() {
            precondition(tokenizer.token(for: encoding.ids[index]) != nil)
            precondition(0 <= range.start && range.start <= range.end && range.end <= scalars)
        }
        return true
    }

    private static let tokenizers: [Tokenizer] = [true, false].map { lowercase in
        let words = [
            "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "b", "##b", "hello", "w", "##o", "##r", "don",
            "'", "t",
            "é", "e", "日", "本", ",",
        ]
        var specification = TokenizerSpecification(vocabulary: TokenList(words), lowercase: lowercase)
        specification.addedTokens = [
            AddedToken(content: "[MASK]", id: 4),
            AddedToken(content: "<ent>", id: 21, normalized: true, special: false),
        ]
        guard let tokenizer = try? Tokenizer(specification) else { fatalError("the tokenizer of the fuzzer") }
        return tokenizer
    }
}
