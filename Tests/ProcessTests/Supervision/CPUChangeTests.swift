import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing

/// Row 53: CPUs that the server may use no longer, or again, while it serves.
@Suite(.timeLimit(.minutes(10)), .enabled(if: ProcessInfo.processInfo.activeProcessorCount > 1))
struct CPUChangeTests {
    @Test func row53WorkersMoveAndNoRequestIsLost() throws {
        let cpus = try allowed()
        let server = try TestServer(models: ["m/1": "w"], flags: ["--threads-per-worker", "1"], logLevel: "info")
        var client = try server.client()
        let all = try client.status().models[0].workers.map(\.cpus)
        #expect(all.count == cpus.count)
        let modeld = try client.status().pid
        // Requests go on meanwhile.
        var other = try RawClient.open(server.socket)
        func move(to list: [Int]) throws {
            let wanted = list.map(String.init)
            try run("/usr/bin/taskset", ["-pc", wanted.joined(separator: ","), "\(modeld)"])
            let deadline = ContinuousClock.now + .seconds(20)
            while try client.status().models[0].workers.map(\.cpus).sorted() != wanted.sorted() {
                guard ContinuousClock.now < deadline else {
                    Issue.record("\(try client.status().models[0].workers)")
                    return
                }
                #expect(try other.call("sleep 5", model: "m").status == .ok)
            }
            #expect(try client.call("echo x", model: "m").text == "w:x")
        }
        try move(to: [cpus[0]])
        try move(to: cpus)
        #expect(try server.log().filter { $0.contains("the CPUs are others") }.count == 2)
    }

    private func allowed() throws -> [Int] {
        let words = try ThreadAffinity.current()
        return words.indices.flatMap { word in (0..<64).filter { words[word] >> $0 & 1 == 1 }.map { word * 64 + $0 } }
    }

    private func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}
