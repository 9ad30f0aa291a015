package import Time

/// When a dead worker is started again, and when it is given up. One for one: each seat has its own.
///
/// - A worker that was ready, and since then completed a batch, died of a request or was ended from outside: at once, but
///   not within 100 ms of its last start.
/// - Any other: after a delay that doubles from 100 ms to 30 s, ±20 %; a worker that stayed ready for 60 s starts the
///   doubling anew.
/// - Given up: after more than 5 deaths of the latter kind within 30 s, or 5 starts in a row that never became ready: 8, some
///   13 s, where it was ended from outside or could not be started, which is more often passing, but has to be answered, too. It
///   is tried again after a pause, and with the first such death given up again, until it has stayed ready for 60 s.
package struct RestartPolicy: Sendable {
    package static let floor = Duration.milliseconds(100)
    package static let ceiling = Duration.seconds(30)
    package static let healthy = Duration.seconds(60)
    package static let window = Duration.seconds(30)
    package static let deathsInWindow = 5
    package static let failedStarts = 5
    package static let failedStartsFromOutside = 8

    package enum Verdict: Equatable, Sendable {
        case restart(at: Instant)
        case giveUp(String, retryAt: Instant)
    }

    private var delay = Self.floor
    private var pause = Pause()
    private var startsNeverReady = 0
    private var recentDeaths: [Instant] = []

    package init() {}

    /// A worker has died. `readyAt` is nil when it never became ready; `isUseful` says that it completed a batch, or died of
    /// a request; `jitter` is a random number in 0..<1.
    package mutating func died(
        startedAt: Instant,
        readyAt: Instant?,
        isUseful: Bool,
        isFromOutside: Bool,
        jitter: Double,
        at now: Instant
    ) -> Verdict {
        if let readyAt {
            startsNeverReady = 0
            if now - readyAt >= Self.healthy { (delay, pause) = (Self.floor, Pause()) }
            if isUseful || isFromOutside { return .restart(at: max(now, startedAt + Self.floor)) }
        }
        if readyAt == nil { startsNeverReady += 1 }
        var reason: String?
        if !isFromOutside {
            recentDeaths.removeAll { now - $0 > Self.window }
            recentDeaths.append(now)
            if pause.isTaken { reason = "it was started again, and died again" }
            if recentDeaths.count > Self.deathsInWindow {
                reason = "\(recentDeaths.count) deaths without a completed batch within 30 s"
            }
        }
        if startsNeverReady >= (isFromOutside ? Self.failedStartsFromOutside : Self.failedStarts) {
            reason = "\(startsNeverReady) starts in a row never became ready"
        }
        if let reason { return .giveUp(reason, retryAt: now + pause.next(jitter: jitter)) }
        defer { delay = min(delay * 2, Self.ceiling) }
        return .restart(at: now + delay.spread(by: jitter))
    }
}

/// How long what was given up is left alone before it is tried again: 30 s, and twice as long each time, up to 5 min, ±20 %.
package struct Pause: Sendable {
    package static let first = Duration.seconds(30)
    package static let longest = Duration.seconds(300)

    private var length = Self.first

    package init() {}

    /// Whether there was one already.
    package var isTaken: Bool { length > Self.first }

    /// - Parameter jitter: a random number in 0..<1.
    package mutating func next(jitter: Double) -> Duration {
        defer { length = min(length * 2, Self.longest) }
        return length.spread(by: jitter)
    }
}

extension Duration {
    /// ±20 %, by a random number in 0..<1, so that what began together does not go on together.
    fileprivate func spread(by jitter: Double) -> Duration { self * (0.8 + 0.4 * min(max(jitter, 0), 1)) }
}

/// Limits restarts over the whole server, so that many workers that die together do not make a storm of processes: a
/// bucket of 16 starts that refills by 8 a second. First starts do not count.
package struct SpawnLimiter: Sendable {
    private static let burst = 16.0
    private static let perSecond = 8.0

    private var tokens = Self.burst
    private var filledAt: Instant?

    package init() {}

    /// Takes one start and returns nil, or returns the time at which one will be there.
    package mutating func take(at now: Instant) -> Instant? {
        if let filledAt { tokens = min(Self.burst, tokens + (now - filledAt) / .seconds(1) * Self.perSecond) }
        filledAt = now
        guard tokens < 1 else {
            tokens -= 1
            return nil
        }
        return now + .seconds((1 - tokens) / Self.perSecond) + .nanoseconds(1)
    }
}
