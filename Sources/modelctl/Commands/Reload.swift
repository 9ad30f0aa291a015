import ArgumentParser
import JSON
import ModelClient

/// `modelctl reload`.
struct Reload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Loads models anew from the model repository, without a pause.",
        discussion: """
            A new generation is loaded beside the old one, tried, and swapped in; requests go on meanwhile. Each model has a \
            line as soon as it is done. When it is refused, this says why, the old generation serves on, and the exit status \
            is 1. With --json one line at the end: [{"model","old_generation","generation","error"}], with "error" null or \
            {"code","message"}.
            """
    )

    @Argument(help: "The model, as in 'minilm' or 'minilm@2'. (default: all models, and those that are new)")
    var model: String?
    @Flag(inversion: .prefixedNo, help: "Wait until all is done, or only until it has begun.")
    var wait = true
    @Option(help: ArgumentHelp("How long loading may take.", valueName: "time"))
    var timeout = TimeSpan(seconds: 300)
    @OptionGroup var server: ServerOptions

    func run() async throws {
        let report = try await server.withClient { client in
            var report = LoadReport(before: try await client.status(), isJSON: server.json)
            if wait {
                for try await outcome in client.reloading(model: model, timeout: timeout.duration) {
                    report.add(outcome)
                }
            } else {
                try await client.reload(model: model, waits: false, timeout: timeout.duration).forEach {
                    report.add($0)
                }
            }
            return report
        }
        if !wait, report.outcomes.isEmpty, !server.json {
            Console.line("The reload has begun; 'modelctl status' and 'modelctl events' show what comes of it.")
            return
        }
        try report.finish()
    }
}

/// `modelctl load`.
struct Load: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Loads a model that is not loaded.",
        discussion: """
            One that 'modelctl unload' has unloaded, or any when the server's setting 'model_control' is explicit. What serves \
            stays as it is. Output and exit status are those of 'modelctl reload'.
            """
    )

    @Argument(help: "The model, as in 'minilm' or 'minilm@2:int8'.")
    var model: String
    @Option(help: ArgumentHelp("How long loading may take.", valueName: "time"))
    var timeout = TimeSpan(seconds: 300)
    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await server.report { try await $0.load(model: model, timeout: timeout.duration) }
    }
}

/// `modelctl unload`.
struct Unload: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Unloads a model, until 'modelctl load' or a start of the server.",
        discussion: """
            New requests are refused, what was accepted is answered, and then its workers end. A reload does not bring it back. \
            Output and exit status are those of 'modelctl reload'.
            """
    )

    @Argument(help: "The model, as in 'minilm' or 'minilm@2:int8'.")
    var model: String
    @Option(help: ArgumentHelp("How long unloading may take.", valueName: "time"))
    var timeout = TimeSpan(seconds: 300)
    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await server.report { try await $0.unload(model: model, timeout: timeout.duration) }
    }
}

extension ServerOptions {
    /// Has models loaded or unloaded, and reports what became of each.
    fileprivate func report(_ change: (ModelClient) async throws -> [ReloadOutcome]) async throws {
        let report = try await withClient { client in
            var report = LoadReport(before: try await client.status(), isJSON: json)
            try await change(client).forEach { report.add($0) }
            return report
        }
        try report.finish()
    }
}
