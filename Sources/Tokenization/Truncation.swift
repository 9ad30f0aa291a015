/// How many tokens of each text stay, after the reference's `truncate_encodings`.
struct Truncation {
    /// Tokens kept of the first text.
    var first: Int
    /// Tokens kept of the second text.
    var second: Int

    /// - Parameters:
    ///   - first: the tokens of the first text.
    ///   - second: the tokens of the second text, nil without one.
    ///   - room: the tokens that both may have together.
    init(
        first: Int,
        second: Int?,
        room: Int,
        strategy: TruncationStrategy
    ) throws(TokenizationError) {
        self.first = first
        self.second = second ?? 0
        let total = self.first + self.second
        guard strategy != .none, total > room else { return }
        guard room > 0 else {
            self.first = 0
            self.second = 0
            return
        }
        switch strategy {
        case .none:
            break
        case .longestFirst:
            shorten(hasSecond: second != nil, room: room)
        case .onlyFirst:
            self.first = try Self.remaining(of: first, "first", removing: total - room)
        case .onlySecond:
            guard let second else {
                throw TokenizationError(
                    .secondTextMissing,
                    "truncation of the second text was asked for, but there is only one text"
                )
            }
            self.second = try Self.remaining(of: second, "second", removing: total - room)
        }
    }

    /// With n1 ≤ n2: n2 = max(n1, room - n1); if that is still too long, n1 = room / 2 and n2 the rest.
    private mutating func shorten(hasSecond: Bool, room: Int) {
        guard hasSecond else {
            first = room
            return
        }
        var shorter = min(first, second)
        var longer = shorter > room ? shorter : max(shorter, room - shorter)
        if shorter + longer > room {
            shorter = room / 2
            longer = shorter + room % 2
        }
        (first, second) = first > second ? (longer, shorter) : (shorter, longer)
    }

    private static func remaining(of count: Int, _ name: String, removing: Int) throws(TokenizationError) -> Int {
        guard count > removing else {
            throw TokenizationError(
                .lengthTooShort,
                "\(removing) tokens too many, but the \(name) text, the only one to be truncated, has only \(count)"
            )
        }
        return count - removing
    }

    /// Windows of at most `length` tokens that cover `count` tokens; each begins `stride` tokens before the end of the
    /// one before. Where there is no room at all, the second window is the whole text, as in the reference.
    static func windows(count: Int, length: Int, stride: Int) throws(TokenizationError) -> [Range<Int>] {
        guard length < count else { return [0..<count] }
        guard length > 0 else { return [0..<0, 0..<count] }
        guard stride >= 0, stride < length else {
            throw TokenizationError(
                .strideTooLong,
                "the stride is \(stride): it must be less than the \(length) tokens that a window holds"
            )
        }
        var result: [Range<Int>] = []
        var start = 0
        repeat {
            result.append(start..<min(start + length, count))
            start += length - stride
        } while result.last!.upperBound < count
        return result
    }
}
