import ModelClient
import ModelClientTesting
import Synchronization
import Testing

/// Counts up, and notes how far it was read.
private struct Numbers: AsyncSequence, Sendable {
    var count: Int
    var failure: BrokenFeed?
    let read: Counter

    final class Counter: Sendable {
        private let value = Atomic(0)
        var count: Int { value.load(ordering: .acquiring) }
        func add() { value.add(1, ordering: .acquiringAndReleasing) }
    }

    struct Iterator: AsyncIteratorProtocol {
        let numbers: Numbers
        var next = 0

        mutating func next() async throws(BrokenFeed) -> String? {
            try await next(isolation: #isolation)
        }

        mutating func next(isolation actor: isolated (any Actor)?) async throws(BrokenFeed) -> String? {
            guard next < numbers.count else {
                if let failure = numbers.failure { throw failure }
                return nil
            }
            numbers.read.add()
            defer { next += 1 }
            return "\(next)"
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(numbers: self) }
}

private struct BrokenFeed: Error, Equatable {}

@Suite(.endsHangs) struct StreamTests {
    @Test func answersComeInOrder() async throws {
        try await withFake { server, client in
            server.onClassify("m") { text in
                // Later ones are faster.
                if text.text.hasSuffix("0") { try await Task.sleep(for: .milliseconds(2)) }
                return .label(text.text)
            }
            let numbers = Numbers(count: 200, read: .init())
            var labels: [String] = []
            for try await item in client.classify(numbers, model: "m", inFlight: 16) {
                #expect(try item.answer.label == item.input)
                #expect(item.elapsed > .zero)
                labels.append(item.input)
            }
            #expect(labels == (0..<200).map { "\($0)" })
        }
    }

    @Test func aSlowLoopHoldsTheFeedBack() async throws {
        try await withFake { server, client in
            server.onEmbed("m")
            let numbers = Numbers(count: 100, read: .init())
            var taken = 0
            for try await _ in client.embed(numbers, model: "m", inFlight: 4) {
                taken += 1
                #expect(numbers.read.count <= taken + 4)
                for _ in 0..<20 { await Task.yield() }
            }
            #expect(taken == 100)
        }
    }

    @Test func aSlowServerHoldsTheFeedBack() async throws {
        try await withFake { server, client in
            server.onEmbed("m")
            server.inject(.silence, times: .max)
            let numbers = Numbers(count: 1_000, read: .init())
            let task = Task {
                for try await _ in client.embed(numbers, model: "m", inFlight: 4) {}
            }
            _ = await server.waitForRequests(4)
            for _ in 0..<100 { await Task.yield() }
            #expect(numbers.read.count == 4)
            task.cancel()
            try await task.value
            await server.waitForCancellations(4)
        }
    }

    @Test func aCallThatFailsIsAnElement() async throws {
        try await withFake { server, client in
            server.onTag("m") { _ in [] }
            server.inject(.failure(.resourceExhausted, "busy"))
            var failures: [String] = []
            for try await item in client.tag(Numbers(count: 10, read: .init()), model: "m", inFlight: 1) {
                if case .failure(let error) = item.result {
                    failures.append(item.input)
                    #expect(error.message == "busy")
                }
            }
            #expect(failures == ["0"])
        }
    }

    @Test func whatTheFeedThrowsEndsTheLoopAfterTheAnswers() async throws {
        try await withFake { server, client in
            server.onClassify("m") { .label($0.text) }
            let numbers = Numbers(count: 5, failure: BrokenFeed(), read: .init())
            var labels: [String] = []
            let error = await #expect(throws: BrokenFeed.self) {
                for try await item in client.classify(numbers, model: "m") { labels.append(item.input) }
            }
            #expect(error == BrokenFeed())
            #expect(labels == ["0", "1", "2", "3", "4"])
        }
    }

    @Test func leavingTheLoopCancelsWhatWasAhead() async throws {
        try await withFake { server, client in
            server.onAnswer("m") { _ in nil }
            let (questions, continuation) = AsyncStream.makeStream(of: QuestionInput.self)
            for number in 0..<5 { continuation.yield(QuestionInput("\(number)?", context: "c")) }
            for await item in client.answer(questions, model: "m", inFlight: 5) {
                #expect(item.input.question == "0?")
                server.inject(.silence, times: .max)
                for number in 5..<8 { continuation.yield(QuestionInput("\(number)?", context: "c")) }
                let last = await server.waitForRequests(6)
                #expect(last.count >= 6)
                break
            }
            await server.waitForCancellations(1)
        }
    }
}
