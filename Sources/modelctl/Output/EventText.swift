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
        let time = HumanText.date(event.time, "%Y-%m-%d %H:%M:%S") + HumanText.milliseconds(event.time)
        let fields = event.fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let start = "\(time) \(event.severity.rawValue) "
        let rest = HumanText.printable("\(event.message)\(fields)", width: width - start.count)
        return style(start) + rest
    }
}

extension ServerEvent: JSONWritable {
    package var json: String {
        let fields = JSONText.object(fields.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
        return JSONText.object([
            "time": HumanText.utc(time), "severity": severity.rawValue, "message": message, "fields": fields,
            "missed": missed,
        ]).json
    }
}
