import Messages
import ModelClient
import Testing
import Wire

@Suite(.endsHangs) struct BrokenServerTests {
    struct Breach: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var reason: String
    }

    static let breaches: [Breach] = [
        Breach(testDescription: "no protobuf", bytes: [0, 0, 0, 2, 0xff, 0xff], reason: "ends within a number"),
        Breach(testDescription: "empty frame", bytes: [0, 0, 0, 0], reason: "no body"),
        Breach(
            testDescription: "oversize frame",
            bytes: [0xff, 0xff, 0xff, 0xff],
            reason: "and the limit is 16777216"
        ),
        Breach(testDescription: "second greeting", bytes: [0, 0, 0, 2, 0x0a, 0], reason: "may not send here"),
        Breach(testDescription: "a request", bytes: [0, 0, 0, 2, 0x12, 0], reason: "may not send here"),
        Breach(testDescription: "text is not UTF-8", bytes: [0, 0, 0, 5, 0x1a, 3, 0x1a, 1, 0xff], reason: "UTF-8"),
    ]

    @Test(arguments: breaches)
    func failsTheCallAndConnectsAgain(_ breach: Breach) async throws {
        try await withServer { connection, number in
            try connection.greet()
            guard number == 1 else { return try connection.answerAll() }
            _ = try connection.receiveRequest()
            try connection.sendBytes(breach.bytes)
            _ = try? connection.receive()
        } _: { client in
            let error = await failure { _ = try await client.classify("a", model: "m") }
            #expect(error?.code == .internal)
            #expect(error?.origin == .connection)
            #expect(error?.message.contains(breach.reason) == true, "\(error?.message ?? "")")
            try await expectLabel("b", of: "b", client)
        }
    }

    @Test func answersInSmallPieces() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            let request = try connection.receiveRequest()
            let results = [Messages.Classification(scores: [Messages.LabelScore(label: "POSITIVE", score: 1)])]
            let response = Response(
                streamID: request.streamID,
                payload: ClassifyResponse(results: results).encode(),
                endOfStream: true
            )
            for byte in try FrameEncoder.encode(Frame.response(response)) { try connection.sendBytes([byte]) }
            try connection.answerAll()
        } _: { client in
            try await expectLabel("POSITIVE", of: "a", client)
        }
    }

    @Test func answersForNobodyAreDropped() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            try connection.sendFrame(.response(Response(streamID: 999, endOfStream: true)))
            try connection.sendFrame(.response(Response(streamID: .max)))
            try connection.answerAll()
        } _: { client in
            try await expectLabel("a", of: "a", client)
        }
    }

    @Test func aServerThatNeverReads() async throws {
        let gate = Gate()
        try await withServer { connection, _ in
            try connection.greet()
            try connection.answer(connection.receiveRequest())
            gate.wait()
        } _: { client in
            defer { gate.open() }
            // From here on there is a connection.
            try await expectLabel("first", of: "first", client)
            let text = String(repeating: "x", count: 1 << 20)
            await withTaskGroup(of: ModelClientError.Code?.self) { group in
                for _ in 0..<32 {
                    group.addTask {
                        await failure { _ = try await client.classify(text, model: "m", timeout: .milliseconds(200)) }?
                            .code
                    }
                }
                for await code in group { #expect(code == .deadlineExceeded) }
            }
        }
    }

    @Test func anotherVersionOfTheProtocol() async throws {
        try await withServer { connection, _ in
            try connection.greet(version: 2)
            _ = try? connection.receive()
        } _: { client in
            let error = await failure { _ = try await client.classify("a", model: "m") }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.contains("speaks version 2 of the protocol") == true)
        }
    }

    @Test func aServerThatRefusesTheUser() async throws {
        try await withServer { connection, _ in
            let refusal = Response(status: .permissionDenied, message: "user 1000 may not connect", endOfStream: true)
            try connection.sendFrame(.response(refusal))
        } _: { client in
            let error = await failure { _ = try await client.classify("a", model: "m") }
            #expect(error?.code == .permissionDenied)
            #expect(error?.message == "user 1000 may not connect")
        }
    }

    @Test func aServerThatDoesNotGreet() async throws {
        var configuration = ModelClient.Configuration.patient
        configuration.connectTimeout = .milliseconds(50)
        configuration.waitsForConnection = false
        try await withServer(configuration: configuration) { connection, _ in
            _ = try? connection.receive()
            _ = try? connection.receive()
        } _: { client in
            let error = await failure { _ = try await client.classify("a", model: "m") }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("the server sent no greeting") == true)
        }
    }
}
