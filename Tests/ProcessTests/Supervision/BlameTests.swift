import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// Rows 34 to 36: the request that ends workers is found out, with real processes, and what an operator sees of it.
@Suite(.timeLimit(.minutes(10))) struct BlameTests {
    private static let flags = ["--threads-per-worker", "64", "--set", "stall_timeout_microseconds=1500000"]

    private func modelctl(_ server: TestServer, _ arguments: String...) throws -> ModelServer.Run {
        try ModelServer.modelctl(arguments, socket: server.socket, folder: server.folder)
    }

    /// The objects of an answer in JSON.
    private func objects(_ name: String, _ run: ModelServer.Run) throws -> [[String: Any]] {
        try #require((try run.json.first as? [String: Any])?[name] as? [[String: Any]])
    }

    /// The client waits for 100 ms, and the worker is found to be stuck after 1.5 s.
    @Test(arguments: ["spin", "preparing spin"]) func row34WhoLeavesIsBlamedToo(_ command: String) throws {
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        for count in 1...2 {
            let late = try client.call(command, model: "m", timeoutMilliseconds: 100)
            #expect(late.status == .deadlineExceeded)
            _ = try client.wait("the worker is replaced") { status in
                status.models.first?.workers.first.map { $0.state == "READY" && $0.restarts == count } ?? false
            }
        }
        let refused = try client.call(command, model: "m", timeoutMilliseconds: 100)
        #expect(refused.status == .failedPrecondition && refused.message.contains("quarantine_microseconds"))
        #expect(try client.call("echo after", model: "m").text == "w1:after")
        #expect(try client.status().models.first?.workers.first?.restarts == 2)
    }

    /// Many copies at once, and others between them.
    @Test func row34CopiesThatWaitAreRefusedAndNeighboursAreAnswered() throws {
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        let calls = try (0..<30).map { try client.command($0 % 3 == 0 ? "echo \($0)" : "crash", model: "m") }
        for (number, call) in calls.enumerated() {
            let response = try client.response(call)
            #expect(response.status == (number % 3 == 0 ? .ok : .failedPrecondition), "\(response.message)")
        }
        let workers = try client.status().models.flatMap(\.workers)
        #expect(workers.reduce(0) { $0 + $1.restarts } <= 3, "\(workers)")
    }

    /// What an operator sees of it, and does about it.
    @Test func row34AnOperatorSeesCrashesAndQuarantine() throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w2"], flags: Self.flags)
        var client = try server.client()
        #expect(try modelctl(server, "crashes").output == "No worker has died.\n")
        #expect(try modelctl(server, "quarantine").output == "No request is refused.\n")
        for model in ["m", "n"] {
            #expect(try client.call("crash secret", model: model).status == .failedPrecondition)
        }
        let shown = try modelctl(server, "crashes")
        #expect(shown.lines.count == 5 && shown.lines[1].contains("n@1:fp32") && shown.lines[4].contains("m@1:fp32"))
        for line in shown.lines.dropFirst() { #expect(line.contains(#/ 1/4 +killed by SIGABRT/#), "\(line)") }
        let crashes = try objects("crashes", modelctl(server, "crashes", "--json"))
        #expect(crashes.count == 4)
        for crash in crashes {
            #expect(crash["peak_bytes"] as? Int ?? 0 > 1 << 20)
            #expect((crash["time"] as? String)?.hasPrefix("20") == true)
            #expect(crash["batches"] as? [[String: Int]] == [["requests": 1, "tokens": 4]])
        }
        let listed = try modelctl(server, "quarantine")
        #expect(listed.lines.count == 3, "\(listed)")
        #expect(listed.lines[1].contains(#/^[0-9a-f]{16}  n@1:fp32  Classify +12  9 min 5\d s /#), "\(listed)")
        #expect(!(shown.output + listed.output).contains("secret"))
        #expect(try modelctl(server, "quarantine", "--clear", "m").output == "1 request is refused no more\n")
        let left = try objects("requests", modelctl(server, "quarantine", "--json"))
        #expect(left.compactMap { $0["model"] as? String } == ["n@1:fp32"])
        #expect(try client.call("crash secret", model: "m").status == .failedPrecondition)
        #expect(try modelctl(server, "quarantine", "--clear", "o").output == "0 requests are refused no more\n")
        #expect(try modelctl(server, "quarantine", "--clear", "a b").exit == .exited(1))
    }

    /// The kernel ends the worker and not the server, and the request is to blame that asked for the memory.
    @Test func row36WhatTakesAllMemoryIsFoundOut() throws {
        guard let group = MemoryGroup(megabytes: 200) else {
            return print("row 36 is not tried here: no control group of version 1 can be made for memory")
        }
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        try group.add(server.processID)
        // The next worker begins in the group.
        let first = try #require(try client.status().models.first?.workers.first)
        #expect(kill(first.pid, SIGKILL) == 0)
        let status = try client.wait("a worker is in the group") { status in
            status.models.first?.workers.first.map { $0.state == "READY" && $0.restarts == 1 } ?? false
        }
        #expect(status.models.first?.workers.first?.lastExit == "killed by SIGKILL")
        let refused = try client.call("allocate 400", model: "m")
        #expect(
            refused.status == .failedPrecondition && refused.message.contains("out of memory"),
            "\(refused.message)"
        )
        #expect(try client.call("echo after", model: "m").text == "w1:after")
        let after = try client.status()
        #expect(after.quarantined == 1)
        #expect(after.models.first?.workers.first?.lastExit == "out of memory, killed by SIGKILL")
        let crashes = try modelctl(server, "crashes")
        #expect(crashes.lines.count == 4 && crashes.lines[1].contains("out of memory"), "\(crashes)")
        // What somebody ends after that has not run out of memory.
        let worker = try #require(after.models.first?.workers.first)
        #expect(kill(worker.pid, SIGKILL) == 0)
        let last = try client.wait("it is replaced") { $0.models.first?.workers.first?.restarts ?? 0 > worker.restarts }
        #expect(last.models.first?.workers.first?.lastExit == "killed by SIGKILL")
    }
}

/// A control group of version 1 that limits memory, and goes with this value, once it is empty.
private final class MemoryGroup {
    private let path = "/sys/fs/cgroup/memory/distillery-\(UInt32.random(in: 0 ... .max))"

    /// Nil where none can be made.
    init?(megabytes: Int) {
        guard mkdir(path, 0o755) == 0, (try? write("\(megabytes << 20)", to: "memory.limit_in_bytes")) != nil else {
            rmdir(path)
            return nil
        }
    }

    deinit {
        // The server's end takes a moment.
        for _ in 0..<2000 where rmdir(path) != 0 && errno == EBUSY { usleep(2000) }
    }

    func add(_ processID: Int32) throws { try write("\(processID)", to: "cgroup.procs") }

    private func write(_ text: String, to file: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
    }
}
