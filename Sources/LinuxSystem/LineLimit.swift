package import Time

/// Lets so many lines per second through, and counts those in between.
package struct LineLimit: Sendable {
    private let perSecond: Int
    private var until = Instant.start
    private var lines = 0
    /// Lines that were left out since one was let through.
    package private(set) var leftOut = 0

    package init(perSecond: Int) { self.perSecond = perSecond }

    /// One more line.
    ///
    /// - Returns: nil when it is to be left out; else how many were, just before it.
    package mutating func admit(at now: Instant) -> Int? {
        if now >= until { (until, lines) = (now + .seconds(1), 0) }
        lines += 1
        guard lines <= perSecond else {
            leftOut += 1
            return nil
        }
        defer { leftOut = 0 }
        return leftOut
    }
}
