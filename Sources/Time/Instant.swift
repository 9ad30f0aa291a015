/// A moment of the monotonic clock. Sums that no number of nanoseconds holds are the first or the last moment.
package struct Instant: InstantProtocol {
    /// Since the clock began.
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// When the clock began.
    package static var start: Instant { Instant(nanoseconds: 0) }

    package func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Instant(nanoseconds: overflow ? (duration > .zero ? .max : .min) : sum)
    }

    package func duration(to other: Instant) -> Duration { .nanoseconds(other.nanoseconds) - .nanoseconds(nanoseconds) }

    package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func + (instant: Instant, duration: Duration) -> Instant { instant.advanced(by: duration) }

    package static func += (instant: inout Instant, duration: Duration) { instant = instant + duration }

    package static func - (instant: Instant, duration: Duration) -> Instant { instant.advanced(by: .zero - duration) }

    package static func - (end: Instant, start: Instant) -> Duration { start.duration(to: end) }
}
