/// What a model's requests have cost so far: enough to guess the next one's tokens from its bytes, and how long it takes
/// until those that wait are computed.
///
/// All of it is learned from what workers count and from how long they take, nothing from what clients say.
package struct CostModel: Sendable {
    /// Of a payload. Before anything is known: English text has about four bytes per token, and two special tokens per text.
    private var tokensPerByte = 0.3
    /// Of the last batches, later ones counting more.
    private var tokens = 0.0
    private var seconds = 0.0
    /// What a batch takes on average, whatever is in it.
    private var batchSeconds = 0.0

    package init() {}

    /// Tokens to expect from a request whose payload has `bytes` bytes and is `factor` times as much work as others of its
    /// size; at least 3.
    package func estimate(bytes: Int, factor: Double = 1) -> Int {
        max(3, Int((Double(max(0, bytes)) * tokensPerByte * factor).rounded(.up)))
    }

    /// A worker has counted the tokens of a request.
    package mutating func learn(bytes: Int, tokens: Int) {
        guard bytes > 0, tokens > 0 else { return }
        let seen = min(64, Double(tokens) / Double(bytes))
        tokensPerByte += 0.05 * (seen - tokensPerByte)
    }

    /// Tokens that a worker computes per second while more than one batch waits; nil as long as that is not known.
    package var rate: Double? { seconds > 0 ? tokens / seconds : nil }

    /// A batch has been computed.
    ///
    /// What it took beyond four times what was expected counts for nothing: it says little about the next one.
    ///
    /// - Parameters:
    ///   - isFull: whether more waited than it had room for, or it was large. Small batches are less efficient, so that one
    ///     alone shows how fast a worker is at least, and teaches nothing when that is known already.
    ///   - isWhole: whether all of it was computed. Otherwise it shows how slow a worker is at least.
    package mutating func learn(batchTokens: Int, after time: Duration, isFull: Bool, isWhole: Bool) {
        guard batchTokens > 0, time >= .zero else { return }
        let took = min(time / .seconds(1), expected(batchTokens: batchTokens).map { 4 * $0 } ?? .infinity)
        if isWhole || took > batchSeconds {
            batchSeconds = batchSeconds == 0 ? took : batchSeconds + 0.2 * (took - batchSeconds)
        }
        let isFast = rate.map { took * $0 < Double(batchTokens) }
        guard (isFull || isFast == true) && (isWhole || isFast == false) else { return }
        tokens = 0.9 * tokens + Double(batchTokens)
        seconds = 0.9 * seconds + took
    }

    /// How many seconds a batch should take; nil as long as none has been computed.
    package func expected(batchTokens: Int) -> Double? {
        guard batchSeconds > 0 else { return nil }
        return max(batchSeconds, rate.map { Double(batchTokens) / $0 } ?? 0)
    }

    /// How long it takes until `tokens` waiting tokens are computed by `workers` workers: between 1 ms and 5 s.
    package func delay(tokens: Int, workers: Int) -> Duration {
        guard let rate else { return .milliseconds(100) }
        return Self.hint(seconds: Double(tokens) / (rate * Double(max(1, workers))))
    }

    /// When to try again, between 1 ms and 5 s.
    package static func hint(seconds: Double) -> Duration { .seconds(min(5, max(0.001, seconds))) }
}
