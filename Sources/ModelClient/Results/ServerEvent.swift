package import Messages

/// Something that has happened in the server, in the words of its log; see ``ModelClient/events(from:recent:)``.
public struct ServerEvent: Sendable, Hashable {
    /// How much it matters.
    public enum Severity: String, Sendable, Hashable, Comparable, CaseIterable {
        case trace, debug, info, notice, warning, error

        /// Whether the left one matters less.
        public static func < (left: Severity, right: Severity) -> Bool {
            left.message.rawValue < right.message.rawValue
        }
    }

    /// When it happened, by the server's clock, since the beginning of 1970 (UTC).
    public var time: Duration
    /// How much it matters.
    public var severity: Severity
    /// What has happened, as in `worker died: killed by SIGKILL`.
    public var message: String
    /// What it is about, by name: `model`, `pid`, `slot`, `request`, ….
    public var fields: [String: String]
    /// How many events just before this one are missing, because they were not read in time.
    public var missed: Int

    /// Makes an event, as a test double does.
    public init(
        time: Duration = .zero,
        severity: Severity,
        message: String,
        fields: [String: String] = [:],
        missed: Int = 0
    ) {
        self.time = time
        self.severity = severity
        self.message = message
        self.fields = fields
        self.missed = missed
    }

    /// - Parameter last: the number of the event before it.
    package init(_ event: Messages.ServerEvent, after last: UInt64) {
        self.init(
            time: .microseconds(event.unixMicroseconds),
            severity: Severity(rawValue: event.severity.name.lowercased()) ?? .info,
            message: event.message,
            fields: Dictionary(event.fields.map { ($0.name, $0.value) }) { first, _ in first },
            // A connection that was made anew begins at 1 again.
            missed: event.number > last ? Int(clamping: event.number - last - 1) : 0
        )
    }
}

extension ServerEvent.Severity {
    var message: Messages.Severity {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .notice: .notice
        case .warning: .warning
        case .error: .error
        }
    }
}
