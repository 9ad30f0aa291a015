import Dispatch
import Messages
import ModelClient
import NIOConcurrencyHelpers
import TestSupport
import Testing
import Wire

@Suite(.endsHangs) struct ReconnectTests {
    @Test func whatWasNotAnsweredIsSentAgain() async throws {
        let seen = Seen<[String]>()
        try await withServer { connection, number in
            try connection.greet()
            guard number == 1 else { return try connection.answerAll() }
            var texts: [String] = []
            var requests: [Request] = []
            for _ in 0..<3 {
                requests.append(try connection.receiveRequest())
                texts.append(try ClassifyRequest.decode(requests[requests.count - 1].payload).inputs[0].text)
            }
            try connection.answer(requests[1])
            seen.add(texts)
        } _: { client in
            try await withThrowingTaskGroup(of: String.self) { group in
                for text in ["a", "b", "c"] { group.addTask { try await client.classify(text, model: "m").label } }
                var labels: Set<String> = []
                for try await label in group { labels.insert(label) }
                #expect(labels == ["a", "b", "c"])
            }
            #expect(Set(await seen.next() ?? []) == ["a", "b", "c"])
        }
    }

    @Test func aReloadIsNotSentAgain() async throws {
        try await withServer { connection, number in
            try connection.greet()
            guard number == 1 else { return try connection.answerAll() }
            _ = try connection.receiveRequest()
        } _: { client in
            let error = await failure { _ = try await client.reload() }
            #expect(error?.code == .unavailable)
            #expect(error?.isRetryable == false)
            #expect(error?.message.contains("may or may not have been done") == true)
            _ = try await client.classify("a", model: "m")
        }
    }

    @Test func aWatchGoesOnAfterALoss() async throws {
        try await withServer { connection, number in
            try connection.greet()
            let request = try connection.receiveRequest()
            let status = StatusResponse(pid: Int32(number))
            try connection.answer(request, payload: status.encode(), endOfStream: false)
            if number == 3 { _ = try connection.receiveCancel() }
        } _: { client in
            for try await status in client.watch() where status.pid == 3 { break }
        }
    }

    @Test func aCallWaitsForTheServer() async throws {
        let folder = try TemporaryFolder()
        let path = folder("later")
        try await withModelClient(at: path, configuration: .patient) { client in
            let answer = Task { try await client.classify("a", model: "m") }
            // Time for an attempt that fails; the outcome does not depend on it.
            try await Task.sleep(for: .milliseconds(30))
            try await withFakeServer(path: path) { connection, _ in
                try connection.greet()
                try connection.answerAll()
            } _: { _ in
                let answered = try await answer.value
                #expect(answered.label == "a")
            }
        }
    }

    /// Whatever the delay is otherwise: a server that is started again is met soon.
    @Test func whereAServerWasItIsLookedForOften() async throws {
        let folder = try TemporaryFolder()
        func start() throws -> FakeServer {
            try FakeServer(path: folder("s")) { connection, _ in
                try connection.greet()
                try connection.answerAll()
            }
        }
        var configuration = ModelClient.Configuration.patient
        configuration.initialReconnectDelay = .seconds(600)
        var server = try start()
        try await withModelClient(at: server.path, configuration: configuration) { client in
            for _ in 0..<3 {
                let answer = try await client.classify("a", model: "m", timeout: .seconds(300))
                #expect(answer.label == "a")
                await server.stop()
                server = try start()
            }
        }
        await server.stop()
    }

    @Test func withoutAServerTheCallSaysSo() async throws {
        try await withModelClient(at: "/nonexistent/modeld.sock") { client in
            // On a slow machine the timeout can pass before the first attempt to connect; then a longer one is tried.
            var timeout = Duration.milliseconds(50)
            var error: ModelClientError?
            repeat {
                timeout *= 2
                error = await failure { _ = try await client.classify("a", model: "m", timeout: timeout) }
            } while error?.code == .unavailable && error?.cause == nil
            #expect(error?.code == .unavailable)
            #expect(error?.isRetryable == true)
            #expect(error?.message.contains("'/nonexistent/modeld.sock'") == true)
            let cause = error?.cause as? ModelClientError
            #expect(cause?.message.contains("No such file or directory") == true)
        }
    }

    @Test func aCallThatDoesNotWaitFailsAtOnce() async throws {
        var configuration = ModelClient.Configuration.patient
        configuration.waitsForConnection = false
        try await withModelClient(at: "/nonexistent/modeld.sock", configuration: configuration) { client in
            for _ in 0..<3 {
                // A call that waited would tell of its timeout instead.
                let error = await failure { _ = try await client.classify("a", model: "m") }
                #expect(error?.code == .unavailable)
                #expect(
                    error?.message
                        == "cannot connect to '/nonexistent/modeld.sock': No such file or directory; is modeld running?"
                )
                #expect(error?.model == "m")
            }
        }
    }

    @Test func goAwayMovesNewCallsToANewConnection() async throws {
        let first = Seen<Void>()
        let gate = Gate()
        let numbers = Seen<Int>()
        try await withServer { connection, number in
            try connection.greet()
            if number == 1 {
                let request = try connection.receiveRequest()
                try connection.sendFrame(.goAway(GoAway(reason: "restarting")))
                // When the ping is answered, the go-away has been read.
                try connection.sendFrame(.ping(Ping(id: 1)))
                guard case .ping = try connection.receive() else { return }
                first.add(())
                gate.wait()
                try connection.answer(request)
                // The client closes it, for it is owed nothing more.
                #expect(throws: FakeServerError.self) { try connection.receive() }
                numbers.add(1)
            } else {
                let request = try connection.receiveRequest()
                numbers.add(number)
                try connection.answer(request)
                try connection.answerAll()
            }
        } _: { client in
            defer { gate.open() }
            async let old = client.classify("old", model: "m")
            await first.next()
            try await expectLabel("new", of: "new", client)
            #expect(await numbers.next() == 2)
            gate.open()
            let answered = try await old
            #expect(answered.label == "old")
            #expect(await numbers.next() == 1)
        }
    }

    @Test func whatCrossesAGoAwayIsSentAgain() async throws {
        try await withServer { connection, number in
            try connection.greet()
            guard number == 1 else { return try connection.answerAll() }
            let request = try connection.receiveRequest()
            try connection.sendFrame(.goAway(GoAway(reason: "restarting")))
            try connection.answer(request, .unavailable, "draining")
        } _: { client in
            try await expectLabel("a", of: "a", client)
        }
    }

    @Test func whatCrossesAGoAwayIsSentAgainAlsoWhenTheNextConnectionIsOpenAlready() async throws {
        let isOpen = DispatchSemaphore(value: 0)
        try await withServer { connection, number in
            try connection.greet()
            if number == 1 {
                let request = try connection.receiveRequest()
                try connection.sendFrame(.goAway(GoAway(reason: "restarting")))
                guard isOpen.wait(timeout: .now() + 30) == .success else { return }
                try connection.answer(request, .unavailable, "draining")
                try connection.answerAll()
            } else {
                // The answer to a ping says that the client has read the greeting before it.
                try connection.sendFrame(.ping(Ping(id: 7)))
                guard case .ping = try connection.receive() else { return }
                isOpen.signal()
                try connection.answerAll()
            }
        } _: { client in
            try await expectLabel("a", of: "a", client)
        }
    }

    @Test func aServerThatGreetsAndLeavesIsNotHammered() async throws {
        let connections = Seen<Int>()
        let most = NIOLockedValueBox(0)
        let start = ContinuousClock.now
        try await withServer { connection, number in
            most.withLockedValue { $0 = max($0, number) }
            try connection.greet()
            try connection.sendFrame(.goAway(GoAway(reason: "draining")))
            connections.add(number)
            _ = try? connection.receive()
        } _: { client in
            let error = await failure { _ = try await client.classify("a", model: "m", timeout: .milliseconds(300)) }
            #expect(error?.isRetryable == true || error?.code == .deadlineExceeded)
            while let number = await connections.next(), number < 4 {}
            let made = most.withLockedValue { $0 }
            // Two at once, then after 20, 40, 80 … ms, of which up to a fifth is taken off at random, at most 2 s.
            var allowed = 2
            var (elapsed, delay) = (start.duration(to: .now), Duration.milliseconds(16))
            while elapsed >= delay {
                allowed += 1
                elapsed -= delay
                delay = min(delay * 2, .milliseconds(1_600))
            }
            #expect(made >= 4)
            #expect(made <= allowed)
        }
    }
}
