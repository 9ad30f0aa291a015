import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// Who may do what, and what a process of the server can get hold of.
@Suite(.timeLimit(.minutes(5))) struct PrivilegeTests {
    private func server(_ settings: String...) throws -> TestServer {
        let server = try TestServer(flags: settings.flatMap { ["--set", $0] })
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: server.folder)
        return server
    }

    /// Runs `modelctl` as the user 65534 until it ends.
    private func modelctl(_ server: TestServer, _ arguments: [String]) throws -> ModelServer.Run {
        let programs = try ProcessSelf.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        let user = ["--reuid=65534", "--regid=65534", "--clear-groups", "/\(programs)/modelctl"]
        return try ModelServer.modelctl(
            user + arguments,
            socket: server.socket,
            folder: server.folder,
            program: "/usr/bin/setpriv"
        )
    }

    @Test(.enabled(if: geteuid() == 0)) func row51AnotherUserIsRefused() throws {
        let closed = try modelctl(try server(), ["status"])
        #expect(closed.exit == .exited(69) && closed.errors.contains("Permission denied"), "\(closed.errors)")
        let server = try server("socket_mode=0666")
        let refused = try modelctl(server, ["status"])
        #expect(refused.exit == .exited(1))
        let reason = "modelctl: PERMISSION_DENIED: this server serves user 0 and root, and the caller is user 65534: "
        #expect(refused.errors.hasPrefix(reason), "\(refused.errors)")
        var client = try server.client()
        #expect(try client.call("echo on", model: "m").text == "w1:on")
    }

    @Test(.enabled(if: geteuid() == 0)) func row51AnotherUserMayAskModelsAndNoMore() throws {
        let server = try server("socket_mode=0666", "allow_other_users=true")
        var client = try server.client()
        #expect(try modelctl(server, ["status"]).output.contains("READY"))
        // What a fake worker answers is no classification, and `modelctl` says so.
        #expect(try !modelctl(server, ["classify", "m", "echo"]).errors.contains("PERMISSION_DENIED"))
        let status = try client.status()
        #expect(status.models.first?.requests == 1)
        let refused = try modelctl(server, ["reload", "m"])
        #expect(refused.exit == .exited(1) && refused.output.isEmpty)
        #expect(
            refused.errors
                == "modelctl: PERMISSION_DENIED: ReloadEach is for operators, and user 65534 is none: call as user 0 "
                + "or root, or have the user added to modeld's setting operators\n"
        )
        for command in [["cache", "prune"], ["cache", "list"], ["crashes"], ["quarantine"]] {
            let run = try modelctl(server, command)
            #expect(run.exit == .exited(1) && run.errors.contains("setting operators"), "\(command): \(run.errors)")
        }
        #expect(try client.status().models.first?.generation == 1)
    }

    @Test(.enabled(if: geteuid() == 0)) func row51AnOperatorMayReload() throws {
        let server = try server("socket_mode=0666", "operators=65534")
        _ = try server.client()
        let run = try modelctl(server, ["reload", "m"])
        #expect(run.output == "m@1:fp32: generation 1 → 2\n", "\(run.errors)")
    }

    @Test func row52ThousandDescriptorsThatNobodyWantsAreClosed() throws {
        let server = try TestServer()
        var client = try server.client()
        _ = try client.status()
        let before = try server.openDescriptors()
        let file = try OwnedDescriptor.open("/dev/null")
        // An answer to a ping is answered by nothing.
        for number in 0..<1000 {
            try client.send(.ping(Ping(id: UInt64(number), ack: true)), descriptors: [file.rawValue])
        }
        let many = [Int32](repeating: file.rawValue, count: UnixStream.descriptorsPerMessage)
        try client.send(.ping(Ping(id: 1, ack: true)), descriptors: many)
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(try server.openDescriptors() == before)
    }

    /// The first worker, and one that was started while clients were connected and packs open.
    @Test func row56AWorkerHasNoDescriptorButItsOwn() throws {
        let server = try ModelServer.ready()
        let first = try #require(try server.readyWorkers("encoder").first)
        try expectOwnDescriptors(first)
        let clients = try (0..<20).map { _ in
            let client = try UnixStream.connect(to: server.socket)
            return try client.descriptor.duplicate().take()
        }
        kill(Int32(first), SIGKILL)
        try server.waitUntil("another worker is ready") { _ in
            guard let next = try? server.readyWorkers("encoder").first else { return false }
            return next != first
        }
        try expectOwnDescriptors(try #require(try server.readyWorkers("encoder").first))
        for client in clients { close(client) }
    }

    private func expectOwnDescriptors(_ worker: Int) throws {
        let folder = "/proc/\(worker)/fd"
        var files: [Int: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            files[try #require(Int(name))] = try FileManager.default.destinationOfSymbolicLink(
                atPath: "\(folder)/\(name)"
            )
        }
        #expect(files[0] == "/dev/null")
        #expect(files[3]?.hasPrefix("socket:") == true, "the channel")
        // What it logs goes to the server's own output, by another number.
        for (number, file) in files where number > 3 { #expect(file == files[2], "\(number)") }
        #expect(files.count <= 5, "\(files)")
    }
}
