import Messages
package import Time

/// Requests that have ended two workers. For some time they are refused when they come again, so that nobody keeps a model's
/// workers dying by sending the same request over and over.
///
/// What is kept of a request is a hash of its model, method and payload under a secret key, so that nobody can make a request
/// that is taken for another one's.
package struct Quarantine: Sendable {
    /// When there are more, the one that would be let go first is.
    package static let capacity = 1024

    private let key: UInt64
    private var entries: [Int: (cause: String, until: Instant)] = [:]
    /// The first of them is let go.
    private var nextEnd = Deadline.never

    /// - Parameter key: random, and nobody else's.
    package init(key: UInt64) { self.key = key }

    package mutating func add(_ model: String, _ method: String, _ payload: [UInt8], cause: String, until end: Instant)
    {
        entries[hash(model, method, payload)] = (cause, end)
        if entries.count > Self.capacity, let first = entries.min(by: { $0.value.until < $1.value.until }) {
            entries[first.key] = nil
        }
        nextEnd = min(nextEnd, .at(end))
    }

    /// Why a request is not computed.
    package mutating func refusal(_ model: String, _ method: String, _ payload: [UInt8], at now: Instant) -> Refusal? {
        if nextEnd.isDue(at: now) {
            entries = entries.filter { $0.value.until > now }
            nextEnd = entries.values.reduce(.never) { min($0, .at($1.until)) }
        }
        // The payload may be large, and hardly ever is there anything to look for.
        guard !entries.isEmpty, let (cause, until) = entries[hash(model, method, payload)] else { return nil }
        let left = (until - now).components.seconds + 1
        let message =
            "this request has ended two workers (\(cause)); it is refused for \(left) s (quarantine_microseconds)"
        return Refusal(.failedPrecondition, message)
    }

    /// How many requests are refused.
    package func count(at now: Instant) -> Int { entries.values.count { $0.until > now } }

    private func hash(_ model: String, _ method: String, _ payload: [UInt8]) -> Int {
        // SipHash, which Swift gives a random key of its own besides.
        var hasher = Hasher()
        hasher.combine(key)
        hasher.combine(model)
        hasher.combine(method)
        payload.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
