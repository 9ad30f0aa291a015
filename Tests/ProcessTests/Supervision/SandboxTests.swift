import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// What a worker, or a packer, can do when somebody else commands it.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Sandbox.isPossible)) struct SandboxTests {
    private func server(_ mode: Sandbox.Mode, behaviour: String = "") throws -> TestServer {
        let server = try TestServer(models: [:], flags: ["--set", "worker_sandbox=\(mode.rawValue)"])
        try server.write("w1", to: "m/1/weights")
        try server.write(behaviour, to: "m/1/behaviour")
        var client = try server.client()
        #expect(try client.reload("m").map(\.status) == [.ok])
        return server
    }

    @Test(arguments: Sandbox.Mode.allCases) func aWorkerCanOpenStartAndReachNothing(_ mode: Sandbox.Mode) throws {
        let server = try server(mode)
        var client = try server.client()
        let worker = try client.call("pid", model: "m").text
        for attempt in [
            "open /etc/passwd", "open \(server.repository)/m/1/weights", "create \(server.folder)/new", "socket",
            "exec /bin/true", "thread", "code", "signal \(server.processID)",
        ] {
            let outcome = try client.call(attempt, model: "m").text
            #expect(outcome == (mode == .enforce ? "EPERM" : "done"), "\(attempt)")
        }
        #expect(FileManager.default.fileExists(atPath: "\(server.folder)/new") == (mode != .enforce))
        #expect(try client.call("allocate 8", model: "m").status == .ok, "it gets memory")
        #expect(try client.call("pid", model: "m").text == worker, "none of it has ended the worker")
    }

    @Test(arguments: [
        ("open /etc/passwd", "EACCES"), ("open MODEL/2/weights", "EACCES"), ("create MODEL/1/new", "EACCES"),
        ("socket", "EPERM"), ("exec /bin/true", "EPERM"), ("code", "EPERM"), ("open MODEL/1/weights", "done"),
        ("open MODEL/1/link", "done"), ("thread", "done"),
    ])
    func aPackerReadsItsModelsFolderAndNoMore(_ attempt: String, _ expected: String) throws {
        let server = try TestServer(models: [:])
        try server.write("w1", to: "m/1/weights")
        try server.write("away", to: "../elsewhere")
        // Of a folder that is downloaded files are often links.
        try FileManager.default.createSymbolicLink(
            atPath: "\(server.repository)/m/1/link",
            withDestinationPath: "\(server.folder)/elsewhere"
        )
        try server.write("other", to: "m/2/weights")
        try server.write("version_policy: { specific: { versions: [1] } }\n", to: "m/config.yaml")
        try server.write(
            "attempt \(attempt.replacing("MODEL", with: "\(server.repository)/m"))",
            to: "m/1/behaviour"
        )
        var client = try server.client()
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(try client.call("echo x", model: "m").text == "w1-\(expected):x")
    }

    @Test func theStatusSaysWhatARealWorkerIsHeldTo() throws {
        let server = try ModelServer.ready()
        let worker = try #require(try server.readyWorkers("encoder").first)
        let status = try FileContents.readText("/proc/\(worker)/status")
        #expect(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"))
        let text = try server.modelctl("status", "-v").output
        #expect(text.contains("held to: no dumps, "), "\(text)")
        #expect(text.contains(", landlock ") && text.contains(", seccomp\n"))
        // Nobody but root may look into it.
        let owner = try FileManager.default.attributesOfItem(atPath: "/proc/\(worker)/mem")[.ownerAccountID] as? Int
        #expect(owner == 0)
    }
}
