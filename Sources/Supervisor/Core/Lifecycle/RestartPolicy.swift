/// When a dead worker is started again, and when it is given up. One for one: each seat has its own.
///
/// - A worker that completed a batch since it was ready: at once, but not within 100 ms of its last start.
/// - One that died without progress: after a delay that doubles from 100 ms to 30 s, ±20 %; a worker that stayed ready
///   for 60 s starts the doubling anew.
/// - Given up: after more than 5 deaths without progress within 30 s, or 5 starts in a row that never became ready.
package struct RestartPolicy: Sendable {
    package static let floor: Int64 = 100_000_000
    package static let ceiling: Int64 = 30_000_000_000
    package static let healthy: Int64 = 60_000_000_000
    package static let window: Int64 = 30_000_000_000
    package static let deathsInWindow = 5
    package static let failedStarts = 5

    package enum Verdict: Equatable, Sendable {
        case restart(at: Int64)
        case giveUp(String)
    }

    private var delay = Self.floor
    private var startsNeverReady = 0
    private var recentDeaths: [Int64] = []

    package init() {}

    /// A worker has died. `readyAt` is nil when it never became ready; `jitter` is a random number in 0..<1.
    package mutating func died(
        startedAt: Int64,
        readyAt: Int64?,
        progressed: Bool,
        jitter: Double,
        at now: Int64
    ) -> Verdict {
        if let readyAt {
            startsNeverReady = 0
            if now - readyAt >= Self.healthy { delay = Self.floor }
            if progressed { return .restart(at: max(now, startedAt + Self.floor)) }
        } else {
            startsNeverReady += 1
            if startsNeverReady >= Self.failedStarts {
                return .giveUp("\(startsNeverReady) starts in a row never became ready")
            }
        }
        recentDeaths.removeAll { now - $0 > Self.window }
        recentDeaths.append(now)
        if recentDeaths.count > Self.deathsInWindow {
            return .giveUp("\(recentDeaths.count) deaths without a completed batch within 30 s")
        }
        let wait = Double(delay) * (0.8 + 0.4 * min(max(jitter, 0), 1))
        delay = min(delay * 2, Self.ceiling)
        return .restart(at: now + Int64(wait))
    }
}

/// Limits restarts over the whole server, so that many workers that die together do not make a storm of processes: a
/// bucket of 16 starts that refills by 8 a second. First starts do not count.
package struct SpawnLimiter: Sendable {
    private static let burst = 16.0
    private static let perNanosecond = 8e-9

    private var tokens = Self.burst
    private var filledAt: Int64?

    package init() {}

    /// Takes one start and returns nil, or returns the time at which one will be there.
    package mutating func take(at now: Int64) -> Int64? {
        if let filledAt { tokens = min(Self.burst, tokens + Double(max(0, now - filledAt)) * Self.perNanosecond) }
        filledAt = now
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return now + Int64((1 - tokens) / Self.perNanosecond) + 1
    }
}
