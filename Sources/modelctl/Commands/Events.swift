import ArgumentParser
import ModelClient

/// `modelctl events`.
struct Events: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what happens in the server, as it happens, until Ctrl-C.",
        discussion: """
            One line per event, with the words of the log, and first the last ones from before. Requests are told of when \
            they fail, are slow, or are computed again. With --json one line \
            {"time","severity","message","fields","missed"} each; "fields" is an object of texts, and "missed" how many \
            events before this one were lost because they were not read in time. When the server goes away, this waits for it \
            to come back.
            """
    )

    @Option(
        help: ArgumentHelp("The least to show: \(levels.joined(separator: ", ")). (default: info)", valueName: "level"),
        completion: .list(levels),
        transform: severity
    )
    var level = ServerEvent.Severity.info
    @Option(help: ArgumentHelp("How many events from before to begin with, at most 100.", valueName: "count"))
    var recent = 10
    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await server.withReconnectingClient { client in
            for try await event in client.events(from: level, recent: recent) {
                if event.missed > 0, !server.json { Console.error("\(event.missed) events were not read in time.") }
                server.show(event, [EventText.line(event)])
            }
        }
    }

    private static let levels = ServerEvent.Severity.allCases.map(\.rawValue)

    @Sendable private static func severity(_ name: String) throws -> ServerEvent.Severity {
        if let severity = ServerEvent.Severity(rawValue: name) { return severity }
        throw ValidationError("'\(name)' is no level; write \(levels.joined(separator: ", "))")
    }
}
