import ArgumentParser
import ModelClient

/// What a chatbot's user wants, and when to say that one has not understood.
///
/// A classifier always has a best label. So that it does not answer what nobody taught it, the best score must be high
/// enough, and far enough from the second. With the model of `ops/models`, which knows what customers ask a bank,
///
///     examples intent --model intents "Why was I charged twice?" "what's the weather in Paris"
///
/// prints
///
///     transaction_charged_twice 0.94 | Why was I charged twice?
///     out of scope 0.46 | what's the weather in Paris
///
/// No threshold catches everything: `distill report --out-of-scope` chooses one on texts that have none of its labels.
struct Intent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What a chatbot's user wants, if it is known.")

    @OptionGroup var server: Server
    @Option(help: "The least score of an intent.")
    var threshold: Float = 0.6
    @Option(help: "The least distance to the second intent.")
    var margin: Float = 0.2
    @Argument(help: "What the user says.")
    var messages: [String]

    func run() async throws {
        try await server.withClient { client in
            let options = ClassifyOptions(labels: .top(2))
            for message in messages {
                let answer = try await client.classify(message, model: server.model, options: options)
                let second = answer.scores.count > 1 ? answer.scores[1].score : 0
                let isKnown = answer.score >= threshold && answer.score - second >= margin
                print(isKnown ? answer.label : "out of scope", fixed(Double(answer.score)), "|", message)
            }
        }
    }
}
