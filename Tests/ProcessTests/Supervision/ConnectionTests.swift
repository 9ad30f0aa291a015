import Foundation
import LinuxSystem
import Messages
import Testing
import Wire

@Suite(.timeLimit(.minutes(10))) struct ConnectionTests {
    let server: TestServer

    init() throws { server = try TestServer() }

    @Test func helloCarriesTheLimits() throws {
        let client = try RawClient.open(server.socket)
        #expect(client.serverHello?.protocolVersion == WireProtocol.version)
        #expect(client.serverHello?.maxFrameBytes == 16 << 20)
    }

    @Test func anotherProtocolVersionIsRefusedClearly() throws {
        var client = try RawClient(connectingTo: server.socket)
        try client.send(.hello(Hello(protocolVersion: 99)))
        let answer = try client.response(0)
        #expect(answer.status == .failedPrecondition)
        #expect(answer.message.contains("99"))
        try expectClosed(&client)
    }

    @Test func theFirstFrameMustBeHello() throws {
        var client = try RawClient(connectingTo: server.socket)
        _ = try client.command("echo", model: "m")
        #expect(try client.response(0).status == .failedPrecondition)
        try expectClosed(&client)
    }

    @Test func anOversizePrefixIsRefusedWithoutAllocating() throws {
        var client = try server.client()
        let before = try client.status().pssBytes
        var hostile = try RawClient.open(server.socket)
        try hostile.send(bytes: [0xff, 0xff, 0xff, 0xff])
        #expect(try hostile.response(0).status == .resourceExhausted)
        try expectClosed(&hostile)
        #expect(try client.status().pssBytes < before + (8 << 20))
    }

    @Test func malformedProtobufIsAnsweredAndTheConnectionKept() throws {
        var client = try server.client()
        try client.send(bytes: [0, 0, 0, 3, 0xff, 0xff, 0xff])
        #expect(try client.response(0).status == .invalidArgument)
        // A request (field 2) of stream 77 (field 1) whose model (field 3) is no UTF-8.
        try client.send(bytes: [0, 0, 0, 7, 0x12, 0x05, 0x08, 77, 0x1a, 0x01, 0xff])
        let answer = try client.response(77)
        #expect(answer.status == .invalidArgument)
        #expect(answer.message.contains("model"))
        #expect(try client.call("echo on", model: "m").text == "w1:on")
    }

    @Test func halfAFrameDispatchesNothing() throws {
        var client = try server.client()
        do {
            let half = try RawClient.open(server.socket)
            let request = Request(
                streamID: 1,
                method: InferenceMethod.classify.rawValue,
                model: "m",
                payload: Array("echo".utf8)
            )
            try half.send(bytes: try FrameEncoder.encode(Frame.request(request)).dropLast(3))
        }
        #expect(try client.call("echo on", model: "m").status == .ok)
        #expect(try client.status().models.first?.requests == 1)
    }

    @Test func pingIsAnswered() throws {
        var client = try RawClient.open(server.socket)
        try client.send(.ping(Ping(id: 42)))
        #expect(try client.receive() == .ping(Ping(id: 42, ack: true)))
    }

    @Test func aStreamMustNotBeUsedTwice() throws {
        var client = try server.client()
        let request = Request(
            streamID: 9,
            method: InferenceMethod.classify.rawValue,
            model: "m",
            payload: Array("sleep 200".utf8)
        )
        try client.send(.request(request))
        try client.send(.request(request))
        #expect(try client.response(0).message.contains("stream 9"))
        try expectClosed(&client)
    }

    @Test func aClientThatNeverReadsIsClosedAndOthersGoOn() throws {
        let bounded = try TestServer(flags: ["--set", "max_output_bytes=65536"])
        var client = try bounded.client()
        let deaf = try RawClient.open(bounded.socket)
        let payload = Array("echo \(String(repeating: "x", count: 60_000))".utf8)
        var isClosed = false
        for stream in 1...200 {
            let request = Request(
                streamID: UInt64(stream),
                method: InferenceMethod.classify.rawValue,
                model: "m",
                payload: payload
            )
            do { try deaf.send(.request(request)) } catch { isClosed = true }
            if isClosed { break }
        }
        if !isClosed { _ = try client.wait("it is closed") { $0.connections == 1 } }
        #expect(try client.call("echo on", model: "m").status == .ok)
    }

    /// A client is closed for its unread output in the middle of what one read brought. What lies behind is nobody's: a
    /// Watch in it would keep the descriptor and the output for ever.
    @Test func whatArrivesWithTheEndOfAClientIsNotHandled() throws {
        // The more models, the longer the status.
        let models = Dictionary(uniqueKeysWithValues: (1...6).map { ("m\($0)/1", "w") } + [("m/1", "w1")])
        let bounded = try TestServer(models: models, flags: ["--set", "max_output_bytes=65536"])
        var client = try bounded.client()
        let before = try bounded.openDescriptors()
        let status = StatusRequest().encode()
        // The clients' sides stay open, so that nothing but the server's own decision closes a connection.
        final class Held {
            let client: RawClient
            init(_ client: consuming RawClient) { self.client = client }
        }
        var held: [Held] = []
        for _ in 0..<10 {
            let greedy = Held(try RawClient.open(bounded.socket))
            var frames: [UInt8] = []
            for stream in 1...600 {
                let request = Request(streamID: UInt64(stream), method: ControlMethod.status.rawValue, payload: status)
                frames += try FrameEncoder.encode(Frame.request(request))
            }
            let watch = WatchRequest(intervalMilliseconds: 100).encode()
            let reload = ReloadRequest(model: "m").encode()
            for (stream, method, payload) in [
                (UInt64(601), ControlMethod.watch.rawValue, watch), (602, ControlMethod.reload.rawValue, reload),
            ] {
                let request = Request(streamID: stream, method: method, payload: payload)
                frames += try FrameEncoder.encode(Frame.request(request))
            }
            #expect(frames.count < 64 << 10, "it is to be taken by one read")
            try greedy.client.send(bytes: frames)
            held.append(greedy)
        }
        let after = try client.wait("the clients are gone") { $0.connections == 1 }
        #expect(after.models.allSatisfy { $0.generation == 1 }, "a reload was behind the end")
        #expect(try bounded.openDescriptors() == before)
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(held.count == 10)
    }

    /// Reads what is left; the server must end the connection.
    private func expectClosed(_ client: inout RawClient) throws {
        while let frame = try client.receive(seconds: 5) {
            if case .response(let response) = frame { Issue.record("unexpected \(response)") }
        }
    }
}
