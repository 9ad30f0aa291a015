import Foundation
import LinuxSystem
import Messages
import Testing
import Wire

@Suite(.timeLimit(.minutes(10))) struct ServingTests {
    @Test func requestsAreAnsweredByTheModelThatTheyName() throws {
        let server = try TestServer(models: ["a/1": "one", "a/2": "two", "b/1": "bee"])
        var client = try server.client()
        #expect(try client.call("echo x", model: "a").text == "two:x", "the highest version")
        #expect(try client.call("echo x", model: "a@1:fp32").text == "one:x")
        let response = try client.call("echo x", model: "b")
        #expect(response.text == "bee:x")
        #expect(response.model == "b@1:fp32")
        #expect(response.endOfStream)
        #expect((response.timings?.batchRequests ?? 0) == 1)
    }

    @Test func manyCallsAreInFlightOnOneConnection() throws {
        let server = try TestServer()
        var client = try server.client()
        let streams = try (0..<500).map { try client.command("echo \($0)", model: "m") }
        for (index, stream) in streams.enumerated().reversed() {
            #expect(try client.response(stream).text == "w1:\(index)")
        }
        let status = try client.status()
        #expect(status.models.first?.requests == 500)
        #expect(status.models.first?.failures == 0)
    }

    @Test func wrongRequestsHaveOneClearAnswerEach() throws {
        let server = try TestServer(models: ["m/1": "w", "other/3": "w"])
        var client = try server.client()
        let unknown = try client.call("echo", model: "nope")
        #expect(unknown.status == .notFound)
        #expect(unknown.message.contains("m, other"), "it lists the models there are")
        #expect(try client.call("echo", model: "other@1").message.contains("it has 3"))
        #expect(try client.call("echo", model: "m:int8").status == .notFound)
        #expect(try client.call("echo", model: "a b").status == .invalidArgument)
        let method = try client.response(try client.start("inference.v1.Inference/Dance", model: "m"))
        #expect(method.status == .unimplemented)
        let urgent = try client.response(
            try client.start(InferenceMethod.classify.rawValue, model: "m", payload: Array("echo".utf8), priority: 7)
        )
        #expect(urgent.status == .invalidArgument && urgent.message.contains("7"))
        let refused = try client.call("refuse", model: "m")
        #expect(refused.status == .invalidArgument)
        #expect(try client.call("echo still", model: "m").status == .ok)
    }

    @Test func deadlinesAreAnsweredInTimeWhileComputingAndInTheQueue() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        let begin = ContinuousClock.now
        let computing = try client.command("sleep 5000", model: "m", timeoutMilliseconds: 1000)
        _ = try client.wait("it computes") { ($0.models.first?.computing ?? 0) > 0 }
        let queued = try client.command("echo late", model: "m", timeoutMilliseconds: 100)
        let late = try [client.response(queued), client.response(computing)]
        #expect(late.map(\.status) == [.deadlineExceeded, .deadlineExceeded])
        let elapsed = ContinuousClock.now - begin
        #expect(elapsed >= .seconds(1) && elapsed < .seconds(4), "\(elapsed)")
        #expect(try client.call("echo on", model: "m").status == .ok, "the worker stopped when it was revoked")
    }

    @Test func cancellingFreesTheSlot() throws {
        let server = try TestServer()
        var client = try server.client()
        let long = try client.command("sleep 60000", model: "m")
        let short = try client.command("echo next", model: "m")
        try client.send(.cancel(Cancel(streamID: long)))
        #expect(try client.response(long).status == .cancelled)
        #expect(try client.response(short).status == .ok)
    }

    @Test func aClientThatVanishesFreesTheSlot() throws {
        let server = try TestServer()
        var client = try server.client()
        do {
            var other = try RawClient.open(server.socket)
            _ = try other.command("sleep 60000", model: "m")
            _ = try client.wait("it computes") { ($0.models.first?.computing ?? 0) > 0 }
        }
        #expect(try client.call("echo next", model: "m").status == .ok)
        #expect(try client.status().connections == 1)
    }

    @Test func aFullQueueRefusesAtOnceWithAHint() throws {
        let server = try TestServer()
        try server.write("max_queue_size: 3\nmax_batch_tokens: 1\n", to: "m/config.yaml")
        var client = try server.client()
        #expect(try client.reload("m").map(\.status) == [.ok])
        // One computes and three wait, for each slot that there is.
        let first = try client.command("sleep 500", model: "m")
        _ = try client.wait("it computes") { ($0.models.first?.computing ?? 0) > 0 }
        let streams = try (0..<40).map { _ in try client.command("echo", model: "m") }
        var refused = 0
        for stream in streams {
            let response = try client.response(stream)
            guard response.status != .ok else { continue }
            refused += 1
            #expect(response.status == .resourceExhausted)
            #expect(response.retryAfterMicroseconds > 0)
        }
        #expect(refused > 0)
        #expect(try client.response(first).status == .ok)
    }
}
