import ArgumentParser
import Glibc
import ModelClient

/// `modelctl`: the operator's tool. Everything it does goes through `ModelClient`, but for `check`, which needs no server.
@main
struct Modelctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modelctl",
        abstract: "Looks after a modeld server, and tries its models from the shell.",
        discussion: """
            The server is the one at --socket, else at MODELD_SOCKET, else at \(ServerOptions.standardSocket).

            Exit status: 0 when all went well, 1 when a request failed or a folder was refused, 64 for wrong arguments, 66 for an input file \
            that cannot be read, 69 when the server cannot be reached.
            """,
        version: ModelClient.version,
        groupedSubcommands: [
            CommandGroup(
                name: "Server",
                subcommands: [
                    Status.self, Watch.self, Events.self, Metrics.self, Crashes.self, Quarantine.self, Reload.self,
                    Load.self, Unload.self, Drain.self, Cache.self,
                ]
            ),
            CommandGroup(
                name: "Model",
                subcommands: [
                    Classify.self, ZeroShot.self, Tag.self, Answer.self, FillMask.self, Embed.self, Similarity.self,
                    Rerank.self, Choose.self, Features.self, Tokenize.self, Infer.self,
                ]
            ),
            CommandGroup(name: "Folders", subcommands: [Check.self]),
            CommandGroup(name: "Measuring", subcommands: [Bench.self]),
        ]
    )

    static func main() async {
        // A reader that went away is noticed where it is written to; see `Console`.
        signal(SIGPIPE, SIG_IGN)
        await main(nil)
    }
}
