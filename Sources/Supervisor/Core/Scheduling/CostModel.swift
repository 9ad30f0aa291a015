/// What a model's requests have cost so far: enough to guess the next one's tokens from its bytes, and how soon a
/// full queue has room again.
package struct CostModel: Sendable {
    /// Before anything is known: English text has about four bytes per token, and two special tokens per text.
    private var tokensPerByte = 0.3
    private var tokensPerSecond = 0.0

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
    package mutating func learn(batchTokens: Int, after time: Duration) {
        guard batchTokens > 0, time > .zero else { return }
        let seen = Double(batchTokens) / (time / .seconds(1))
        tokensPerSecond += (tokensPerSecond == 0 ? 1 : 0.2) * (seen - tokensPerSecond)
    }

    /// How long it takes until `tokens` waiting tokens are computed by `workers` workers: between 1 ms and 5 s.
    package func delay(tokens: Int, workers: Int) -> Duration {
        guard tokensPerSecond > 0 else { return .milliseconds(100) }
        let expected = Double(tokens) / (tokensPerSecond * Double(max(1, workers)))
        return .seconds(min(5, max(0.001, expected)))
    }
}
