/// How long to wait before the next attempt to connect.
struct Backoff {
    private let initial: UInt64
    private let maximum: UInt64
    private var attempt = 0
    /// Attempts since somebody listened at the socket; nil before anybody has.
    private var away: Int?

    /// Where a server was and is none, it is most likely being started again, and there soon: the first delay, in nanoseconds.
    private static let restart: UInt64 = 5_000_000

    /// - Parameters:
    ///   - initial: the delay after the first failure in a row, in nanoseconds.
    ///   - maximum: the longest delay, in nanoseconds.
    init(initial: UInt64, maximum: UInt64) {
        self.initial = initial
        self.maximum = max(initial, maximum)
    }

    /// The delay in nanoseconds: none at first, then doubling, with up to 20 % taken off at random, so that many clients
    /// of a server that restarts do not come at the same moment.
    ///
    /// - Parameter isAway: nobody listens at the socket. If somebody has, the delays begin with 5 ms and become a tenth longer
    ///   each time, so that of the time without a server about a tenth is added.
    mutating func next(isAway: Bool = false) -> UInt64 {
        if isAway, let away {
            self.away = away + 1
            var delay = Double(min(Self.restart, maximum))
            for _ in 0..<min(away, 100) { delay *= 1.1 }
            return shortened(UInt64(min(delay, Double(maximum))))
        }
        defer { attempt += 1 }
        guard attempt > 0 else { return 0 }
        let doubled = initial.multipliedReportingOverflow(by: 1 << UInt64(min(attempt - 1, 40)))
        return shortened(doubled.overflow ? maximum : min(doubled.partialValue, maximum))
    }

    private func shortened(_ delay: UInt64) -> UInt64 { delay - UInt64.random(in: 0...(delay / 5)) }

    /// Somebody listens and has said Hello.
    mutating func met() { away = 0 }

    /// The server answered.
    mutating func reset() {
        attempt = 0
    }
}
