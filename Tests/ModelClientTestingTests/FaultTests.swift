import ModelClient
import ModelClientTesting
import Testing

@Suite(.endsHangs) struct FaultTests {
    static let codes: [ModelClientError.Code] = [
        .cancelled, .unknown, .invalidArgument, .deadlineExceeded, .notFound, .alreadyExists, .permissionDenied,
        .resourceExhausted, .failedPrecondition, .aborted, .outOfRange, .unimplemented, .internal, .unavailable,
        .dataLoss,
        .unauthenticated,
    ]

    @Test(arguments: codes) func everyStatus(_ code: ModelClientError.Code) async throws {
        try await withFake { server, client in
            server.onClassify("m") { _ in .label("x") }
            server.inject(.failure(code, "because", retryAfter: .milliseconds(5)))
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.classify("a", model: "m")
            }
            #expect(error?.code == code)
            #expect(error?.message == "because")
            #expect(error?.origin == .server)
            #expect(error?.retryAfter == .milliseconds(5))
            let retryable: Set<ModelClientError.Code> = [.unavailable, .resourceExhausted, .aborted]
            #expect(error?.isRetryable == retryable.contains(code))
            let again = try await client.classify("a", model: "m")
            #expect(again.label == "x", "the next call goes right")
        }
    }

    @Test(arguments: [Fault.disconnect, .cutAnswer]) func lostConnectionsAreRepaired(_ fault: Fault) async throws {
        try await withFake { server, client in
            server.onClassify("m") { text in .label(text.text) }
            server.inject(fault, times: 2)
            let again = try await client.classify("a", model: "m")
            #expect(again.label == "a")
            #expect(server.requests.count == 3)
        }
    }

    @Test func garbageIsAnError() async throws {
        try await withFake { server, client in
            server.onClassify("m") { _ in .label("x") }
            server.inject(.garbage)
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.classify("a", model: "m")
            }
            #expect(error?.code == .internal)
            #expect(error?.origin == .connection)
        }
    }

    @Test func silenceEndsWithTheTimeout() async throws {
        try await withFake { server, client in
            server.onClassify("m") { _ in .label("x") }
            // Connected, so that it is the answer which is waited for.
            _ = try await client.classify("a", model: "m")
            server.inject(.silence, model: "m", times: .max)
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.classify("a", model: "m", timeout: .milliseconds(50))
            }
            #expect(error?.code == .deadlineExceeded)
            server.clearFaults()
            let again = try await client.classify("a", model: "m")
            #expect(again.label == "x")
        }
    }

    @Test func faultsOfOneModelLeaveTheOthers() async throws {
        try await withFake { server, client in
            server.onClassify("m") { _ in .label("x") }
            server.onClassify("n") { _ in .label("y") }
            server.inject(.failure(.unavailable), model: "n")
            server.inject(.delay(.milliseconds(1)), model: "m")
            let again = try await client.classify("a", model: "m")
            #expect(again.label == "x")
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.classify("a", model: "n")
            }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func answersMayThrowStatuses() async throws {
        try await withFake { server, client in
            server.onEmbed("m") { text in
                guard text.text.count < 5 else {
                    throw ModelClientError(code: .invalidArgument, message: "inputs[0].text: too long")
                }
                return [1]
            }
            let vector = try await client.embed("ok", model: "m")
            #expect(vector.values == [1])
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.embed("too long", model: "m")
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func aRestartLosesNothing() async throws {
        try await withFake { server, client in
            server.onClassify("m") { text in .label(text.text) }
            server.inject(.silence)
            async let answer = client.classify("a", model: "m")
            _ = await server.waitForRequests(1)
            try await server.restart(downtime: .milliseconds(5))
            #expect(try await answer.label == "a")
            #expect(server.requests.count == 2)
        }
    }

    @Test func cancellationReachesTheServer() async throws {
        try await withFake { server, client in
            server.onClassify("m") { _ in .label("x") }
            server.inject(.silence)
            let task = Task { try await client.classify("a", model: "m") }
            #expect(await server.waitForRequests(1).first?.texts == ["a"])
            task.cancel()
            await server.waitForCancellations(1)
            #expect(server.cancellations == 1)
            let error = await #expect(throws: ModelClientError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }
}
