import Logging
import ModelClient
import ServiceLifecycle

/// A service that has work for the models, and ends when it is done.
private struct Digest: Service {
    let client: ModelClient
    let logger: Logger

    func run() async throws {
        // Many calls at once share the client's one connection.
        let tokens = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...20 {
                group.addTask { try await client.embed("This is text number \(number).", model: "minilm").tokens }
            }
            return try await group.reduce(0, +)
        }
        logger.info("embedded 20 texts", metadata: ["tokens": "\(tokens)"])
    }
}

/// A client among the services of a program, with the program's logger.
func runAsService(_ socket: String) async throws {
    let logger = Logger(label: "example")
    let client = ModelClient(at: socket, logger: logger)
    let digest = ServiceGroupConfiguration.ServiceConfiguration(
        service: Digest(client: client, logger: logger),
        successTerminationBehavior: .gracefullyShutdownGroup
    )
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(services: [.init(service: client), digest], logger: logger)
    )
    try await group.run()
}
