import ArgumentParser
import ModelClient

/// Moderation with several labels at once: a comment may be an insult and a threat, or neither.
///
/// Each label has a probability of its own (`.sigmoid`), whatever the checkpoint says, and a limit of its own.
///
///     examples moderation --model toxic --limit insult=0.5 --limit threat=0.2 < comments.txt
struct Moderation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Comments and what is wrong with them.")

    @OptionGroup var server: Server
    @Option(help: "A label and the score from which it counts, as in insult=0.5; other labels count from 0.5.")
    var limit: [String] = []

    func run() async throws {
        var limits: [String: Float] = [:]
        for entry in limit {
            let parts = entry.split(separator: "=")
            guard parts.count == 2, let score = Float(parts[1]) else {
                throw ValidationError("--limit is '\(entry)'; write it as label=0.5")
            }
            limits[String(parts[0])] = score
        }
        try await server.withClient { [limits] client in
            let options = ClassifyOptions(labels: .all, function: .sigmoid, truncation: .truncate)
            for await comment in client.classify(StandardInput(), model: server.model, options: options) {
                let found = try comment.answer.scores.filter { $0.score >= limits[$0.label] ?? 0.5 }
                let reasons = found.map { "\($0.label) \(fixed(Double($0.score)))" }
                print(reasons.isEmpty ? "fine" : reasons.joined(separator: ", "), "|", comment.input.prefix(60))
            }
        }
    }
}
