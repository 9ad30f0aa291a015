import ArgumentParser
import ModelClient

/// `modelctl status`.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the models, their workers, and why something is not ready.",
        discussion: """
            MEMORY is a worker's share: pages that several processes use, such as packed weights, are divided among \
            them. With --json one line {"state","models":[{"name","version","variant","state","reason","workers":\
            [{"pid","slot","numa_node","cpus","state","restarts","rss_bytes","pss_bytes"}]}]}; -v adds members.
            """
    )

    @Flag(name: .shortAndLong, help: "Show more.")
    var verbose = false
    @OptionGroup var server: ServerOptions

    func run() async throws {
        let status = try await server.withClient { client in try await client.status(verbose: true) }
        server.show(status.json(isVerbose: verbose), StatusText(isVerbose: verbose).lines(status))
    }
}
