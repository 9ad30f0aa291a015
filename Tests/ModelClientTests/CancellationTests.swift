import ModelClient
import Testing
import Wire

@Suite(.timeLimit(.minutes(1))) struct CancellationTests {
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
        try await withModelClient(at: "/nonexistent/socket") { client in
            let task = Task { try await client.classify("a", model: "m") }
            task.cancel()
            #expect(await failure { _ = try await task.value }?.code == .cancelled)
        }
    }

    @Test func theDeadlineHoldsWithoutTheServer() async throws {
        let cancels = Seen<UInt64>()
        let timeouts = Seen<UInt64>()
        try await withServer { connection, _ in
            try connection.greet()
            try connection.answer(connection.receiveRequest())
            let request = try connection.receiveRequest()
            timeouts.add(request.timeoutMicroseconds)
            cancels.add(try connection.receiveCancel())
            // Too late: dropped.
            try connection.answer(request)
            try connection.answerAll()
        } _: { client in
            // From here on there is a connection.
            try await expectLabel("first", of: "first", client)
            let start = ContinuousClock.now
            let error = await failure { _ = try await client.classify("a", model: "m", timeout: .milliseconds(600)) }
            #expect(error?.code == .deadlineExceeded)
            #expect(start.duration(to: .now) >= .milliseconds(600))
            #expect(start.duration(to: .now) < .seconds(20))
            let timeout = try #require(await timeouts.next())
            #expect(timeout <= 600_000)
            #expect(await cancels.next() != nil)
            try await expectLabel("b", of: "b", client)
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
