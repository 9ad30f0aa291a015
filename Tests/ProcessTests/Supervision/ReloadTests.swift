import Foundation
import LinuxSystem
import Messages
import Testing
import Wire

@Suite(.timeLimit(.minutes(10))) struct ReloadTests {
    @Test func aReloadSwapsGenerationsAndLosesNothing() throws {
        let server = try TestServer()
        var client = try server.client()
        let old = try client.status().models[0].workers.map(\.pid)
        for round in 2...6 {
            try server.write("w\(round)", to: "m/1/weights")
            let streams = try (0..<50).map { try client.command("echo \($0)", model: "m") }
            let results = try client.reload("m")
            #expect(results.map(\.status) == [.ok])
            #expect(results.first?.generation == UInt64(round))
            let more = try (0..<50).map { try client.command("echo \($0)", model: "m") }
            for (index, stream) in (streams + more).enumerated() {
                let response = try client.response(stream)
                #expect(response.status == .ok)
                let weights = response.text.split(separator: ":").first
                #expect(weights == "w\(round)" || (index < 50 && weights == "w\(round - 1)"))
            }
        }
        #expect(old.allSatisfy { isGone($0, within: 5) })
        let model = try client.status().models[0]
        #expect(model.failures == 0)
        #expect(Set(model.workers.map(\.generation)) == [6])
    }

    @Test(arguments: ["configuration-error", "exit-at-load", "pack-error"])
    func aFailedReloadLeavesTheOldGenerationServing(behaviour: String) throws {
        let server = try TestServer()
        var client = try server.client()
        try server.write("w2", to: "m/1/weights")
        try server.write(behaviour, to: "m/1/behaviour")
        let results = try client.reload("m")
        #expect(results.count == 1)
        #expect(results.first?.status != .ok)
        #expect(results.first?.message.isEmpty == false)
        #expect(results.first?.generation == 1)
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        let model = try client.status().models[0]
        #expect(model.state == "READY")
        #expect(model.reason == results.first?.message)
        try server.remove("m/1/behaviour")
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(try client.call("echo on", model: "m").text == "w2:on")
        #expect(try client.status().models[0].reason == "")
    }

    @Test func aNewGenerationThatIsNeverReadyIsRolledBack() throws {
        let server = try TestServer(flags: ["--set", "load_timeout_microseconds=600000"])
        var client = try server.client()
        try server.write("never-ready", to: "m/1/behaviour")
        let results = try client.reload("m")
        #expect(results.map(\.status) == [.deadlineExceeded])
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(try client.status().models[0].workers.count(where: { $0.pid != 0 }) >= 1)
    }

    /// Longer than the limit, with signs that it goes on.
    @Test func aNewGenerationThatLoadsForLongIsWaitedFor() throws {
        let server = try TestServer(flags: ["--set", "load_timeout_microseconds=1500000"])
        var client = try server.client()
        try server.write("w2", to: "m/1/weights")
        try server.write("long-load 4000", to: "m/1/behaviour")
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(try client.call("echo on", model: "m").text == "w2:on")
        #expect(try client.status().models[0].workers.allSatisfy { $0.restarts == 0 })
    }

    @Test func ofTwoReloadsAtOnceTheSecondIsAborted() throws {
        let server = try TestServer()
        var client = try server.client()
        try server.write("slow-load 300", to: "m/1/behaviour")
        let payload = ReloadRequest(model: "m").encode()
        let first = try client.start(ControlMethod.reload.rawValue, payload: payload)
        let second = try client.start(ControlMethod.reload.rawValue, payload: payload)
        let aborted = try ReloadResponse.decode(try client.response(second).payload).results
        #expect(aborted.map(\.status) == [.aborted])
        let done = try ReloadResponse.decode(try client.response(first).payload).results
        #expect(done.map(\.status) == [.ok])
    }

    @Test func anInvalidConfigurationIsNamedAndChangesNothing() throws {
        let server = try TestServer()
        var client = try server.client()
        try server.write("max_batch_tokens: 64\nmax_que_size: 3\n", to: "m/config.yaml")
        let results = try client.reload()
        #expect(results.map(\.status) == [.invalidArgument])
        let message = try #require(results.first?.message)
        #expect(message.contains("config.yaml:2") && message.contains("max_que_size"))
        #expect(message.contains("did you mean 'max_queue_size'"))
        #expect(try client.call("echo on", model: "m").text == "w1:on")
    }

    @Test func aReloadOfAllFindsNewModelsAndDropsOldOnes() throws {
        let server = try TestServer(models: ["m/1": "w1", "gone/1": "w"])
        var client = try server.client()
        try server.write("v2", to: "m/2/weights")
        try server.write("new", to: "new/1/weights")
        try server.remove("gone")
        let results = try client.reload()
        #expect(results.map(\.model) == ["gone@1:fp32", "m@1:fp32", "m@2:fp32", "new@1:fp32"])
        #expect(results.allSatisfy { $0.status == .ok })
        #expect(try client.call("echo", model: "m").text == "v2:")
        #expect(try client.call("echo", model: "new").text == "new:")
        #expect(try client.call("echo", model: "gone").status == .notFound)
        #expect(
            try client.response(
                try client.start(ControlMethod.reload.rawValue, payload: ReloadRequest(model: "x").encode())
            ).status
                == .notFound
        )
    }

    /// A reload fails, and then what serves fails for the same reason: its pack is lost, and cannot be made again.
    @Test func aModelThatBecomesUnavailableTwiceForOneReasonAnswersAtOnceEachTime() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        let pack = URL(fileURLWithPath: "\(server.folder)/cache/fake-w1.pack")
        for _ in 0..<2 {
            try server.remove("m/1/weights")
            let results = try client.reload("m")
            #expect(results.map(\.status) == [.failedPrecondition])
            let reason = try #require(results.first?.message)
            #expect(reason.contains("no weights"))
            // The same size, so that only the worker that is started next can tell.
            try Data("PACK xx".utf8).write(to: pack)
            let worker = try #require(try client.status().models.first?.workers.first)
            let queued = try client.command("sleep 60000", model: "m")
            _ = try client.wait("it computes") { ($0.models.first?.computing ?? 0) > 0 }
            #expect(kill(worker.pid, SIGKILL) == 0)
            let lost = try client.response(queued)
            #expect(lost.status == .unavailable)
            #expect(lost.message == reason)
            #expect(try client.call("echo new", model: "m").message == reason)
            #expect(try client.status().models.first?.state == "UNAVAILABLE")

            try server.write("w1", to: "m/1/weights")
            #expect(try client.reload("m").map(\.status) == [.ok])
            #expect(try client.call("echo on", model: "m").text == "w1:on")
        }
    }

    @Test func aDamagedPackIsMadeAgain() throws {
        let server = try TestServer()
        do {
            var client = try server.client()
            #expect(try client.call("echo", model: "m").status == .ok)
        }
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
        // The same size, so that only the worker can tell.
        let pack = URL(fileURLWithPath: "\(server.folder)/cache/fake-w1.pack")
        try Data("PACK xx".utf8).write(to: pack)
        try server.start()
        var client = try server.client()
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(try Data(contentsOf: pack) == Data("PACK w1".utf8))
    }
}
