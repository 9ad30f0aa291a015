import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

@Suite(.timeLimit(.minutes(10))) struct ShutdownTests {
    @Test func terminateFinishesWhatWasAcceptedAndLeavesNothing() throws {
        let server = try TestServer()
        var client = try server.client()
        let pids = try client.status().models.flatMap(\.workers).map(\.pid)
        let accepted = try client.command("sleep 300", model: "m")
        _ = try client.wait("it computes") { ($0.models.first?.computing ?? 0) > 0 }
        try server.signal(.terminate)
        // The server says so before it refuses.
        var saidGoAway = false
        while !saidGoAway {
            if case .goAway = try #require(try client.receive()) { saidGoAway = true }
        }
        let late = try client.command("echo late", model: "m")
        #expect(try client.response(late).status == .unavailable)
        #expect(try client.response(accepted).status == .ok)
        #expect(try server.waitForExit() == .exited(0))
        for pid in pids { #expect(!FileManager.default.fileExists(atPath: "/proc/\(pid)"), "no process, no zombie") }
        let left = try FileManager.default.contentsOfDirectory(atPath: server.folder).sorted()
        #expect(left == ["cache", "models"], "no socket and no lock")
    }

    @Test func aSecondSignalStopsAtOnce() throws {
        let server = try TestServer()
        var client = try server.client()
        let stuck = try client.command("sleep 60000", model: "m")
        _ = try client.wait("it computes") { ($0.models.first?.computing ?? 0) > 0 }
        try server.signal(.interrupt)
        while case .some(let frame) = try client.receive() { if case .goAway = frame { break } }
        try server.signal(.interrupt)
        #expect(try client.response(stuck).status == .unavailable)
        #expect(try server.waitForExit(seconds: 5) == .exited(0))
    }

    @Test func aShutdownDuringAReloadWinsAndIsBounded() throws {
        let server = try TestServer()
        var client = try server.client()
        try server.write("never-ready", to: "m/1/behaviour")
        let reload = try client.start(ControlMethod.reload.rawValue, payload: ReloadRequest(model: "m").encode())
        _ = try client.wait("the new worker loads") { status in
            status.models[0].workers.contains { $0.generation == 2 && $0.state == "LOADING" }
        }
        try server.signal(.terminate)
        let results = try ReloadResponse.decode(try client.response(reload).payload).results
        #expect(results.map(\.status) == [.aborted])
        #expect(try server.waitForExit(seconds: 15) == .exited(0))
    }

    @Test func hangUpReloadsEverything() throws {
        let server = try TestServer()
        var client = try server.client()
        try server.write("w2", to: "m/1/weights")
        try server.signal(.hangUp)
        _ = try client.wait("generation 2 serves") { $0.models[0].generation == 2 }
        #expect(try client.call("echo", model: "m").text == "w2:")
    }

    @Test func aSocketPathInUseIsRefused() throws {
        let server = try TestServer()
        let output = try OwnedDescriptor.pipe()
        var second = try TestProcess.start(
            ChildCommand(
                try ProcessSelf.executablePath().split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
                    + "/modeld",
                arguments: [
                    "--model-repository", server.repository, "--socket", server.socket, "--worker-executable",
                    "/bin/true",
                ],
                environment: ["HOME": server.folder],
                descriptors: [2: output.writing.rawValue]
            )
        )
        #expect(try second.reap() == .exited(1))
        var text = [UInt8](repeating: 0, count: 4096)
        guard case .bytes(let count) = try text.withUnsafeMutableBytes({ try output.reading.read(into: $0) }) else {
            Issue.record("no message")
            return
        }
        let message = String(decoding: text[..<count], as: UTF8.self)
        #expect(message.contains(server.socket), "\(message)")
        var client = try server.client()
        #expect(try client.call("echo", model: "m").status == .ok, "the first one goes on")
    }
}
