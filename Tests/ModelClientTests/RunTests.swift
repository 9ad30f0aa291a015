import Logging
import Messages
import ModelClient
import NIOConcurrencyHelpers
import Testing
import Wire

@Suite(.endsHangs) struct RunTests {
    @Test func cancellingRunFailsTheCalls() async throws {
        let arrived = Seen<Void>()
        try await withFakeServer { connection, _ in
            try connection.greet()
            _ = try connection.receiveRequest()
            arrived.add(())
            _ = try connection.receive()
            _ = try connection.receive()
        } _: { server in
            let client = ModelClient(at: server.path, configuration: .patient)
            let run = Task { try await client.run() }
            let call = Task { try await client.classify("a", model: "m") }
            await arrived.next()
            run.cancel()
            try await run.value
            let error = await failure { _ = try await call.value }
            #expect(error?.code == .unavailable)
            let after = await failure { _ = try await client.classify("b", model: "m") }
            #expect(after?.message == "the client has been shut down")
        }
    }

    @Test func aClientThatWasNeverStarted() async throws {
        let client = ModelClient(at: "/nonexistent/socket")
        let error = await failure { _ = try await client.classify("a", model: "m", timeout: .milliseconds(20)) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("run() was not called") == true)
    }

    @Test func theClosuresErrorComesOutAndTheClientEnds() async throws {
        struct Failed: Error {}
        var kept: ModelClient?
        await #expect(throws: Failed.self) {
            try await withModelClient(at: "/nonexistent/socket") { client in
                kept = client
                throw Failed()
            }
        }
        let client = try #require(kept)
        let error = await failure { _ = try await client.classify("a", model: "m") }
        #expect(error?.message == "the client has been shut down")
    }

    @Test func theInjectedLoggerIsUsedAndSeesNoText() async throws {
        let lines = Lines()
        var logger = Logger(label: "test") { _ in RecordingHandler(lines: lines) }
        logger.logLevel = .trace
        var socket = ""
        try await withFakeServer { connection, number in
            try connection.greet()
            if number == 1 { return try connection.sendBytes([0, 0, 0, 0]) }
            try connection.answerAll()
        } _: { server in
            socket = server.path
            try await withModelClient(at: server.path, configuration: .patient, logger: logger) { client in
                // The first connection is broken; the call that it may hit fails, one after it does not.
                while (try? await client.classify("a secret", model: "m")) == nil {}
            }
        }
        let all = lines.all.withLockedValue { $0 }
        #expect(all.contains { $0.contains("Connected") && $0.contains(socket) })
        #expect(all.contains { $0.hasPrefix("error The server broke the protocol") })
        #expect(!all.contains { $0.contains("secret") })
    }
}

private final class Lines: Sendable {
    let all = NIOLockedValueBox<[String]>([])
}

private struct RecordingHandler: LogHandler {
    let lines: Lines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    init(lines: Lines) {
        self.lines = lines
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let metadata = metadata.merging(event.metadata ?? [:]) { $1 }
        lines.all.withLockedValue { $0.append("\(event.level) \(event.message) \(metadata)") }
    }
}
