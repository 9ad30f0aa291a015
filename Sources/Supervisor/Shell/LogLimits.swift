import LinuxSystem
package import Messages
package import Time

/// How much is told: of each kind of happening, and of what clients bring about for each user, 20 lines per second. What is
/// left out is counted, and told a second later.
package struct LogLimits: Sendable {
    package static let perSecond = 20

    private struct Key: Hashable {
        let kind: HappeningKind
        let severity: Severity
        let user: UInt32?
    }

    private var limits: [Key: LineLimit] = [:]
    /// When something is to be told of what was left out.
    package private(set) var deadline = Deadline.never

    package init() {}

    /// What it has to keep in mind.
    package var count: Int { limits.count }

    /// Whether a happening is told.
    package mutating func admit(_ happening: Happening, _ severity: Severity, at now: Instant) -> Bool {
        let key = Key(kind: happening.kind, severity: severity, user: happening.user)
        // There may be as many users as there are numbers.
        if limits.count > 1000 { limits = limits.filter { !$0.value.isUnused(at: now) } }
        if limits[key, default: LineLimit(perSecond: Self.perSecond)].admit(at: now) { return true }
        deadline = min(deadline, .at(now + .seconds(1)))
        return false
    }

    /// What there is to tell of what was left out.
    package mutating func takeLeftOut() -> [Happening] {
        deadline = .never
        return limits.keys.compactMap { key in
            let lines = limits[key]?.takeLeftOut() ?? 0
            return lines > 0 ? .linesLeftOut(key.kind, key.severity, user: key.user, lines: lines) : nil
        }
    }
}
