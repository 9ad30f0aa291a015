import Configuration
import Glibc
package import LinuxSystem
package import Logging

/// Writes the log as lines, `TIME LEVEL modeld: key=value … [Supervisor] message`, and never waits for who reads them.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let label: String
    private let output: LineOutput

    package init(label: String, level: Logger.Level, output: LineOutput) {
        (self.label, logLevel, self.output) = (label, level, output)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        let words = all.map { " \($0.key)=\($0.value)" }.joined()
        output.write(printable("\(timestamp()) \(event.level) \(label):\(words) [\(event.source)] \(event.message)"))
    }

    private func timestamp() -> String {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(unsafeUninitializedCapacity: 64) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                strftime(text.baseAddress, text.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
            }
        }
    }
}
