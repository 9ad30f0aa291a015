import ArgumentParser
import Distillation
import Glibc

/// `distill`: makes small models, and proves them.
@main
struct Distill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distill",
        abstract: "Fine-tunes models, distils them into smaller ones, evaluates and publishes them.",
        discussion: """
            Data files are .csv and .tsv with a header, or .jsonl with an object per line; columns `text`, `text_pair` and `label`.

            Exit status: 0 when all went well, 1 when the work failed, 2 for wrong arguments or settings, 3 when a model is worse than the \
            least that was asked for.
            """,
        subcommands: [Finetune.self, Train.self, Evaluate.self, Label.self, Compare.self, Publish.self]
    )

    static func main() async {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
        } catch let error as DistillationError {
            Console.error(error.message)
            Glibc.exit(error.exitStatus)
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Console.error(fullMessage(for: error))
            Glibc.exit(DistillationError.Kind.usage.rawValue)
        }
    }
}
