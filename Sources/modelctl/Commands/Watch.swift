import ArgumentParser
import JSON
import ModelClient
import Synchronization

/// `modelctl watch`.
struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the status again and again, until Ctrl-C.",
        discussion: """
            A terminal is repainted, with the last events below the status ('modelctl events' shows them as they happen); \
            elsewhere one status follows the other. With --json one line per status, as \
            'modelctl status --json' prints it. When the server goes away, this waits for it to come back.
            """
    )

    @Option(help: ArgumentHelp("How long from one status to the next, at least 100ms.", valueName: "time"))
    var interval = TimeSpan(seconds: 1)
    @Flag(name: .shortAndLong, help: "Show more.")
    var verbose = false
    @OptionGroup var server: ServerOptions

    func run() async throws {
        if Console.isTerminal, !server.json { Console.write("\u{1B}[2J") }
        var previous: (status: ServerStatus, time: ContinuousClock.Instant)?
        try await server.withReconnectingClient(delay: interval.duration) { client in
            let events = LastEvents()
            let listening = Task {
                guard Console.isTerminal, !server.json else { return }
                for try await event in client.events(recent: LastEvents.count) { events.add(event) }
            }
            defer { listening.cancel() }
            for try await status in client.watch(interval: interval.duration) {
                let now = ContinuousClock.now
                let rates = previous.map { Self.rates(from: $0.status, to: status, in: now - $0.time) }
                show(status, rates: rates ?? [:], events.lines)
                previous = (status, now)
            }
        }
    }

    private func show(_ status: ServerStatus, rates: [String: Double], _ events: [String]) {
        if server.json { return Console.line(status.json(isVerbose: verbose).json) }
        let lines = StatusText(isVerbose: verbose, rates: rates).lines(status) + (events.isEmpty ? [] : [""]) + events
        if Console.isTerminal {
            // To the top left; each line and what is below it are cleared as they are written over.
            Console.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J")
        } else {
            Console.write(lines.map { $0 + "\n" }.joined() + "\n")
        }
    }

    /// Requests per second of each model that was there before, by its reference.
    private static func rates(from old: ServerStatus, to new: ServerStatus, in time: Duration) -> [String: Double] {
        let before = Dictionary(old.models.map { ($0.reference, $0.requests) }) { first, _ in first }
        var rates: [String: Double] = [:]
        for model in new.models {
            guard let count = before[model.reference], count <= model.requests, time > .zero else { continue }
            rates[model.reference] = Double(model.requests - count) / (time / .seconds(1))
        }
        return rates
    }
}

/// The last events, for a terminal.
private final class LastEvents: Sendable {
    static let count = 8

    private let events = Mutex<[ServerEvent]>([])

    func add(_ event: ServerEvent) { events.withLock { $0 = $0.suffix(Self.count - 1) + [event] } }

    var lines: [String] { events.withLock { $0 }.map { EventText.line($0, width: Console.width) } }
}
