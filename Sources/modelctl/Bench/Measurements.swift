package import ModelClient

/// What one loop of requests measured, or several together.
package struct Measurements: Sendable {
    /// From the call to its answer, of each request that was answered, in microseconds.
    package private(set) var latencies: [UInt32] = []
    /// The part of it in which the batch was computed.
    package private(set) var compute: [UInt32] = []
    /// The part of it before that, in the server's queue.
    package private(set) var queue: [UInt32] = []
    /// The part of it that was not computing: queue, tokenizer, sockets, scheduling.
    package private(set) var overhead: [UInt32] = []
    /// Of all texts that were answered.
    package private(set) var tokens = 0
    /// How many requests failed, by code.
    package private(set) var errors: [String: Int] = [:]
    /// How many answers differed from the quiet one to the same text; counted among the answered ones.
    package private(set) var mismatches = 0
    /// The first of them, for people.
    package private(set) var firstMismatch: String?
    /// The message of the first failure of each code.
    package private(set) var messages: [String: String] = [:]

    package var requests: Int { latencies.count }
    package var failures: Int { errors.values.reduce(0, +) }

    /// Counts an answer.
    package mutating func answered(in latency: Duration, tokens: Int, timings: RequestTimings) {
        latencies.append(latency.microseconds)
        compute.append(timings.compute.microseconds)
        queue.append(timings.queue.microseconds)
        overhead.append((latency - timings.compute).microseconds)
        self.tokens += tokens
    }

    /// Counts a failure.
    package mutating func failed(_ error: ModelClientError) {
        errors["\(error.code)", default: 0] += 1
        if messages["\(error.code)"] == nil { messages["\(error.code)"] = error.message }
    }

    /// Counts an answer that is not the quiet one.
    package mutating func differed(_ difference: String) {
        mismatches += 1
        firstMismatch = firstMismatch ?? difference
    }

    package init() {}

    /// Adds what another loop measured.
    package mutating func add(_ other: Measurements) {
        latencies += other.latencies
        compute += other.compute
        queue += other.queue
        overhead += other.overhead
        tokens += other.tokens
        mismatches += other.mismatches
        firstMismatch = firstMismatch ?? other.firstMismatch
        errors.merge(other.errors, uniquingKeysWith: +)
        messages.merge(other.messages) { first, _ in first }
    }
}

/// Times in order of size.
package struct Distribution {
    private let sorted: [UInt32]

    package init(microseconds: [UInt32]) {
        sorted = microseconds.sorted()
    }

    /// The time, in milliseconds, that this share of all do not exceed (nearest rank); nil when there are none.
    package func percentile(_ percent: Double) -> Double? {
        guard !sorted.isEmpty else { return nil }
        let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return Double(sorted[min(max(rank, 1), sorted.count) - 1]) / 1000
    }
}

extension Duration {
    /// Rounded to whole microseconds, from 0 to an hour and eleven minutes.
    fileprivate var microseconds: UInt32 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 4294 else { return .max }
        return UInt32(seconds * 1_000_000 + (attoseconds + 500_000_000_000) / 1_000_000_000_000)
    }
}
