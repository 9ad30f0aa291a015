import ModelClient
import ModelClientTesting
import Testing

@Suite(.endsHangs) struct ReadyTests {
    @Test func aModelThatIsThere() async throws {
        try await withFake { server, client in
            server.onEmbed("minilm")
            try await client.waitForReady()
            try await client.waitForReady("minilm")
            try await client.waitForReady("minilm@1:fp32")
            for name in ["other", "minilm@2", "minilm:int8"] {
                let error = await failure { () async throws(ModelClientError) in try await client.waitForReady(name) }
                #expect(error?.code == .notFound)
                #expect(error?.message.contains("it has minilm@1:fp32") == true)
            }
            let bad = await failure { () async throws(ModelClientError) in try await client.waitForReady("a b") }
            #expect(bad?.code == .invalidArgument)
        }
    }

    @Test func aServerThatStartsLater() async throws {
        let server = try await FakeModelServer()
        server.onEmbed("minilm")
        var impatient = ModelClient.Configuration()
        impatient.waitsForConnection = false
        async let restarted: Void = server.restart(downtime: .milliseconds(50))
        try await withModelClient(at: server.socketPath, configuration: impatient) { client in
            try await client.waitForReady("minilm", timeout: .seconds(600))
        }
        try await restarted
        await server.shutdown()
    }

    @Test func theTimePasses() async throws {
        var impatient = ModelClient.Configuration()
        impatient.waitsForConnection = false
        try await withModelClient(at: "/nonexistent/socket", configuration: impatient) { client in
            let error = await failure { () async throws(ModelClientError) in
                try await client.waitForReady("m", timeout: .milliseconds(30))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.isRetryable == true)
            #expect(error?.message.contains("/nonexistent/socket") == true)
        }
    }
}
