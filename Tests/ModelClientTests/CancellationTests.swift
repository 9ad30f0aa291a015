import Messages
import ModelClient
import NIOConcurrencyHelpers
import Testing
import Wire

@Suite(.endsHangs) struct CancellationTests {
    @Test func cancellingATaskCancelsOnTheServer() async throws {
        let requests = Seen<UInt64>()
        let cancels = Seen<UInt64>()
        try await withServer { connection, _ in
            try connection.greet()
            requests.add(try connection.receiveRequest().streamID)
            cancels.add(try connection.receiveCancel())
            try connection.answerAll()
        } _: { client in
            let task = Task { try await client.classify("a", model: "m") }
            let stream = await requests.next()
            task.cancel()
            let error = await failure { _ = try await task.value }
            #expect(error?.code == .cancelled)
            #expect(error?.cause is CancellationError)
            #expect(error?.origin == .client)
            #expect(await cancels.next() == stream)
            try await expectLabel("b", of: "b", client)
        }
    }

    @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
        let seen = Seen<String>()
        try await withServer { connection, _ in
            try connection.greet()
            while true {
                let request = try connection.receiveRequest()
                seen.add(try ClassifyRequest.decode(request.payload).inputs[0].text)
                try connection.answer(request)
            }
        } _: { client in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.classify("never", model: "m")
            }
            #expect(await failure { _ = try await task.value }?.code == .cancelled)
            _ = try await client.classify("first", model: "m")
            #expect(await seen.next() == "first")
        }
    }

    @Test func cancellingBeforeThereIsAConnection() async throws {
        try await withModelClient(at: "/nonexistent/socket", configuration: .patient) { client in
            let task = Task { try await client.classify("a", model: "m") }
            task.cancel()
            #expect(await failure { _ = try await task.value }?.code == .cancelled)
        }
    }

    @Test func theDeadlineHoldsWithoutTheServer() async throws {
        // The requests for "late" and the cancellations, in the order of their arrival.
        let late = NIOLockedValueBox<[Request]>([])
        let cancelled = NIOLockedValueBox<[UInt64]>([])
        try await withServer { connection, _ in
            try connection.greet()
            while true {
                switch try connection.receive() {
                case .request(let request) where request.model == "late": late.withLockedValue { $0.append(request) }
                case .request(let request): try connection.answer(request)
                case .cancel(let cancel):
                    cancelled.withLockedValue { $0.append(cancel.streamID) }
                    // Too late: dropped.
                    for request in late.withLockedValue({ $0 }) { try connection.answer(request) }
                case let frame: throw FakeServerError.unexpected(frame)
                }
            }
        } _: { client in
            // From here on there is a connection.
            try await expectLabel("first", of: "first", client)
            // On a slow machine the timeout can pass before the call is sent; then a longer one is tried.
            var timeout = Duration.milliseconds(100)
            while late.withLockedValue(\.isEmpty) {
                timeout *= 2
                let start = ContinuousClock.now
                let error = await failure { _ = try await client.classify("a", model: "late", timeout: timeout) }
                #expect(error?.code == .deadlineExceeded)
                #expect(start.duration(to: .now) >= timeout)
                // The server has read this last, and so all that was sent before.
                try await expectLabel("b", of: "b", client)
            }
            let requests = late.withLockedValue { $0 }
            let request = try #require(requests.first)
            #expect(requests.count == 1)
            #expect(Duration.microseconds(request.timeoutMicroseconds) <= timeout)
            #expect(cancelled.withLockedValue { $0 } == [request.streamID])
        }
    }

    @Test func aTimeoutOfNothingFailsAtOnce() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            try connection.answerAll()
        } _: { client in
            for timeout in [Duration.zero, .seconds(-5)] {
                let error = await failure { _ = try await client.classify("a", model: "m", timeout: timeout) }
                #expect(error?.code == .deadlineExceeded || error?.code == .unavailable)
            }
            _ = try await client.classify("a", model: "m", timeout: .seconds(Int64.max))
        }
    }

    @Test func leavingAWatchCancelsIt() async throws {
        let cancels = Seen<UInt64>()
        try await withServer { connection, _ in
            try connection.greet()
            let request = try connection.receiveRequest()
            #expect(request.timeoutMicroseconds == 0)
            #expect(try WatchRequest.decode(request.payload).intervalMilliseconds == 20)
            for pid in 1...3 {
                let status = StatusResponse(state: "READY", pid: Int32(pid))
                try connection.answer(request, payload: status.encode(), endOfStream: false)
            }
            cancels.add(try connection.receiveCancel())
            try connection.answerAll()
        } _: { client in
            for try await status in client.watch(interval: .milliseconds(20)) {
                #expect(status.state == "READY")
                if status.pid == 3 { break }
            }
            #expect(await cancels.next() != nil)
        }
    }

    @Test func aWatchThatTheServerEnds() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            try connection.answer(connection.receiveRequest(), payload: StatusResponse(state: "DRAINING").encode())
            try connection.answer(connection.receiveRequest(), .permissionDenied, "not yours")
        } _: { client in
            var states: [String] = []
            for try await status in client.watch() { states.append(status.state) }
            #expect(states == ["DRAINING"])
            let error = await failure { for try await _ in client.watch() {} }
            #expect(error?.code == .permissionDenied)
        }
    }
}
