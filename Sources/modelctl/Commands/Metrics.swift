import ArgumentParser
import JSON
import ModelClient

/// `modelctl metrics`.
struct Metrics: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints what the server counts and measures, for Prometheus.",
        discussion: """
            Its text format 0.0.4: requests by status, durations, batches, deaths of workers, what was refused, what waits. \
            For a node exporter's textfile collector, write it to a file. With --json one line {"text"}.
            """
    )

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let text = try await server.withClient { client in try await client.metrics() }
        if server.json { Console.line(JSONText.object(["text": text]).json) } else { Console.write(text) }
    }
}
