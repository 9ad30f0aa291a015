import Foundation
import LinuxSystem
import Messages
import Synchronization
import Testing
import Wire

/// Clients that send more than they should, do not read, or come too many at once. What the server holds of it is bounded, and a
/// client that wants little is served all the while.
@Suite(.timeLimit(.minutes(5))) struct FloodTests {
    /// 16 MiB, and frames of 3 MiB at most.
    private static let flags = ["--set", "memory_budget=16777216", "--set", "max_frame_bytes=3145728"]
    /// What may be held beside the budget.
    private static let slack = 64 << 20
    /// The address sanitizer keeps what is freed, and so measures nothing.
    private static let isMeasured = !ProcessInfo.processInfo.environment.keys.contains("ASAN_OPTIONS")

    private final class Held {
        var client: RawClient
        init(_ client: consuming RawClient) { self.client = client }
    }

    private func expectService(_ client: inout RawClient, within limit: Duration = .seconds(1)) throws {
        let begin = ContinuousClock.now
        let answer = try client.call("echo on", model: "m")
        #expect(answer.text == "w1:on", "\(answer.message)")
        #expect(ContinuousClock.now - begin < limit, "it took \(ContinuousClock.now - begin)")
    }

    // MARK: - Memory

    @Test func row64HalfFramesTogetherStayWithinTheBudget() throws {
        let server = try TestServer(flags: Self.flags, logLevel: "info")
        var client = try server.client()
        let before = try server.memory("VmRSS")
        // Two thirds of the longest frame.
        let half: [UInt8] = [0, 0x30, 0, 0] + Array(repeating: 0, count: 2 << 20)
        var attackers: [Held] = []
        for number in 1...200 {
            let attacker = Held(try RawClient.open(server.socket))
            // Who is closed in the middle of it has sent enough.
            try? attacker.client.send(bytes: half)
            attackers.append(attacker)
            if number.isMultiple(of: 40) { try expectService(&client) }
        }
        let status = try client.status()
        #expect(status.memoryBudget == 16 << 20)
        #expect(status.bufferedBytes > 1 << 20 && status.bufferedBytes <= status.memoryBudget)
        if Self.isMeasured { #expect(try server.memory("VmHWM") < before + (16 << 20) + Self.slack) }
        #expect(try server.log().contains { $0.contains("the server's memory_budget is 16777216") })
        attackers = []
        _ = try client.wait("they are gone") { $0.connections == 1 }
        #expect(try client.status().bufferedBytes < 64 << 10)
        if Self.isMeasured { #expect(try server.memory("VmRSS") < before + (16 << 20), "memory is not given back") }
    }

    @Test func row13ClientsThatNeverReadTogetherStayWithinTheBudget() throws {
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        let before = try server.memory("VmRSS")
        let request = Array("preparing echo \(String(repeating: "x", count: 1 << 20))".utf8)
        var attackers: [Held] = []
        for number in 1...50 {
            let attacker = Held(try RawClient.open(server.socket))
            for _ in 0..<4 {
                _ = try? attacker.client.start(InferenceMethod.classify.rawValue, model: "m", payload: request)
            }
            attackers.append(attacker)
            if number.isMultiple(of: 10) { try expectService(&client, within: .seconds(5)) }
        }
        let status = try client.status()
        #expect(status.bufferedBytes > 1 << 20 && status.bufferedBytes <= status.memoryBudget)
        if Self.isMeasured { #expect(try server.memory("VmHWM") < before + (16 << 20) + Self.slack) }
        #expect(attackers.count == 50)
    }

    /// The worker is stopped, and whoever asks it gives up.
    @Test func row63GivenUpRequestsDoNotPileUpTowardsAWorker() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"] + Self.flags)
        var client = try server.client()
        let before = try server.memory("VmRSS")
        let worker = try #require(try client.status().models.first?.workers.first)
        #expect(kill(worker.pid, SIGSTOP) == 0)
        let large = Array("echo \(String(repeating: "x", count: 2 << 20))".utf8)
        for _ in 0..<40 {
            let stream = try client.start(
                InferenceMethod.classify.rawValue,
                model: "m",
                payload: large,
                timeoutMilliseconds: 5
            )
            #expect(try client.response(stream).status == .deadlineExceeded)
        }
        let status = try client.status()
        #expect(status.bufferedBytes > 1 << 20 && status.bufferedBytes < 4 << 20, "\(status.bufferedBytes)")
        if Self.isMeasured { #expect(try server.memory("VmHWM") < before + Self.slack) }
        #expect(kill(worker.pid, SIGCONT) == 0)
        try expectService(&client, within: .seconds(5))
    }

    // MARK: - Time

    @Test func row12AFrameThatDribblesIsRefused() throws {
        let server = try TestServer()
        var client = try server.client()
        var slow = try RawClient.open(server.socket)
        let begin = ContinuousClock.now
        try slow.send(bytes: [0, 0, 1, 0])
        while ContinuousClock.now - begin < .seconds(20) {
            do { try slow.send(bytes: [0]) } catch { break }
            usleep(200_000)
        }
        let time = ContinuousClock.now - begin
        #expect(time > .seconds(5) && time < .seconds(10), "\(time)")
        let answer = try slow.response(0)
        #expect(answer.status == .deadlineExceeded)
        #expect(answer.message.contains("is not whole"), "\(answer.message)")
        try expectService(&client)
    }

    // MARK: - Turns

    @Test func row70AStormOfControlCallsHoldsUpNobody() throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w2"])
        var client = try server.client()
        var storm = try RawClient.open(server.socket)
        let request = StatusRequest(verbose: true).encode()
        var frames: [UInt8] = []
        for stream in 1...4000 {
            let call = Request(streamID: UInt64(stream), method: ControlMethod.status.rawValue, payload: request)
            frames += try FrameEncoder.encode(Frame.request(call))
        }
        try storm.send(bytes: frames)
        try expectService(&client)
        for stream in 1...4000 { #expect(try storm.response(UInt64(stream)).status == .ok) }
    }

    @Test func row76AStormOfConnectionsHoldsUpNobody() throws {
        let server = try TestServer()
        var client = try server.client()
        final class Storm: Sendable {
            let isOver = Atomic(false)
            let connected = Atomic(0)
        }
        let storm = Storm()
        let group = DispatchGroup()
        for _ in 0..<3 {
            group.enter()
            Thread.detachNewThread { [socket = server.socket] in
                while !storm.isOver.load(ordering: .relaxed) {
                    if (try? UnixStream.connect(to: socket)) != nil { storm.connected.add(1, ordering: .relaxed) }
                }
                group.leave()
            }
        }
        defer {
            storm.isOver.store(true, ordering: .relaxed)
            group.wait()
        }
        let begin = ContinuousClock.now
        while ContinuousClock.now - begin < .seconds(2) { try expectService(&client) }
        #expect(storm.connected.load(ordering: .relaxed) > 200, "so the test is one")
    }

    // MARK: - The end of input

    @Test func row75WhoEndsItsSideGetsItsAnswers() throws {
        let server = try TestServer()
        var client = try server.client()
        var half = try RawClient.open(server.socket)
        let stream = try half.command("sleep 300", model: "m")
        try half.endInput()
        #expect(try half.response(stream).text == "w1:sleep 300")
        #expect(try half.receive(seconds: 5) == nil, "it is closed when it has everything")
        #expect(try client.status().connections == 1)
        // One that hangs up is gone, and does not wait.
        do {
            let gone = try RawClient.open(server.socket)
            _ = try gone.endInput()
        }
        _ = try client.wait("it is gone", seconds: 5) { $0.connections == 1 }
    }
}
