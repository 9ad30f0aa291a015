/// What a model's requests have cost so far: enough to guess the next one's tokens from its bytes, and how soon a
/// full queue has room again.
package struct CostModel: Sendable {
    /// Before anything is known: English text has about four bytes per token, and two special tokens per text.
    private var tokensPerByte = 0.3
    private var tokensPerNanosecond = 0.0

    package init() {}

    /// Tokens to expect from a request of `bytes` bytes of text, at least 3.
    package func estimate(bytes: Int) -> Int {
        max(3, Int((Double(max(0, bytes)) * tokensPerByte).rounded(.up)))
    }

    /// A worker has counted the tokens of a request.
    package mutating func learn(bytes: Int, tokens: Int) {
        guard bytes > 0, tokens > 0 else { return }
        let seen = min(4, Double(tokens) / Double(bytes))
        tokensPerByte += 0.05 * (seen - tokensPerByte)
    }

    /// A batch has been computed.
    package mutating func learn(batchTokens: Int, nanoseconds: Int64) {
        guard batchTokens > 0, nanoseconds > 0 else { return }
        let seen = Double(batchTokens) / Double(nanoseconds)
        tokensPerNanosecond += (tokensPerNanosecond == 0 ? 1 : 0.2) * (seen - tokensPerNanosecond)
    }

    /// Nanoseconds until `tokens` waiting tokens are computed by `workers` workers: between 1 ms and 5 s.
    package func delay(tokens: Int, workers: Int) -> Int64 {
        guard tokensPerNanosecond > 0 else { return 100_000_000 }
        let expected = Double(tokens) / (tokensPerNanosecond * Double(max(1, workers)))
        return Int64(min(5e9, max(1e6, expected)))
    }
}
