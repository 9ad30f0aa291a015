import ModelClient
import ModelClientTesting
import Testing

extension Trait where Self == TimeLimitTrait {
    /// Fails a test that hangs; nothing else here is bounded in time.
    static var endsHangs: Self { .timeLimit(.minutes(10)) }
}

/// Starts a fake server, and lends it with a client.
func withFake<R>(
    configuration: FakeModelServer.Configuration = .init(),
    _ body: (FakeModelServer, ModelClient) async throws -> R
) async throws -> R {
    var patient = ModelClient.Configuration()
    patient.defaultTimeout = .seconds(600)
    patient.connectTimeout = .seconds(600)
    return try await withFakeModelServer(configuration: configuration) { server in
        try await withModelClient(at: server.socketPath, configuration: patient) { client in
            try await body(server, client)
        }
    }
}

/// The error that a call fails with.
func failure(
    _ body: () async throws(ModelClientError) -> Void,
    sourceLocation: SourceLocation = #_sourceLocation
) async -> ModelClientError? {
    do throws(ModelClientError) {
        try await body()
        Issue.record("the call did not fail", sourceLocation: sourceLocation)
        return nil
    } catch {
        return error
    }
}
