import Foundation
import LinuxSystem
import Messages
import Testing
import Wire

/// Reloads that exchange versions or variants: what works goes only when something else answers for it.
@Suite(.timeLimit(.minutes(10))) struct ExchangeTests {
    private static let latest = "version_policy: {latest: {num_versions: 1}}\n"

    /// `state reason` by reference.
    private func states(_ client: inout RawClient) throws -> [String: String] {
        let models = try client.status().models.map { ("\($0.name)@\($0.version):\($0.variant)", $0) }
        return Dictionary(uniqueKeysWithValues: models.map { ($0, "\($1.state) \($1.reason)") })
    }

    /// Version 1 serves, and a version 2 that cannot be loaded should replace it.
    private func brokenVersionTwo() throws -> TestServer {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        _ = try server.client()
        try server.write(Self.latest, to: "m/config.yaml")
        try server.write("w2", to: "m/2/weights")
        try server.write("configuration-error", to: "m/2/behaviour")
        return server
    }

    @Test func aBrokenVersionReplacesNothing() throws {
        let server = try brokenVersionTwo()
        var client = try server.client()
        for _ in 0..<2 {
            let streams = try (0..<50).map { try client.command("echo \($0)", model: "m") }
            let results = try client.reload("m")
            let more = try (0..<50).map { try client.command("echo \($0)", model: "m") }
            for stream in streams + more { #expect(try client.response(stream).text.hasPrefix("w1:")) }
            try #require(results.map(\.model) == ["m@1:fp32", "m@2:fp32"])
            #expect(results.map(\.status) == [.aborted, .failedPrecondition])
            #expect(results.map(\.generation) == [1, 0])
            #expect(results[0].message.contains("m@2:fp32"), "\(results[0].message)")
            #expect(results[1].message.contains("unsupported model_type 'bart'"), "\(results[1].message)")
            let states = try states(&client)
            #expect(states["m@1:fp32"] == "READY \(results[0].message)")
            #expect(states["m@2:fp32"] == "UNAVAILABLE \(results[1].message)")
            #expect(try client.status().state == "DEGRADED")
            #expect(try client.call("echo x", model: "m@2").status == .unavailable)
        }
    }

    @Test(arguments: ["", "m", "m@2", "SIGHUP"]) func aRepairedVersionCompletesTheExchange(by reload: String) throws {
        let server = try brokenVersionTwo()
        var client = try server.client()
        if reload == "SIGHUP" {
            try server.signal(.hangUp)
            _ = try client.wait("version 2 has failed") { status in
                status.models.contains { $0.state == "UNAVAILABLE" } && status.models.first?.reason != ""
            }
        } else {
            _ = try client.reload()
        }
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        try server.remove("m/2/behaviour")
        if reload == "SIGHUP" {
            try server.signal(.hangUp)
            _ = try client.wait("version 2 serves alone") { $0.models.map(\.version) == [2] }
        } else {
            let results = try client.reload(reload)
            #expect(results.map(\.model) == ["m@1:fp32", "m@2:fp32"])
            #expect(results.map(\.status) == [.ok, .ok])
            #expect(results.map(\.generation) == [0, 2])
        }
        #expect(try client.call("echo on", model: "m").text == "w2:on")
        #expect(try client.status().models.map(\.version) == [2])
        #expect(try client.status().state == "READY")
    }

    @Test func aGoodVersionReplacesTheOldOneAndLosesNothing() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        let old = try client.status().models[0].workers.map(\.pid)
        try server.write(Self.latest, to: "m/config.yaml")
        try server.write("w2", to: "m/2/weights")
        try server.write("slow-load 200", to: "m/2/behaviour")
        let reload = try client.start(ControlMethod.reload.rawValue, payload: ReloadRequest(model: "m").encode())
        // More than version 1 can do until version 2 is ready, so that it has a queue when it is replaced.
        let early = try (0..<60).map { _ in try client.command("sleep 20", model: "m") }
        _ = try client.wait("version 2 is ready") { $0.models.contains { $0.version == 2 && $0.state == "READY" } }
        let late = try (0..<20).map { try client.command("echo \($0)", model: "m") }
        let results = try ReloadResponse.decode(try client.response(reload, seconds: 30).payload).results
        #expect(results.map(\.model) == ["m@1:fp32", "m@2:fp32"])
        #expect(results.map(\.status) == [.ok, .ok])
        for stream in early { #expect(try client.response(stream).text == "w1:sleep 20") }
        for (index, stream) in late.enumerated() { #expect(try client.response(stream).text == "w2:\(index)") }
        #expect(try client.status().models.map(\.version) == [2])
        #expect(old.allSatisfy { isGone($0, within: 5) })
    }

    @Test func aRefusedVariantReplacesNothing() throws {
        let server = try TestServer()
        var client = try server.client()
        try server.write("variants: [int8]", to: "m/config.yaml")
        try server.write("variant-error", to: "m/1/behaviour")
        let results = try client.reload()
        #expect(results.map(\.model) == ["m@1:fp32", "m@1:int8"])
        #expect(results.map(\.status) == [.aborted, .failedPrecondition])
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(try client.call("echo on", model: "m:fp32").text == "w1:on")
        #expect(try states(&client)["m@1:int8"]?.hasPrefix("UNAVAILABLE ") == true)
        try server.remove("m/1/behaviour")
        #expect(try client.reload("m:int8").map(\.status) == [.ok, .ok])
        #expect(try client.call("echo on", model: "m").text == "w1-int8:on")
        #expect(try client.status().models.map(\.variant) == ["int8"])
    }

    /// With real workers: a checkpoint that is none, and a variant below the floor of its quality.
    @Test func whatRealWorkersRefuseReplacesNothing() throws {
        let server = try ModelServer.ready()
        let model = "\(server.repository)/encoder"
        func configure(_ text: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(model)/config.yaml"))
        }
        func states() throws -> [String] {
            let status = try #require(try server.modelctl("status", "--json").json.first as? [String: Any])
            let models = try #require(status["models"] as? [[String: Any]])
            return models.filter { $0["name"] as? String == "encoder" }.map {
                "\($0["version"] ?? ""):\($0["variant"] ?? "") \($0["state"] ?? "")"
            }
        }
        let answer = try server.modelctl("embed", "encoder", "a", "--json").output
        #expect(!answer.isEmpty)

        try configure("version_policy: {latest: {num_versions: 1}}\n")
        try FileManager.default.copyItem(atPath: "\(model)/1", toPath: "\(model)/2")
        try Data("{\"model_type\":\"bart\"}".utf8).write(to: URL(fileURLWithPath: "\(model)/2/config.json"))
        let broken = try server.modelctl("reload", "encoder")
        #expect(broken.exit == .exited(1))
        #expect(broken.errors.contains("encoder@1:fp32 was not reloaded, generation 1 serves on: "))
        #expect(
            broken.errors.contains("encoder@2:fp32 was not reloaded, nothing serves: ")
                && broken.errors.contains("bart")
        )
        #expect(try states() == ["1:fp32 READY", "2:fp32 UNAVAILABLE"])
        #expect(try server.modelctl("embed", "encoder", "a", "--json").output == answer)

        try FileManager.default.removeItem(atPath: "\(model)/2")
        try configure("variants: [int8]\nquality: {min_cosine: 1}\n")
        #expect(try server.modelctl("reload", "encoder").exit == .exited(1))
        #expect(try states() == ["1:fp32 READY", "1:int8 UNAVAILABLE"])
        #expect(try server.modelctl("embed", "encoder", "a", "--json").output == answer)

        try configure("variants: [int8]\nquality: {min_cosine: 0}\n")
        let exchanged = try server.modelctl("reload", "encoder")
        #expect(exchanged.exit.isSuccess, "\(exchanged.errors)")
        #expect(exchanged.output.contains("encoder@1:fp32: generation 1 → unloaded"))
        #expect(try states() == ["1:int8 READY"])
        #expect(try server.modelctl("embed", "encoder", "a", "--json").output != answer)
    }

    @Test func ofSeveralWantedVersionsOneIsEnoughToReplaceThoseBelowIt() throws {
        let server = try TestServer(models: ["m/2": "w2"])
        var client = try server.client()
        try server.write("version_policy: {specific: {versions: [1, 3, 4]}}\n", to: "m/config.yaml")
        for version in [1, 3, 4] { try server.write("w\(version)", to: "m/\(version)/weights") }
        for version in [3, 4] { try server.write("configuration-error", to: "m/\(version)/behaviour") }
        // Version 1 serves now, and would not have been asked before: it does not replace version 2.
        #expect(try client.reload().map(\.status) == [.ok, .aborted, .failedPrecondition, .failedPrecondition])
        #expect(try client.call("echo on", model: "m").text == "w2:on")
        try server.remove("m/3/behaviour")
        #expect(try client.reload().map(\.status) == [.ok, .ok, .ok, .failedPrecondition])
        #expect(try client.call("echo on", model: "m").text == "w3:on")
        #expect(try client.status().models.map(\.version) == [1, 3, 4])
    }

    @Test func aVersionThatIsWantedAgainIsNoLongerKept() throws {
        let server = try brokenVersionTwo()
        var client = try server.client()
        _ = try client.reload()
        try server.write("version_policy: {specific: {versions: [1]}}\n", to: "m/config.yaml")
        #expect(try client.reload().map(\.status) == [.ok, .ok])
        #expect(try states(&client) == ["m@1:fp32": "READY "])
        #expect(try client.call("echo on", model: "m").text == "w1:on")
    }

    @Test func aFolderThatIsGoneIsUnloadedWhateverIsKept() throws {
        let server = try brokenVersionTwo()
        var client = try server.client()
        _ = try client.reload()
        try server.remove("m")
        #expect(try client.reload().map(\.status) == [.ok, .ok])
        #expect(try client.status().models.isEmpty)
    }
}
