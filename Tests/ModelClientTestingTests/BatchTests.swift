import ModelClient
import ModelClientTesting
import NIOConcurrencyHelpers
import Testing

@Suite(.endsHangs) struct BatchTests {
    private static func codes(_ results: [Result<Classification, ModelClientError>]) -> [ModelClientError.Code?] {
        results.map { result in
            if case .failure(let error) = result { error.code } else { nil }
        }
    }

    /// Classifies a text as itself; refuses those that begin with "bad".
    private static func prepare(_ server: FakeModelServer) {
        server.onClassify("m") { text in
            guard !text.text.hasPrefix("bad") else {
                throw ModelClientError(code: .invalidArgument, message: "inputs[0].text: bad")
            }
            return .label(text.text)
        }
    }

    @Test func oneThatIsRefusedFailsAlone() async throws {
        try await withFake { server, client in
            Self.prepare(server)
            let texts = (0..<300).map { $0 % 100 == 7 ? "bad \($0)" : "text \($0)" }
            let results = await client.batch(texts) { try await $0.classify($1, model: "m") }.results()
            #expect(results.count == 300)
            for (text, result) in zip(texts, results) {
                switch result {
                case .success(let answer): #expect(answer.label == text)
                case .failure(let error): #expect(error.code == .invalidArgument && text.hasPrefix("bad"))
                }
            }
            #expect(Self.codes(results).filter { $0 != nil }.count == 3)
            #expect(await client.batch([String]()) { try await $0.classify($1, model: "m") }.results().isEmpty)
        }
    }

    @Test func whatAClosureThrowsIsAResult() async throws {
        struct Mine: Error {}
        try await withFake { _, client in
            let results = await client.batch([1]) { (_, _) throws -> Int in throw Mine() }.results()
            guard case .failure(let error) = results[0] else { throw Mine() }
            #expect(error.code == .unknown && error.origin == .client && error.cause is Mine)
        }
    }

    @Test func oneItemIsCancelled() async throws {
        try await withFake { server, client in
            Self.prepare(server)
            server.inject(.silence)
            // The first call gets no answer, and the second waits behind it.
            let batch = client.batch(["a", "b", "c"], inFlight: 1) { try await $0.classify($1, model: "m") }
            _ = await server.waitForRequests(1)
            batch.cancel(1)
            batch.cancel(0)
            batch.cancel(99)
            #expect(Self.codes(await batch.results()) == [.cancelled, .cancelled, nil])
            await server.waitForCancellations(1)
            #expect(server.requests.map(\.texts) == [["a"], ["c"]])
        }
    }

    @Test func resultsComeAsTheyAreThere() async throws {
        try await withFake { server, client in
            Self.prepare(server)
            server.inject(.silence)
            let batch = client.batch(["a", "b", "c"]) { try await $0.classify($1, model: "m") }
            var seen: [Int] = []
            for await item in batch {
                seen.append(item.index)
                if seen.count == 2 { batch.cancelAll() }
            }
            #expect(seen.sorted() == [0, 1, 2])
        }
    }

    @Test func cancellingTheTaskCancelsTheRest() async throws {
        try await withFake { server, client in
            Self.prepare(server)
            server.inject(.silence, times: .max)
            let task = Task {
                await client.batch(["a", "b", "c"], inFlight: 2) { try await $0.classify($1, model: "m") }.results()
            }
            _ = await server.waitForRequests(2)
            task.cancel()
            #expect(Self.codes(await task.value) == [.cancelled, .cancelled, .cancelled])
            await server.waitForCancellations(2)
            #expect(server.requests.count == 2)
        }
    }

    @Test func lettingGoCancels() async throws {
        try await withFake { server, client in
            Self.prepare(server)
            server.inject(.silence, times: .max)
            var batch: Batch? = client.batch(["a", "b"]) { try await $0.classify($1, model: "m") }
            _ = await server.waitForRequests(2)
            #expect(batch != nil)
            batch = nil
            await server.waitForCancellations(2)
        }
    }

    @Test func noMoreAreInFlightThanAsked() async throws {
        let running = NIOLockedValueBox((now: 0, most: 0))
        try await withFake { server, client in
            server.onClassify("m") { text in
                running.withLockedValue { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                await Task.yield()
                running.withLockedValue { $0.now -= 1 }
                return .label(text.text)
            }
            let texts = (0..<100).map { "\($0)" }
            let results = await client.batch(texts, inFlight: 4) { try await $0.classify($1, model: "m") }.results()
            #expect(results.compactMap { try? $0.get().label } == texts)
        }
        #expect(running.withLockedValue { $0.most } <= 4)
    }

    @Test func longListsAreSeveralRequests() async throws {
        try await withFake { server, client in
            Self.prepare(server)
            let texts = (0..<1_000).map { "text \($0)" }
            let answers = try await client.classify(texts, model: "m")
            #expect(answers.map(\.label) == texts)
            #expect(server.requests.count > 1)
            #expect(server.requests.reduce(0) { $0 + $1.texts.count } == 1_000)
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.classify(texts + ["bad"], model: "m")
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func largeTextsAreSeveralFrames() async throws {
        var configuration = FakeModelServer.Configuration()
        configuration.maximumFrameBytes = 5_000
        try await withFake(configuration: configuration) { server, client in
            Self.prepare(server)
            let texts = (0..<10).map { String(repeating: "x", count: 1_500) + "\($0)" }
            let answers = try await client.classify(texts, model: "m")
            #expect(answers.map(\.label) == texts)
            #expect(server.requests.allSatisfy { $0.texts.count <= 3 })
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.classify(texts + [String(repeating: "x", count: 6_000)], model: "m")
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.origin == .client)
        }
    }
}
