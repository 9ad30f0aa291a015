import JSON
import ModelClient

/// Events for people.
enum EventText {
    /// - Parameter width: where it is cut off.
    static func line(_ event: ServerEvent, width: Int = .max) -> String {
        let style: Style =
            switch event.severity {
            case .error: .red
            case .warning: .yellow
            case .notice: .bold
            case .trace, .debug, .info: .dim
            }
        let time = HumanText.date(event.time, "%Y-%m-%d %H:%M:%S") + milliseconds(event.time)
        let fields = event.fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let start = "\(time) \(event.severity.rawValue) "
        let rest = HumanText.printable("\(event.message)\(fields)", width: width - start.count)
        return style(start) + rest
    }

    /// As in `.042`.
    static func milliseconds(_ time: Duration) -> String {
        "." + "\(1000 + time.components.attoseconds / 1_000_000_000_000_000)".dropFirst()
    }
}

extension ServerEvent: JSONWritable {
    package var json: String {
        let utc = HumanText.date(time, "%Y-%m-%dT%H:%M:%S", isLocal: false) + EventText.milliseconds(time) + "Z"
        let fields = JSONText.object(fields.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
        return JSONText.object([
            "time": utc, "severity": severity.rawValue, "message": message, "fields": fields, "missed": missed,
        ]).json
    }
}
