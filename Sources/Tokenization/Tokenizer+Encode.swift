extension Tokenizer {
    /// Turns a text, or a pair of texts, into one sequence of tokens.
    ///
    /// - Parameters:
    ///   - text: UTF-8. Ill-formed bytes count as U+FFFD.
    ///   - pair: the second text.
    ///   - addSpecialTokens: whether to put in the template's special tokens.
    ///   - maxLength: the most tokens of the result, special tokens included; nil for no limit.
    ///   - strategy: what to leave out when there are more.
    /// - Throws: `lengthTooShort` when the limit cannot be kept, `secondTextMissing`.
    package func encode(
        _ text: UnsafeBufferPointer<UInt8>,
        pair: UnsafeBufferPointer<UInt8>? = nil,
        addSpecialTokens: Bool = true,
        maxLength: Int? = nil,
        strategy: TruncationStrategy = .longestFirst
    ) throws(TokenizationError) -> Encoding {
        let room = try room(maxLength, isPair: pair != nil, addSpecialTokens, strategy)
        let first = tokens(of: text, alignment: true, limit: limit(room, strategy, isPair: pair != nil))
        let second = pair.map { tokens(of: $0, alignment: true, limit: .max) }
        let kept = try Truncation(
            first: first.ids.count,
            second: second?.ids.count,
            room: room,
            strategy: strategy
        )
        return assemble(first, 0..<kept.first, second, 0..<kept.second, addSpecialTokens)
    }

    /// Turns a text, or a pair of texts, into one sequence of tokens.
    package func encode(
        _ text: String,
        pair: String? = nil,
        addSpecialTokens: Bool = true,
        maxLength: Int? = nil,
        strategy: TruncationStrategy = .longestFirst
    ) throws(TokenizationError) -> Encoding {
        try withBytes(of: text, pair) { (text, pair) throws(TokenizationError) in
            try encode(text, pair: pair, addSpecialTokens: addSpecialTokens, maxLength: maxLength, strategy: strategy)
        }
    }

    /// Appends the ids and type ids that `encode` would give, and nothing else: the short way for inference.
    ///
    /// - Returns: whether tokens were left out.
    package func encodeIDs(
        _ text: UnsafeBufferPointer<UInt8>,
        pair: UnsafeBufferPointer<UInt8>? = nil,
        addSpecialTokens: Bool = true,
        maxLength: Int? = nil,
        strategy: TruncationStrategy = .longestFirst,
        into ids: inout [Int32],
        typeIDs: inout [Int32]
    ) throws(TokenizationError) -> Bool {
        let room = try room(maxLength, isPair: pair != nil, addSpecialTokens, strategy)
        let first = tokens(of: text, alignment: false, limit: limit(room, strategy, isPair: pair != nil))
        let second = pair.map { tokens(of: $0, alignment: false, limit: .max) }
        let kept = try Truncation(
            first: first.ids.count,
            second: second?.ids.count,
            room: room,
            strategy: strategy
        )
        for piece in (second == nil ? singleTemplate : pairTemplate).pieces {
            switch piece {
            case .special(let id, let typeID):
                guard addSpecialTokens else { continue }
                ids.append(id)
                typeIDs.append(typeID)
            case .first(let typeID):
                ids += first.ids.prefix(kept.first)
                typeIDs += repeatElement(typeID, count: kept.first)
            case .second(let typeID):
                ids += second?.ids.prefix(kept.second) ?? []
                typeIDs += repeatElement(typeID, count: kept.second)
            }
        }
        return kept.first < first.ids.count || kept.second < second?.ids.count ?? 0
    }

    /// Turns a text, or a pair of texts, into windows of at most `maxLength` tokens that overlap by `stride` tokens of
    /// the text that is too long. Each window repeats the text that is not truncated, and the special tokens.
    /// A limit that leaves no room for a text gives windows beyond it, as in the reference.
    ///
    /// - Returns: how many windows there are, and what makes them: many more tokens than the text has, at a large stride.
    /// - Throws: as `encode`, and `strideTooLong`.
    package func windows(
        _ text: UnsafeBufferPointer<UInt8>,
        pair: UnsafeBufferPointer<UInt8>? = nil,
        addSpecialTokens: Bool = true,
        maxLength: Int,
        stride: Int,
        strategy: TruncationStrategy = .longestFirst
    ) throws(TokenizationError) -> TokenWindows {
        let room = try room(maxLength, isPair: pair != nil, addSpecialTokens, strategy)
        let first = tokens(of: text, alignment: true, limit: .max)
        let second = pair.map { tokens(of: $0, alignment: true, limit: .max) }
        let kept = try Truncation(
            first: first.ids.count,
            second: second?.ids.count,
            room: room,
            strategy: strategy
        )
        let firsts = try Truncation.windows(count: first.ids.count, length: kept.first, stride: stride)
        let seconds = try Truncation.windows(count: second?.ids.count ?? 0, length: kept.second, stride: stride)
        // The reference's order: the first window, then those that begin elsewhere in the first text, then the rest.
        let ranges = Self.windowOrder(firsts.count, seconds.count).map { (firsts[$0], seconds[$1]) }
        let template = second == nil ? singleTemplate : pairTemplate
        let specials = addSpecialTokens ? template.specialCount : 0
        return TokenWindows(ranges.map { $0.count + $1.count + specials }) {
            ranges.map { assemble(first, $0, second, $1, addSpecialTokens) }
        }
    }

    /// `windows` of strings.
    package func windows(
        _ text: String,
        pair: String? = nil,
        addSpecialTokens: Bool = true,
        maxLength: Int,
        stride: Int,
        strategy: TruncationStrategy = .longestFirst
    ) throws(TokenizationError) -> TokenWindows {
        try withBytes(of: text, pair) { (text, pair) throws(TokenizationError) in
            try windows(
                text,
                pair: pair,
                addSpecialTokens: addSpecialTokens,
                maxLength: maxLength,
                stride: stride,
                strategy: strategy
            )
        }
    }

    private static func windowOrder(_ firsts: Int, _ seconds: Int) -> [(Int, Int)] {
        var result = [(0, 0)]
        for first in 1..<max(firsts, 1) { result += (0..<seconds).map { (first, $0) } }
        return result + (1..<max(seconds, 1)).map { (0, $0) }
    }

    /// The tokens that the texts may have together.
    private func room(
        _ maxLength: Int?,
        isPair: Bool,
        _ addSpecialTokens: Bool,
        _ strategy: TruncationStrategy
    ) throws(TokenizationError) -> Int {
        guard let maxLength, strategy != .none else { return .max }
        let specials = addSpecialTokens ? (isPair ? pairTemplate : singleTemplate).specialCount : 0
        guard maxLength >= specials else {
            throw TokenizationError(
                .lengthTooShort,
                "the length limit is \(maxLength), less than the \(specials) special tokens alone"
            )
        }
        return maxLength - specials
    }

    /// How many tokens of the first text are worth making: where it alone is cut, one more than there is room for shows that it
    /// was too long.
    private func limit(_ room: Int, _ strategy: TruncationStrategy, isPair: Bool) -> Int {
        let isCutAlone = strategy == .onlyFirst || strategy == .longestFirst && !isPair
        return isCutAlone && room < .max ? room + 1 : .max
    }

    /// Joins stretches of both texts by the template.
    private func assemble(
        _ first: TokenSink,
        _ firstRange: Range<Int>,
        _ second: TokenSink?,
        _ secondRange: Range<Int>,
        _ addSpecialTokens: Bool
    ) -> Encoding {
        var result = Encoding()
        func append(_ sink: TokenSink, _ range: Range<Int>, _ typeID: Int32) {
            result.ids += sink.ids[range]
            result.typeIDs += repeatElement(typeID, count: range.count)
            result.offsets += sink.offsets[range]
            result.wordIDs += sink.wordIDs[range]
            result.special += repeatElement(false, count: range.count)
            result.truncated = result.truncated || range.count < sink.ids.count
        }
        for piece in (second == nil ? singleTemplate : pairTemplate).pieces {
            switch piece {
            case .special(let id, let typeID):
                guard addSpecialTokens else { continue }
                result.ids.append(id)
                result.typeIDs.append(typeID)
                result.offsets.append(ScalarRange(0, 0))
                result.wordIDs.append(-1)
                result.special.append(true)
            case .first(let typeID):
                append(first, firstRange, typeID)
            case .second(let typeID):
                if let second { append(second, secondRange, typeID) }
            }
        }
        return result
    }

    private func withBytes<R>(
        of text: String,
        _ pair: String?,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>?) throws(TokenizationError) -> R
    ) throws(TokenizationError) -> R {
        let text = Array(text.utf8)
        let pair = pair.map { Array($0.utf8) }
        return try text.withUnsafeBufferPointer { (text) throws(TokenizationError) -> R in
            guard let pair else { return try body(text, nil) }
            return try pair.withUnsafeBufferPointer { (pair) throws(TokenizationError) -> R in try body(text, pair) }
        }
    }
}
