import ModelClient
import Testing

extension Trait where Self == TimeLimitTrait {
    /// Fails a test that hangs. Tests share few threads, and a sanitizer slows each of them ten times: a test may wait for
    /// minutes between two of its steps, so nothing else here is bounded in time.
    static var endsHangs: Self { .timeLimit(.minutes(10)) }
}

extension ModelClient.Configuration {
    /// With timeouts that no wait for a thread reaches.
    static var patient: Self {
        var configuration = Self()
        configuration.defaultTimeout = .seconds(600)
        configuration.connectTimeout = .seconds(600)
        return configuration
    }
}

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
    configuration: ModelClient.Configuration = .patient,
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
