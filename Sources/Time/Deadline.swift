/// When something is due, if ever. `never` is later than every moment.
package enum Deadline: Comparable, Hashable, Sendable {
    case at(Instant)
    case never

    /// That moment, or never.
    package init(_ instant: Instant?) { self = instant.map { .at($0) } ?? .never }

    /// So long after a moment, or never.
    package static func after(_ timeout: Duration?, from start: Instant) -> Deadline {
        Deadline(timeout.map { start + $0 })
    }

    package func isDue(at now: Instant) -> Bool { self <= .at(now) }
}

// MARK: - On the wire: nanoseconds since the clock began, 0 for never

extension Deadline {
    package init(nanoseconds: Int64) { self = nanoseconds == 0 ? .never : .at(Instant(nanoseconds: nanoseconds)) }

    package var nanoseconds: Int64 {
        switch self {
        case .at(let instant): instant.nanoseconds
        case .never: 0
        }
    }
}
