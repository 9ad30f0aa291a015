import Logging
import ModelClient
import ModelClientTesting
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

/// A graceful shutdown refuses new calls, and lets the one that is on its way end.
func shutDownGracefully() async throws {
    let (opened, open) = AsyncStream<Void>.makeStream()
    let labels = try await withFakeModelServer { server in
        server.onClassify("sentiment") { _ in
            for await _ in opened { break }
            return .label("POSITIVE")
        }
        let client = ModelClient(at: server.socketPath)
        let group = ServiceGroup(services: [client], logger: Logger(label: "example"))
        return try await withThrowingTaskGroup(of: String?.self) { tasks in
            tasks.addTask {
                try await group.run()
                return nil
            }
            tasks.addTask { try await client.classify("early", model: "sentiment").label }
            _ = await server.waitForRequests(1)
            await group.triggerGracefulShutdown()
            while try await refusal(of: client) != "the client has been shut down" {}
            open.yield()
            return try await tasks.reduce(into: []) { $0 += [$1].compactMap(\.self) }
        }
    }
    guard labels == ["POSITIVE"] else { throw Mistake("the call before the shutdown was answered \(labels)") }
    print("a graceful shutdown let the call end")
}

/// Why a further call of a client fails.
private func refusal(of client: ModelClient) async throws -> String {
    do {
        let late = try await client.classify("late", model: "sentiment", timeout: .milliseconds(1))
        throw Mistake("a call after the shutdown was answered \(late.label)")
    } catch let error as ModelClientError {
        return error.message
    }
}
