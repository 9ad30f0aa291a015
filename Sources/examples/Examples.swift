import ArgumentParser
import FoundationEssentials
import ModelClient

/// Small programs that show what the models are good for. Each file is one of them.
@main struct Examples: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "examples",
        abstract: "Uses of small language models, each in one short file.",
        subcommands: [
            Sentiment.self, Spam.self, Moderation.self, Topic.self, Intent.self, QuestionAnswering.self, Entities.self,
            Search.self,
        ]
    )
}

/// Where the server is, and which of its models to ask.
struct Server: ParsableArguments {
    @Option(help: "The path of modeld's socket.")
    var socket = "/run/modeld/modeld.sock"
    @Option(help: "The model, as in 'name', 'name@2' or 'name:int8'.")
    var model: String

    /// Connects, waits until the model is ready, and lends a client.
    func withClient(_ body: (ModelClient) async throws -> Void) async throws {
        try await withModelClient(at: socket) { client in
            try await client.waitForReady(model)
            try await body(client)
        }
    }
}

/// The text of a file, in UTF-8.
func contents(ofFile path: String) throws -> String {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
        throw ValidationError("'\(path)' is no file of UTF-8 text that can be read")
    }
    return text
}

/// A number with a fixed number of digits after the point.
func fixed(_ value: Double, _ digits: Int = 2) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((value * scale).rounded())
    let text = String(scaled.magnitude)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    return (scaled < 0 ? "-" : "") + (digits == 0 ? text : padded.dropLast(digits) + "." + padded.suffix(digits))
}
