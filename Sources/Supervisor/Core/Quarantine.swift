import Messages
package import Time

/// What a request is known by when it comes again, and what may be told of it, which is never its text.
package struct Fingerprint: Equatable, Sendable {
    /// Of its model, method and payload under a secret key, so that nobody can make a request that is taken for another one's.
    package let hash: UInt64
    /// Of the first that was blamed.
    package let label: RequestLabel
    /// Of its payload.
    package let bytes: Int
}

/// Requests that workers have failed at. Who has been worked on once when a worker failed is computed alone when it comes again,
/// until it has an answer. Who has ended a second worker, alone, is refused for some time, so that nobody keeps a model's workers
/// dying by sending the same request over and over, whether or not they wait for what comes of it.
package struct Quarantine: Sendable {
    /// When there are more, one is let go: of those that are not condemned, if there are any, the one whose time ends first.
    package static let capacity = 1024

    package enum Verdict: Equatable, Sendable {
        /// Workers have failed that worked on it, so many, but it may not have been the one to blame.
        case suspected(faults: Int)
        case condemned(Refusal)
    }

    package struct Entry: Equatable, Sendable {
        package let fingerprint: Fingerprint
        package let faults: Int
        package let isCondemned: Bool
        package let cause: String
        package let until: Instant
    }

    private let key: UInt64
    private var entries: [UInt64: Entry] = [:]
    /// The first of them is let go.
    private var nextEnd = Deadline.never

    /// - Parameter key: random, and nobody else's.
    package init(key: UInt64) { self.key = key }

    package func fingerprint(_ label: RequestLabel, _ payload: [UInt8]) -> Fingerprint {
        // SipHash, which Swift gives a random key of its own besides.
        var hasher = Hasher()
        hasher.combine(key)
        hasher.combine(label.model)
        hasher.combine(label.method)
        payload.withUnsafeBytes { hasher.combine(bytes: $0) }
        let hash = UInt64(truncatingIfNeeded: hasher.finalize())
        return Fingerprint(hash: hash, label: label, bytes: payload.count)
    }

    /// A worker has failed that worked on the request.
    /// - Parameters:
    ///   - faults: how many have by now.
    ///   - isCondemned: whether it is certain that this one is to blame.
    package mutating func blame(
        _ fingerprint: Fingerprint,
        faults: Int,
        isCondemned: Bool,
        cause: String,
        until end: Instant
    ) {
        let old = entries[fingerprint.hash]
        entries[fingerprint.hash] = Entry(
            fingerprint: old?.fingerprint ?? fingerprint,
            faults: max(old?.faults ?? 0, faults),
            isCondemned: old?.isCondemned == true || isCondemned,
            cause: cause,
            until: end
        )
        func rank(_ entry: Entry) -> (Int, Instant) { (entry.isCondemned ? 1 : 0, entry.until) }
        if entries.count > Self.capacity, let first = entries.min(by: { rank($0.value) < rank($1.value) }) {
            entries[first.key] = nil
        }
        nextEnd = min(nextEnd, .at(end))
    }

    /// What is known against a request.
    package mutating func verdict(_ label: RequestLabel, _ payload: [UInt8], at now: Instant) -> Verdict? {
        if nextEnd.isDue(at: now) {
            entries = entries.filter { $0.value.until > now }
            nextEnd = entries.values.reduce(.never) { min($0, .at($1.until)) }
        }
        // The payload may be large, and hardly ever is there anything to look for.
        guard !entries.isEmpty, let entry = entries[fingerprint(label, payload).hash] else { return nil }
        guard entry.isCondemned else { return .suspected(faults: entry.faults) }
        let left = (entry.until - now).components.seconds + 1
        let message =
            "this request has ended two workers (\(entry.cause)); it is refused for \(left) s (quarantine_microseconds)"
        return .condemned(Refusal(.failedPrecondition, message))
    }

    /// A request that was suspected has its answer.
    package mutating func acquit(_ label: RequestLabel, _ payload: [UInt8]) {
        guard !entries.isEmpty else { return }
        let hash = fingerprint(label, payload).hash
        if entries[hash]?.isCondemned == false { entries[hash] = nil }
    }

    /// Lets go of all, or of a model's.
    /// - Parameter isMeant: by the model's reference.
    /// - Returns: how many of them were refused until now.
    @discardableResult
    package mutating func clear(at now: Instant, _ isMeant: (String) -> Bool = { _ in true }) -> Int {
        let before = refused(at: now).count
        entries = entries.filter { !isMeant($0.value.fingerprint.label.model) }
        return before - refused(at: now).count
    }

    /// The requests that are refused; the last condemned first.
    package func refused(at now: Instant) -> [Entry] {
        entries.values.filter { $0.isCondemned && $0.until > now }
            .sorted { ($1.until, $0.fingerprint.hash) < ($0.until, $1.fingerprint.hash) }
    }

    /// How many requests are refused.
    package func count(at now: Instant) -> Int { entries.values.count { $0.isCondemned && $0.until > now } }
}
