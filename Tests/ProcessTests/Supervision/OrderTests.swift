import LinuxSystem
import Messages
import Testing
import Wire

/// The operator's commands about models, at the running server.
@Suite(.timeLimit(.minutes(10))) struct OrderTests {
    @Test func anUnloadedModelComesBackOnlyWhenItIsLoaded() throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w"])
        var client = try server.client()
        let pids = try client.status().models.first { $0.name == "m" }?.workers.map(\.pid) ?? []
        let accepted = try (0..<20).map { try client.command("echo \($0)", model: "m") }
        let unload = try client.start(ControlMethod.unload.rawValue, payload: UnloadRequest(model: "m").encode())
        for (index, stream) in accepted.enumerated() { #expect(try client.response(stream).text == "w1:\(index)") }
        let results = try ReloadResponse.decode(try client.response(unload).payload).results
        #expect(results.map(\.model) == ["m@1:fp32"] && results.map(\.status) == [.ok])
        #expect(!pids.isEmpty && pids.allSatisfy { isGone($0, within: 5) })
        #expect(try client.reload().map(\.model) == ["n@1:fp32"])
        let refused = try client.call("echo", model: "m")
        #expect(refused.status == .unavailable && refused.message.contains("modelctl load m"))
        #expect(try client.status().held == ["m@1:fp32"])
        let load = try client.start(ControlMethod.load.rawValue, payload: LoadRequest(model: "m@1:fp32").encode())
        #expect(try ReloadResponse.decode(try client.response(load).payload).results.map(\.status) == [.ok])
        #expect(try client.call("echo on", model: "m").text == "w1:on")
    }

    @Test func anExplicitServerLoadsWhatItIsAskedFor() throws {
        let server = try TestServer(
            models: ["m/1": "w1", "n/1": "w"],
            flags: ["--set", "model_control=explicit"]
        )
        var client = try server.client()
        #expect(try client.status().models.isEmpty)
        let load = try client.start(ControlMethod.load.rawValue, payload: LoadRequest(model: "m").encode())
        #expect(try ReloadResponse.decode(try client.response(load).payload).results.map(\.status) == [.ok])
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(try client.call("echo on", model: "n").status == .unavailable)
    }

    /// Beside it what was accepted goes on, and so do the workers.
    @Test(arguments: ["m", "m@1:fp32", ""]) func drainedServersAnswerWhatTheyHaveAccepted(model: String) throws {
        let server = try TestServer()
        var client = try server.client()
        let pids = try client.status().models[0].workers.map(\.pid)
        let accepted = try (0..<20).map { try client.command("echo \($0)", model: "m") }
        var drain = try client.start(ControlMethod.drain.rawValue, payload: DrainRequest(model: model).encode())
        let late = try client.command("echo late", model: "m")
        for (index, stream) in accepted.enumerated() { #expect(try client.response(stream).text == "w1:\(index)") }
        #expect(try DrainResponse.decode(try client.response(drain).payload).models == ["m@1:fp32"])
        let refused = try client.response(late)
        #expect(refused.status == .unavailable && refused.message.contains("drained by the operator"))
        #expect(try client.status().state == (model.isEmpty ? "DRAINED" : "READY"))
        #expect(try client.status().models[0].workers.map(\.pid) == pids)
        drain = try client.start(ControlMethod.drain.rawValue, payload: DrainRequest(model: model, undo: true).encode())
        #expect(try client.response(drain).status == .ok)
        #expect(try client.call("echo on", model: "m").text == "w1:on")
    }
}
