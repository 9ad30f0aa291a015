/// How long to wait before the next attempt to connect.
struct Backoff {
    private let initial: UInt64
    private let maximum: UInt64
    private var attempt = 0

    /// - Parameters:
    ///   - initial: the delay after the first failure in a row, in nanoseconds.
    ///   - maximum: the longest delay, in nanoseconds.
    init(initial: UInt64, maximum: UInt64) {
        self.initial = initial
        self.maximum = max(initial, maximum)
    }

    /// The delay in nanoseconds: none at first, then doubling, with up to 20 % taken off at random, so that many clients
    /// of a server that restarts do not come at the same moment.
    mutating func next() -> UInt64 {
        defer { attempt += 1 }
        guard attempt > 0 else { return 0 }
        let doubled = initial.multipliedReportingOverflow(by: 1 << UInt64(min(attempt - 1, 40)))
        let delay = doubled.overflow ? maximum : min(doubled.partialValue, maximum)
        return delay - UInt64.random(in: 0...(delay / 5))
    }

    /// The server answered.
    mutating func reset() {
        attempt = 0
    }
}
