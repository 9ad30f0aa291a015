import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// A log that is full, that nobody reads, that is moved away, and that a client would fill.
@Suite(.timeLimit(.minutes(10))) struct LogFloodTests {
    /// The line that is written of it has about a kilobyte.
    private func askForTheUnknown(_ client: inout RawClient, times: Int) throws {
        let streams = try (0..<times).map { _ in try client.start(String(repeating: "x", count: 1000)) }
        for stream in streams { #expect(try client.response(stream).status == .unimplemented) }
    }

    /// 64 KiB of which 8 are free, in a mount namespace of the server's own.
    @Test(.enabled(if: getuid() == 0, "only root mounts a disk that is soon full"))
    func row40AFullDiskUnderTheLogHoldsNothingUp() throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("disk")
        let flags = ["--log-level", "info", "--set", "log_file=\(folder("disk/log"))"]
        let server = try TestServer(flags: flags) { command in
            let script = """
                mount -t tmpfs -o size=64k none "$0" && head -c 57344 /dev/zero > "$0/ballast" && exec "$@"
                """
            command.arguments =
                ["--mount", "--", "/bin/sh", "-c", script, folder("disk"), command.executable] + command.arguments
            command.executable = "/usr/bin/unshare"
        }
        let disk = "/proc/\(server.processID)/root\(folder("disk"))"
        var client = try server.client()
        try askForTheUnknown(&client, times: 100)
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        let size = try FileContents.read("\(disk)/log").count
        #expect((4000...8192).contains(size), "\(size)")
        #expect(unlink("\(disk)/ballast") == 0)
        #expect(try client.call("fail x", model: "m").status == .internal)
        let log = try FileContents.readText("\(disk)/log")
        let dropped = try #require(log.firstMatch(of: /\((\d+) lines before this one were dropped\)\n/))
        #expect(try #require(Int(dropped.1)) > 0)
        #expect(log.contains("request failed"), "\(log.suffix(1000))")
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
    }

    @Test func row41ALogThatNobodyReadsHoldsNothingUp() throws {
        let pipe = try OwnedDescriptor.pipe()
        // F_SETPIPE_SZ: one page.
        #expect(fcntl(pipe.writing.rawValue, 1031, 4096) == 4096)
        let writing = pipe.writing.rawValue
        let server = try TestServer(flags: ["--log-level", "trace"]) { $0.descriptors[2] = writing }
        var client = try server.client()
        try askForTheUnknown(&client, times: 100)
        #expect(try !pipe.writing.waitWritable(within: .zero), "the pipe is full")
        for _ in 0..<20 {
            let streams = try (0..<100).map { try client.command("\($0 % 2 == 0 ? "echo" : "fail") \($0)", model: "m") }
            for (number, stream) in streams.enumerated() {
                #expect(try client.response(stream).status == (number % 2 == 0 ? .ok : .internal))
            }
        }
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
    }

    @Test func row71AFloodOfAClientIsToldInNumbers() throws {
        let server = try TestServer(logLevel: "info")
        var client = try server.client()
        for number in 0..<500 {
            let payload = ReloadRequest(model: "nobody-\(number)").encode()
            let stream = try client.start(ControlMethod.reload.rawValue, payload: payload)
            #expect(try client.response(stream).status == .notFound)
        }
        func told(_ lines: [Substring]) -> Int {
            lines.count { $0.contains("] reload") && $0.contains("model=nobody") }
        }
        func leftOut(_ lines: [Substring]) -> Int {
            lines.reduce(0) { sum, line in
                guard let match = line.firstMatch(of: /kind=reload lines=(\d+) uid=\d+ .*lines were left out/) else {
                    return sum
                }
                return sum + (Int(match.1) ?? 0)
            }
        }
        let log = try server.waitForLog("the number of what was left out") { leftOut($0) + told($0) == 500 }
        #expect(told(log) >= 20 && leftOut(log) > 0, "\(told(log)) of 500 told")
        // A signal has lines of its own.
        try server.signal(.hangUp)
        try server.waitForLog("the reload by signal") { $0.contains { $0.contains("model=all [") } }
    }

    @Test func user1BeginsANewLogFile() throws {
        let folder = try TemporaryFolder()
        let path = folder("modeld.log")
        let server = try TestServer(flags: ["--log-level", "info", "--set", "log_file=\(path)"])
        var client = try server.client()
        func log(_ name: String) throws -> String { try FileContents.readText(folder(name)) }
        func wait(_ name: String, _ words: String) throws {
            let deadline = ContinuousClock.now + .seconds(20)
            while try !(FileManager.default.fileExists(atPath: folder(name)) && log(name).contains(words)) {
                try #require(ContinuousClock.now < deadline, "'\(words)' does not come into \(name)")
                usleep(5000)
            }
        }
        #expect(try log("modeld.log").contains("worker ready"))
        #expect(rename(path, folder("old")) == 0)
        #expect(try client.call("fail 1", model: "m").status == .internal)
        #expect(try log("old").contains("request failed"))
        try server.signal(.user1)
        try wait("modeld.log", "the log begins a new file")
        #expect(try client.call("fail 2", model: "m").status == .internal)
        #expect(try log("modeld.log").contains("request failed"))
        #expect(try !log("old").contains("the log begins"))

        // What is in the way is named where the log still is.
        #expect(rename(path, folder("older")) == 0)
        try folder.makeFolder("modeld.log")
        try server.signal(.user1)
        try wait("older", "the log goes on where it was: open \(path): Is a directory")
        #expect(try client.call("fail 3", model: "m").status == .internal)
        #expect(try log("older").split(separator: "\n").count { $0.contains("request failed") } == 2)
    }

    @Test func user1WithoutALogFileChangesNothing() throws {
        let server = try TestServer(logLevel: "info")
        try server.signal(.user1)
        try server.waitForLog("the reason") { $0.contains { $0.contains("log_file is not set") } }
    }

    /// Row 38: it is tried ten times a second, and told once.
    @Test func aPauseOfAcceptingIsToldOnce() throws {
        let server = try TestServer(logLevel: "info")
        var client = try server.client()
        func told() throws -> Int { try server.log().count { $0.contains("accepting is paused") } }
        for pause in 1...2 {
            try server.limitDescriptors(3)
            let waiting = try RawClient(connectingTo: server.socket)
            try server.waitForLog("the pause") { _ in (try? told()) == pause }
            var looks = 0
            _ = try client.wait("a second passes") { _ in
                looks += 1
                return looks == 10
            }
            #expect(try told() == pause)
            try server.limitDescriptors(1024)
            _ = try RawClient.open(server.socket)
            _ = consume waiting
        }
    }
}
