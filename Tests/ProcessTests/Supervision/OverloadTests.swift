import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// More work than can be done, and one client's beside another's.
@Suite(.timeLimit(.minutes(10))) struct OverloadTests {
    /// A server with one worker of `m`, of whose commands each is a batch.
    private func server(flags: [String] = []) throws -> TestServer {
        let server = try TestServer(flags: ["--threads-per-worker", "64"] + flags)
        try server.write("max_batch_tokens: 9\n", to: "m/config.yaml")
        var client = try server.client()
        #expect(try client.reload("m").map(\.status) == [.ok])
        return server
    }

    /// How many requests of other clients are answered until a client has its answer, which has begun to wait behind 300 of theirs.
    private func overtaken(_ server: TestServer, by single: () throws -> Void) throws -> UInt64 {
        var greedy = try server.client()
        _ = try greedy.commands("sleep 20", count: 300, model: "m")
        var watcher = try server.client(settled: false)
        let before = try watcher.wait("it computes") { ($0.models.first?.requests ?? 0) > 3 }
        try single()
        let after = try watcher.status()
        #expect((after.models.first?.queued ?? 0) > 100, "they are done already")
        return (after.models.first?.requests ?? 0) - (before.models.first?.requests ?? 0)
    }

    @Test func row50ASingleRequestIsAnsweredBeside300OfAnotherConnection() throws {
        let server = try server()
        var client = try server.client()
        let count = try overtaken(server) {
            let response = try client.call("echo x", model: "m")
            #expect(response.text == "w1:x")
        }
        // What computes, what is committed behind it, its own; and what is done while the status is asked for.
        #expect(count <= 20, "\(count) others were first")
    }

    @Test(.enabled(if: geteuid() == 0)) func row50AnotherUserIsServedBesideAGreedyOne() throws {
        let server = try server(flags: ["--set", "allow_other_users=true", "--set", "socket_mode=0666"])
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: server.folder)
        let programs = try ProcessSelf.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        // What the worker answers is no classification, and `modelctl` says so; how long it waits for it is what matters.
        let command = ChildCommand(
            "/usr/bin/setpriv",
            arguments: [
                "--reuid=65534", "--regid=65534", "--clear-groups", "/\(programs)/modelctl", "classify", "m", "x",
                "--socket",
                server.socket,
            ],
            environment: ["HOME": server.folder]
        )
        let count = try overtaken(server) {
            var other = try TestProcess.start(command)
            let status = try other.exit(within: 60)
            #expect(status != .exited(0))
        }
        // A program is started meanwhile.
        #expect(count <= 100, "\(count) others were first")
    }

    @Test func row65OverloadIsRefusedAtOnceAndTheRestIsAnsweredInTime() throws {
        let server = try server()
        var client = try server.client()
        // What can be done in a second.
        let begin = ContinuousClock.now
        for stream in try client.commands("sleep 20", count: 50, model: "m") {
            #expect(try client.response(stream).status == .ok)
        }
        let perSecond = 50 / ((ContinuousClock.now - begin) / .seconds(1))
        // Eight times as many, for three seconds.
        let start = ContinuousClock.now
        var streams: [UInt64] = []
        for turn in 1...75 {
            streams += try client.commands("sleep 20", count: 16, model: "m", timeoutMilliseconds: 1000)
            while ContinuousClock.now < start + .milliseconds(40 * turn) { usleep(500) }
        }
        var counts: [StatusCode: Int] = [:]
        for stream in streams {
            let response = try client.response(stream)
            counts[response.status, default: 0] += 1
            if response.status == .resourceExhausted {
                #expect(response.message.contains("cannot be answered within its timeout"))
                #expect(response.retryAfterMicroseconds > 0)
            }
        }
        let (done, late) = (counts[.ok] ?? 0, counts[.deadlineExceeded] ?? 0)
        #expect(Double(done) >= 0.9 * 3 * perSecond, "\(counts), \(perSecond) per second can be done")
        #expect(late <= done / 10, "\(counts)")
        #expect((counts[.resourceExhausted] ?? 0) > streams.count / 2)
    }

    @Test func row72WhatAClientClaimsIsNotWhatIsLearned() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"])
        try server.write("max_batch_tokens: 100\n", to: "m/config.yaml")
        var liar = try server.client()
        #expect(try liar.reload("m").map(\.status) == [.ok])
        let payload = Array("echo \(String(repeating: "x", count: 60_000))".utf8)
        for _ in 0..<40 {
            let stream = try liar.start(InferenceMethod.classify.rawValue, model: "m", payload: payload, cost: 1)
            #expect(try liar.response(stream).status == .ok)
        }
        // Ten requests of nine tokens are a batch.
        var client = try server.client()
        for stream in try client.commands("echo four", count: 10, model: "m") {
            #expect(try client.response(stream).timings?.batchRequests == 10)
        }
    }

    @Test func aBatchThatTakesTooLongLetsOtherModelsGoOn() throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w2"], flags: ["--threads-per-worker", "64"])
        var client = try server.client()
        let long = try client.command("sleep 20000", model: "m")
        _ = try client.wait("it computes") { $0.models.contains { $0.computing > 0 } }
        for _ in 0..<20 { #expect(try client.call("echo x", model: "n").text == "w2:x") }
        #expect(try client.status().models.first { $0.name == "m" }?.computing == 1, "it is done already")
        try client.send(.cancel(Cancel(streamID: long)))
        #expect(try client.response(long).status == .cancelled)
        #expect(try client.call("echo x", model: "m").text == "w1:x")
    }
}
