import Foundation
import LinuxSystem
import Messages
import Testing
import Wire

@Suite(.timeLimit(.minutes(10))) struct WorkerDeathTests {
    @Test func aKilledWorkerIsReplacedAndItsRequestsAreAnsweredOnce() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        #expect(try client.call("echo before", model: "m").status == .ok)
        let worker = try #require(try client.status().models.first?.workers.first)
        let commands = ["sleep 300"] + (0..<20).map { "echo \($0)" }
        let ids = try commands.map { try client.command($0, model: "m") }
        _ = try client.wait("it computes") { ($0.models.first?.computing ?? 0) > 0 }
        #expect(kill(worker.pid, SIGKILL) == 0)
        #expect(try client.response(ids[0]).status == .ok)
        for (index, id) in ids.dropFirst().enumerated() { #expect(try client.response(id).text == "w1:\(index)") }
        let after = try client.wait("the worker is back") { $0.models.first?.workers.first?.state == "READY" }
        let model = try #require(after.models.first)
        #expect(model.workers.first?.pid != worker.pid)
        #expect(model.workers.first?.restarts == 1)
        #expect(model.workers.first?.lastExit == "killed by SIGKILL")
        #expect(model.replays >= 1)
        #expect(model.requests == 22)
        #expect(isGone(worker.pid, within: 5))
    }

    @Test func aPackIsVerifiedOnceInAGeneration() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"] + onceFlags)
        var client = try server.client()
        #expect(try client.call("verifies", model: "m").text == "true")
        #expect(try client.call("once \(server.folder)/flag crash", model: "m").status == .ok)
        #expect(try client.call("verifies", model: "m").text == "false")
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(try client.call("verifies", model: "m").text == "true")
    }

    @Test func aRequestThatCrashesOnceIsReplayedWithinItsDeadline() throws {
        let server = try TestServer(flags: onceFlags)
        var client = try server.client()
        let response = try client.call("once \(server.folder)/flag crash", model: "m", timeoutMilliseconds: 10_000)
        #expect(response.status == .ok)
        #expect(response.timings?.replays == 1)
    }

    @Test func aRequestThatAlwaysCrashesIsRefusedAndItsNeighboursSucceed() throws {
        let server = try TestServer()
        var client = try server.client()
        let poison = try client.command("crash", model: "m")
        let good = try (0..<7).map { try client.command("echo \($0)", model: "m") }
        let refused = try client.response(poison)
        #expect(refused.status == .failedPrecondition)
        #expect(refused.message.contains("SIGABRT"))
        for (index, id) in good.enumerated() { #expect(try client.response(id).text == "w1:\(index)") }
    }

    /// Rows 33 and 34: it is no model's end that one client sends what crashes its workers, over and over.
    @Test func row34CrashesThatRequestsBringNeverGiveAModelUp() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        for number in 0..<4 {
            let refused = try client.call("crash \(number)", model: "m")
            #expect([.failedPrecondition, .unavailable].contains(refused.status), "\(refused)")
        }
        #expect(try client.call("echo after", model: "m").text == "w1:after")
        let worker = try #require(try client.status().models.first?.workers.first)
        #expect(worker.restarts >= 6)
    }

    /// Row 34: who is refused once is refused at once when it comes again, and ends no more workers.
    @Test func row34APoisonedRequestIsQuarantined() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"], logLevel: "info")
        var client = try server.client()
        for count in 1...3 {
            let refused = try client.call("crash", model: "m")
            #expect(refused.status == .failedPrecondition)
            #expect(refused.message.contains("quarantine_microseconds") == (count > 1), "\(refused.message)")
        }
        #expect(try client.call("echo after", model: "m").text == "w1:after")
        let status = try client.status()
        #expect(status.quarantined == 1)
        #expect(status.models.first?.workers.first?.restarts == 2)
        let lines = try server.log().filter { $0.contains("has ended two workers, and is refused") }
        #expect(lines.count == 1)
        let shown = try ModelServer.modelctl(["status"], socket: server.socket, folder: server.folder)
        #expect(shown.lines.contains("quarantined requests, each of which has ended two workers: 1"), "\(shown)")
    }

    /// Row 67: it is no model's end either that somebody kills its workers, while they have nothing to do.
    @Test func row67KillsFromOutsideNeverGiveAModelUp() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        for count in 1...8 {
            let status = try client.wait("the worker is ready") { $0.models.first?.workers.first?.state == "READY" }
            let worker = try #require(status.models.first?.workers.first)
            #expect(kill(worker.pid, SIGKILL) == 0)
            _ = try client.wait("it is noticed") { $0.models.first?.workers.first?.restarts ?? 0 >= count }
        }
        #expect(try client.call("echo after", model: "m").text == "w1:after")
    }

    /// Rows 39 and 67: while no process can be started, it is tried again, and when it can it is.
    @Test func row67AStartThatFailsIsTriedAgain() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        let before = try #require(try client.status().models.first?.workers.first)
        try server.limitDescriptors(3)
        #expect(kill(before.pid, SIGKILL) == 0)
        let status = try client.wait("it cannot be started") { status in
            status.models.first?.workers.first.map { $0.state == "BACKOFF" && $0.restarts >= 3 } ?? false
        }
        let worker = try #require(status.models.first?.workers.first)
        #expect(worker.lastExit.contains("Too many open files"), "\(worker.lastExit)")
        try server.limitDescriptors(1024)
        #expect(try client.call("echo after", model: "m").text == "w1:after")
    }

    @Test func aWorkerThatSendsGarbageIsKilledAndReplaced() throws {
        let server = try TestServer(flags: onceFlags)
        var client = try server.client()
        let response = try client.call("once \(server.folder)/flag garbage", model: "m")
        #expect(response.status == .ok)
        let workers = try client.wait("all workers are back") { status in
            status.models.allSatisfy { $0.workers.allSatisfy { $0.state == "READY" } }
        }.models.flatMap(\.workers)
        #expect(workers.contains { $0.lastExit.contains("garbage") })
    }

    @Test func workersDieWithTheServerAndItStartsAgainOnTheSamePath() throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w2"])
        var client = try server.client()
        let pids = try client.status().models.flatMap(\.workers).map(\.pid)
        #expect(pids.count >= 2)
        let stream = try client.command("sleep 60000", model: "m")
        _ = stream
        try server.signal(.kill)
        #expect(try server.waitForExit() == .killed(.kill, coreDumped: false))
        for pid in pids { #expect(isGone(pid, within: 1), "worker \(pid) outlived its server") }
        try server.start()
        var second = try server.client()
        #expect(try second.call("echo again", model: "m").text == "w1:again")
    }

    @Test func aModelWithABadCheckpointIsUnavailableAndOthersServe() throws {
        let server = try TestServer(models: ["bad/1": "w", "good/1": "w", "empty/2": "w"])
        try server.write("configuration-error", to: "bad/1/behaviour")
        try server.remove("empty/2/weights")
        var client = try server.client()
        for name in ["bad", "empty", "good"] { _ = try client.reload(name) }
        let models = try client.status().models
        let bad = try #require(models.first { $0.name == "bad" })
        #expect(bad.reason.isEmpty == false, "what serves goes on, with the reason of the failed reload")
        let answer = try client.call("echo", model: "good")
        #expect(answer.status == .ok)
    }

    @Test(arguments: [("exit-at-load", "exit 3"), ("crash", "SIGABRT"), ("garbage", "garbage")])
    func aCrashLoopAtStartIsGivenUp(_ behaviour: String, _ end: String) throws {
        let server = try TestServer(models: ["good/1": "w"])
        try server.write("w2", to: "loop/1/weights")
        try server.write(behaviour, to: "loop/1/behaviour")
        var client = try server.client()
        let results = try client.reload("loop")
        #expect(results.map(\.status) == [.unavailable])
        #expect(results.first?.message.contains("never became ready") == true)
        let refused = try client.call("echo", model: "loop")
        #expect(refused.status == .unavailable)
        #expect(refused.message.contains(end), "\(refused.message)")
        #expect(refused.retryAfterMicroseconds > 0)
        #expect(try client.call("echo", model: "good").status == .ok)
    }

    /// Rows 32 and 67: what has passed needs no operator.
    @Test func row67WhatIsGivenUpServesAgainByItself() throws {
        let server = try TestServer(models: ["good/1": "w"])
        for (name, behaviour) in ["loop": "exit-at-load", "late": "pack-trouble"] {
            try server.write("w2", to: "\(name)/1/weights")
            try server.write(behaviour, to: "\(name)/1/behaviour")
        }
        var client = try server.client()
        let codes = Dictionary(uniqueKeysWithValues: try client.reload().map { ($0.model, $0.status) })
        #expect(codes == ["good@1:fp32": .ok, "late@1:fp32": .unavailable, "loop@1:fp32": .unavailable])
        for model in try client.status().models where model.name != "good" {
            #expect(model.state == "UNAVAILABLE")
            #expect(model.workers.allSatisfy { $0.state == "FAILED" && $0.nextStartMicroseconds > 0 }, "\(model)")
        }
        let shown = try ModelServer.modelctl(["status"], socket: server.socket, folder: server.folder)
        #expect(shown.output.contains("failed, next start in "), "\(shown.output)")
        for name in ["loop", "late"] { try server.remove("\(name)/1/behaviour") }
        _ = try client.wait("they serve again", seconds: 60) { $0.models.allSatisfy { $0.state == "READY" } }
        for name in ["loop", "late"] { #expect(try client.call("echo", model: name).status == .ok) }
    }

    @Test func whatARequestTakesStaysWithItsWorker() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        #expect(try client.call("allocate 64", model: "m").status == .ok)
        // What was measured within the last quarter of a second is not measured again.
        let status = try client.wait("its memory is measured") {
            $0.models.first?.workers.first.map { $0.rssBytes >= 64 << 20 } == true
        }
        #expect(status.models.first?.workers.first?.restarts == 0)
    }

    /// What a worker says of a request can be found by the name that the client logs.
    @Test func anErrorOfAWorkersOwnIsLoggedByTheClientsNames() throws {
        let server = try TestServer(logLevel: "info")
        var client = try server.client()
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let request = Request(
            streamID: 1000,
            method: InferenceMethod.classify.rawValue,
            model: "m",
            requestID: "order-17",
            traceparent: trace,
            payload: Array("fail the layer norm is NaN".utf8)
        )
        try client.send(.request(request))
        let response = try client.response(1000)
        #expect(response.status == .internal && response.message == "the layer norm is NaN")
        let line = try server.log().first { $0.contains("the layer norm is NaN") }
        #expect(line?.contains(#""order-17", traceparent "\#(trace)""#) == true, "\(line ?? "no line")")
    }
}
