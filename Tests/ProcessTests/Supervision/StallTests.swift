import Foundation
import LinuxSystem
import Messages
import ModelFiles
import TestSupport
import Testing
import Wire

/// Workers that are there and do not go on: they are killed, the slot goes on, and they are started again. Every model
/// has one worker, on the one slot.
@Suite(.timeLimit(.minutes(10))) struct StallTests {
    private static let flags = ["--threads-per-worker", "64", "--set", "stall_timeout_microseconds=1500000"]

    private func worker(of model: String, _ client: inout RawClient) throws -> WorkerStatus {
        try #require(try client.status().models.first { $0.name == model }?.workers.first)
    }

    /// Waits until the worker is another process, and ready.
    private func waitForRestart(of model: String, _ old: WorkerStatus, _ client: inout RawClient) throws -> WorkerStatus
    {
        let status = try client.wait("the worker of \(model) is replaced") { status in
            guard let worker = status.models.first(where: { $0.name == model })?.workers.first else { return false }
            return worker.state == "READY" && worker.restarts > old.restarts
        }
        return try #require(status.models.first { $0.name == model }?.workers.first)
    }

    /// A worker that was stopped while idle, and then asked.
    @Test func aStoppedWorkerIsReplacedAndTheOtherModelsAnswer() throws {
        let server = try ModelServer(settings: Self.flags)
        try server.waitUntilReady()
        var client = try RawClient.open(server.socket)
        let before = try worker(of: "encoder", &client)
        #expect(kill(before.pid, SIGSTOP) == 0)
        let request = EmbedRequest(inputs: [TextInput(text: "the")]).encode()
        let method = "inference.v1.Inference/Embed"
        let hung = try client.start(method, model: "encoder", payload: request, timeoutMilliseconds: 300)
        #expect(try client.response(hung).status == .deadlineExceeded)
        // It is long over for the client, and the worker still owes its batch; its slot is not its alone any more.
        let other = try client.start(method, model: "sentiment", payload: request)
        #expect(try client.response(other).status == .ok)
        let after = try waitForRestart(of: "encoder", before, &client)
        #expect(after.pid != before.pid)
        #expect(after.lastExit == "no progress for 1500 ms (killed by SIGKILL)")
        #expect(isGone(before.pid, within: 5))
        let again = try client.start(method, model: "encoder", payload: request)
        #expect(try client.response(again).status == .ok)
    }

    /// Row 3: nobody has to ask it. The other one, as idle, says every second that it is there.
    @Test func row3AnIdleWorkerThatIsStoppedIsReplacedBeforeSomebodyAsks() throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w2"], flags: Self.flags)
        var client = try server.client()
        let (before, other) = (try worker(of: "m", &client), try worker(of: "n", &client))
        #expect(kill(before.pid, SIGSTOP) == 0)
        let begin = ContinuousClock.now
        #expect(isGone(before.pid, within: 10))
        // The limit and two seconds, and something for a machine that is busy.
        #expect(ContinuousClock.now - begin < .milliseconds(1500 + 2000 + 1000))
        let after = try waitForRestart(of: "m", before, &client)
        #expect(after.lastExit == "no sign of life for 3500 ms (killed by SIGKILL)")
        #expect(try client.call("pid", model: "m").text == "\(after.pid)")
        let same = try worker(of: "n", &client)
        #expect(same.pid == other.pid && same.restarts == 0)
    }

    /// Row 73: it has nothing to do, so nobody waits for it, whether it was silent before or is found so.
    @Test(arguments: [true, false]) func row73AStoppedIdleWorkerHoldsUpNeitherAReloadNorTheEnd(wasSilent: Bool) throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        func stop() throws -> Int32 {
            let worker = try worker(of: "m", &client)
            #expect(kill(worker.pid, SIGSTOP) == 0)
            // Two silent seconds, after which it is not even asked to exit.
            if wasSilent { usleep(2_100_000) }
            return worker.pid
        }
        let old = try stop()
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(isGone(old, within: wasSilent ? 1 : 4))
        _ = try stop()
        let begin = ContinuousClock.now
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
        #expect(ContinuousClock.now - begin < .seconds(wasSilent ? 2 : 5))
    }

    /// Stopped, and computing without ever looking at its channel.
    @Test(arguments: ["hang", "spin"])
    func aRequestThatHangsIsSentAgainOnceAndItsNeighboursSucceed(_ fault: String) throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w2"], flags: Self.flags)
        var client = try server.client()
        let poison = try client.command(fault, model: "m")
        let mates = try (0..<5).map { try client.command("echo \($0)", model: "m") }
        let others = try (0..<5).map { try client.command("echo \($0)", model: "n") }
        for stream in mates + others { #expect(try client.response(stream).status == .ok) }
        let refused = try client.response(poison)
        #expect(refused.status == .failedPrecondition)
        #expect(refused.message.contains("no progress for 1500 ms"), "\(refused.message)")
    }

    /// Longer than the limit, with a sign of life now and then.
    @Test func aWorkerThatGoesOnIsLeftAlone() throws {
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        #expect(try client.call("sleep 4000", model: "m").status == .ok)
        #expect(try worker(of: "m", &client).restarts == 0)
    }

    /// The same with a real one: one batch of many steps.
    @Test func aLongBatchIsComputedToItsEnd() throws {
        let checkpoint = SeededCheckpoint(family: .bert, hidden: 128, layers: 8, intermediate: 512)
        let server = try ModelServer(models: ["m/1": checkpoint], settings: Self.flags)
        try server.waitUntilReady()
        var client = try RawClient.open(server.socket)
        let text = TextInput(text: String(repeating: "the a ", count: 100))
        var texts = 64
        var seconds = 0.0
        while seconds < 4, texts < 100_000 {
            let payload = EmbedRequest(inputs: Array(repeating: text, count: texts)).encode()
            let method = InferenceMethod.embed.rawValue
            let stream = try client.start(method, model: "m", payload: payload, timeoutMilliseconds: 110_000)
            let response = try client.response(stream, seconds: 120)
            try #require(response.status == .ok, "\(response.message)")
            seconds = Double(response.timings?.computeMicroseconds ?? 0) / 1e6
            texts = max(texts * 2, min(16 * texts, Int(Double(texts) * 5 / max(seconds, 0.01))))
        }
        #expect(seconds >= 4, "the test never computed for longer than the limit")
        #expect(try worker(of: "m", &client).restarts == 0)
    }

    /// The old generation of a reload, and a server that ends, wait for a stuck worker no longer than that either.
    @Test func aStuckWorkerHoldsUpNeitherAReloadNorTheEnd() throws {
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        let hung = try client.command("hang", model: "m", timeoutMilliseconds: 200)
        #expect(try client.response(hung).status == .deadlineExceeded)
        let begin = ContinuousClock.now
        #expect(try client.reload("m").map(\.status) == [.ok])
        let again = try client.command("hang", model: "m", timeoutMilliseconds: 200)
        #expect(try client.response(again).status == .deadlineExceeded)
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
        #expect(ContinuousClock.now - begin < .seconds(16))
    }

    @Test func withoutALimitAWorkerMayTakeItsTime() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64", "--set", "stall_timeout_microseconds=0"])
        var client = try server.client()
        let before = try worker(of: "m", &client)
        #expect(kill(before.pid, SIGSTOP) == 0)
        let stopped = try client.command("echo late", model: "m", timeoutMilliseconds: 500)
        #expect(try client.response(stopped).status == .deadlineExceeded)
        #expect(kill(before.pid, SIGCONT) == 0)
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(try worker(of: "m", &client).pid == before.pid)
    }
}
