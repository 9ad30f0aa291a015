package import Time

/// Lets so many lines per second through, a second's worth of them at once, and counts the others: a token bucket.
package struct LineLimit: Sendable {
    private let cost: Duration
    /// Until then the lines that were let through have used up what a second brings.
    private var usedUntil = Instant.start
    /// Lines that were left out, and not taken.
    package private(set) var leftOut = 0

    package init(perSecond: Int) { cost = .seconds(1) / perSecond }

    /// One more line: whether it is let through.
    package mutating func admit(at now: Instant) -> Bool {
        let used = max(usedUntil, now) + cost
        guard used <= now + .seconds(1) else {
            leftOut += 1
            return false
        }
        usedUntil = used
        return true
    }

    /// How many were left out since this was asked last.
    package mutating func takeLeftOut() -> Int {
        defer { leftOut = 0 }
        return leftOut
    }

    /// Whether it is as if no line had come yet.
    package func isUnused(at now: Instant) -> Bool { leftOut == 0 && usedUntil <= now }
}
