import ArgumentParser
import Distillation
import JSON
import ModelClient

struct Publish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a model the next version in a server's model repository, if it is shown to be good enough.",
        discussion: """
            The version has the model's files, the report, a manifest with the SHA-256 of every file, and expected.jsonl: answers that \
            a server compares before it serves the model. A floor is compared with the lower end of the 95 % interval of the number in \
            the report; below it nothing is published, and the exit status is 3.
            """
    )

    @Option(help: ArgumentHelp("The model's folder.", valueName: "dir"))
    var model: String

    @Option(help: ArgumentHelp("The server's model repository.", valueName: "dir"))
    var repository: String

    @Option(help: "The name that callers know the model by.")
    var name: String

    @Option(help: ArgumentHelp("The version's number. (default: the next free one)", valueName: "n"))
    var version: Int?

    @Option(help: ArgumentHelp("report.json of `distill report`, about this model.", valueName: "file"))
    var report: String?

    @Option(
        help: ArgumentHelp("kept=X, accuracy=X, macro_f1=X or another metric; may be repeated.", valueName: "name=x")
    )
    var floor: [String] = []

    @Option(help: ArgumentHelp("A running server, which is made to load the version.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("Seconds that loading may take.", valueName: "s"))
    var timeout = 300.0

    @OptionGroup var replacing: ReplacingOption
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let floors = try floor.map { try QualityFloor(parsing: $0) }
        if let floor = floor.first, report == nil {
            throw DistillationError.usage("--floor \(floor): a floor needs the --report that shows the number")
        }
        let published = try Publication(
            directory: model,
            repository: repository,
            name: name,
            version: version,
            report: try report.map { try PublishedReport(reading: $0) },
            floors: floors,
            replacing: replacing.force,
            threads: common.threadCount
        ).run()
        var members = published.members
        let state = try await serverState(published)
        if let state { members.append(("state", state.state)) }
        if let reason = state?.reason { members.append(("reason", reason)) }
        Console.result(members, json: common.json)
        if let state, state.state != "READY" {
            throw DistillationError.failed(
                "\(published.folder) is published, and the server does not serve it: \(state.reason ?? state.state)"
            )
        }
    }

    /// What the server makes of the new version; nil where none was named.
    private func serverState(_ published: Publication.Outcome) async throws -> (state: String, reason: String?)? {
        guard let socket else { return nil }
        do {
            // A server that is not there is not waited for.
            var configuration = ModelClient.Configuration()
            configuration.waitsForConnection = false
            return try await withModelClient(at: socket, configuration: configuration) { client in
                let outcomes = try await client.reload(model: published.name, timeout: .seconds(timeout))
                let models = try await client.status().models.filter {
                    $0.name == published.name && $0.version == UInt64(published.version)
                }
                let prefix = "\(published.name)@\(published.version):"
                let failure = outcomes.first { $0.model.hasPrefix(prefix) && $0.failure != nil }?.failure
                guard let model = models.first(where: { $0.state != "READY" }) ?? models.first else {
                    return (
                        "UNAVAILABLE",
                        failure?.message
                            ?? "its config.yaml does not ask for version \(published.version) (`version_policy`)"
                    )
                }
                if let failure { return (model.state == "READY" ? "REFUSED" : model.state, failure.message) }
                return (model.state, model.reason.isEmpty ? nil : model.reason)
            }
        } catch let error as ModelClientError {
            throw DistillationError.failed(
                "\(published.folder) is published, and the server at \(socket) was not made to load it: \(error.message)"
            )
        }
    }
}
