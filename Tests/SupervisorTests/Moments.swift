import Time

extension Instant {
    /// The moment after `start`.
    static let soon = start + .nanoseconds(1)
    /// When everything is due.
    static let late = start + .seconds(1000)
}

extension Duration {
    static func random(upTo longest: Duration, using generator: inout some RandomNumberGenerator) -> Duration {
        .nanoseconds(Int64.random(in: 0...longest.nanoseconds, using: &generator))
    }
}
