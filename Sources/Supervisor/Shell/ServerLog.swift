import Configuration
import Glibc
import Logging
import Messages
import Time

/// What is told of what happens, and what too often or twice is not: a line of the log, and an event for those who listen.
struct ServerLog {
    var logger: Logger
    /// What of the repository is not served has been said already; each thing is said once.
    private var told: Set<SkippedEntry> = []
    private var limits = LogLimits()

    init(_ logger: Logger) { self.logger = logger }

    /// When `takeLeftOut` is due.
    var deadline: Deadline { limits.deadline }

    /// What is to be reported of happenings that were too many.
    mutating func takeLeftOut() -> [Happening] { limits.takeLeftOut() }

    /// Writes a line, if the log is to have it.
    ///
    /// - Returns: the event; nil when nobody is told.
    @discardableResult
    mutating func report(_ happening: Happening, at now: Instant) -> ServerEvent? {
        var isRoutine = false
        if case .answered(let answer) = happening { isRoutine = answer.isRoutine }
        // Most happenings are this one.
        if isRoutine, logger.logLevel > .trace { return nil }
        let line = happening.line
        switch happening {
        case .notServed(let entry) where !told.insert(entry).inserted: return nil
        case .linesLeftOut: break
        default: if !limits.admit(happening, line.severity, at: now) { return nil }
        }
        write(line)
        return isRoutine ? nil : ServerEvent(line)
    }

    private func write(_ line: Line) {
        let level = Logger.Level(rawValue: line.severity.name.lowercased()) ?? .info
        logger.log(level: level, "\(line.message)", metadata: line.fields.mapValues { .string($0) })
    }
}

extension ServerEvent {
    /// It happens now.
    fileprivate init(_ line: Line) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        self.init(
            unixMicroseconds: Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000,
            severity: line.severity,
            message: line.message,
            fields: line.fields.sorted { $0.key < $1.key }.map { EventField(name: $0.key, value: $0.value) }
        )
    }
}
