import ModelClient
import Testing

/// Starts a server with a script, lends it, and stops it.
func withFakeServer<R>(
    path: String? = nil,
    script: @escaping @Sendable (FakeConnection, Int) throws -> Void,
    _ body: (FakeServer) async throws -> R
) async throws -> R {
    let server = try FakeServer(path: path, script: script)
    do {
        let result = try await body(server)
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}

/// Starts a server with a script, and lends a client of it.
func withServer<R>(
    configuration: ModelClient.Configuration = .init(),
    script: @escaping @Sendable (FakeConnection, Int) throws -> Void,
    _ body: (ModelClient) async throws -> R
) async throws -> R {
    try await withFakeServer(script: script) { server in
        try await withModelClient(at: server.path, configuration: configuration) { try await body($0) }
    }
}

/// The error that a call fails with.
func failure(
    _ body: () async throws -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) async -> ModelClientError? {
    do {
        try await body()
        Issue.record("the call did not fail", sourceLocation: sourceLocation)
        return nil
    } catch let error as ModelClientError {
        return error
    } catch {
        Issue.record("\(error) is no ModelClientError", sourceLocation: sourceLocation)
        return nil
    }
}

/// Classifies a text, and expects a label. The fake server's `answer` gives the text itself.
func expectLabel(
    _ expected: String,
    of text: String,
    _ client: ModelClient,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let answer = try await client.classify(text, model: "m")
    #expect(answer.label == expected, sourceLocation: sourceLocation)
}
