import ArgumentParser
import JSON
import ModelClient

/// `modelctl crashes`.
struct Crashes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the last deaths of workers, the last first.",
        discussion: """
            What the model computed then is told as requests/tokens, and with + what waited behind it. The server remembers \
            100. With --json one line {"crashes":[{"time","model","generation","pid","slot","end","cause","peak_bytes",\
            "batches":[{"requests","tokens"}]}]}.
            """
    )

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let crashes = try await server.withClient { client in try await client.crashes() }
        server.show(JSONText.object(["crashes": crashes]), Self.lines(crashes))
    }

    private static func lines(_ crashes: [WorkerCrash]) -> [String] {
        guard !crashes.isEmpty else { return ["No worker has died."] }
        var table = Table([
            .text("TIME"), .text("MODEL"), .number("WORKER"), .number("MEMORY"), .text("BATCH"), .text("CAUSE"),
        ])
        for crash in crashes {
            let batches = crash.batches.map { "\($0.requests)/\($0.tokens)" }
            table.add([
                HumanText.date(crash.time, "%Y-%m-%d %H:%M:%S"), crash.model, "\(crash.pid)",
                HumanText.bytes(crash.peakBytes), batches.isEmpty ? "-" : batches.joined(separator: " + "),
                crash.cause,
            ])
        }
        return table.lines
    }
}

extension WorkerCrash: JSONWritable {
    package var json: String {
        JSONText.object([
            "time": HumanText.utc(time), "model": model, "generation": generation, "pid": Int(pid), "slot": slot,
            "end": end,
            "cause": cause, "peak_bytes": peakBytes, "batches": batches,
        ]).json
    }
}

extension WorkerCrash.Batch: JSONWritable {
    package var json: String { JSONText.object(["requests": requests, "tokens": tokens]).json }
}
