import ArgumentParser
import JSON
import ModelClient

/// `modelctl reload`.
struct Reload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Loads models anew from the model repository, without a pause.",
        discussion: """
            A new generation is loaded beside the old one, tried, and swapped in; requests go on meanwhile. When it is \
            refused, this says why, the old generation serves on, and the exit status is 1. With --json one line \
            [{"model","old_generation","generation","error"}], with "error" null or {"code","message"}.
            """
    )

    @Argument(help: "The model, as in 'minilm' or 'minilm@2'. (default: all models, and those that are new)")
    var model: String?
    @Option(help: ArgumentHelp("How long loading may take.", valueName: "time"))
    var timeout = TimeSpan(seconds: 300)
    @OptionGroup var server: ServerOptions

    func run() async throws {
        let (before, outcomes) = try await server.withClient { client in
            let status = try await client.status()
            return (status, try await client.reload(model: model, timeout: timeout.duration))
        }
        let generations = Dictionary(before.models.map { ($0.reference, $0.generation) }) { first, _ in first }
        if server.json {
            Console.line(outcomes.map { Self.json($0, old: generations[$0.model] ?? 0) }.json)
        } else if outcomes.isEmpty {
            Console.line("There is no model in the server's model repository.")
        }
        for outcome in outcomes {
            let name = HumanText.printable(outcome.model)
            if let failure = outcome.failure {
                let serving = outcome.generation > 0 ? "generation \(outcome.generation) serves on" : "nothing serves"
                let message = HumanText.printable(failure.message)
                Console.error("\(name) was not reloaded, \(serving): \(failure.code): \(message)")
            } else if outcome.generation == 0, !server.json {
                Console.line("\(name): generation \(generations[outcome.model] ?? 0) → unloaded")
            } else if !server.json {
                Console.line("\(name): generation \(generations[outcome.model] ?? 0) → \(outcome.generation)")
            }
        }
        if outcomes.contains(where: { $0.failure != nil }) { throw ExitCode.failure }
    }

    private static func json(_ outcome: ReloadOutcome, old: UInt64) -> JSONText {
        let failure = outcome.failure.map { JSONText.object(["code": "\($0.code)", "message": $0.message]) }
        return .object([
            "model": outcome.model, "old_generation": old, "generation": outcome.generation, "error": failure,
        ])
    }
}
