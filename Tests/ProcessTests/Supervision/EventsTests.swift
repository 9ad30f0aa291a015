import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// What happens, as the log, `modelctl events`, the status and the metrics have it.
@Suite(.timeLimit(.minutes(10))) struct EventsTests {
    private func modelctl(_ server: TestServer, _ arguments: String...) throws -> ModelServer.Run {
        try ModelServer.modelctl(arguments, socket: server.socket, folder: server.folder)
    }

    @Test func aDeathHasTheSameWordsEverywhere() throws {
        let server = try TestServer(flags: ["--threads-per-worker", "64"], logLevel: "info")
        var client = try server.client()
        let worker = try #require(try client.status().models.first?.workers.first)
        let output = try OwnedDescriptor.pipe()
        var listening = try ModelServer.start(
            ["events", "--json"],
            socket: server.socket,
            folder: server.folder,
            descriptors: [1: output.writing.rawValue]
        )
        var lines = PipeLines(output.reading)
        /// The next event with these words.
        func event(_ words: String) throws -> [String: Any] {
            while true {
                let line = try lines.next()
                guard line.contains(words) else { continue }
                return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            }
        }
        // It listens once it has told what was before.
        #expect(try event("worker ready")["severity"] as? String == "info")
        #expect(kill(worker.pid, SIGKILL) == 0)
        let death = try event("worker died")
        let message = try #require(death["message"] as? String)
        #expect(death["severity"] as? String == "warning" && death["missed"] as? Int == 0)
        let fields = try #require(death["fields"] as? [String: String])
        #expect(fields == ["generation": "1", "model": "m@1:fp32", "pid": "\(worker.pid)", "slot": "\(worker.slot)"])
        _ = try event("worker ready")
        _ = try listening.signal(.interrupt)
        #expect(try listening.exit(within: 20) == .killed(.interrupt, coreDumped: false))

        let after = try #require(try client.status().models.first?.workers.first)
        #expect(message == "worker died: \(after.lastExit)" && after.lastExit == "killed by SIGKILL")
        let line = try server.log().first { $0.contains("worker died") }
        #expect(
            line?.hasSuffix(" \(message)") == true && line?.contains(" pid=\(worker.pid) ") == true,
            "\(line ?? "")"
        )
        let metrics = try modelctl(server, "metrics")
        #expect(metrics.lines.contains(#"modeld_worker_deaths_total{model="m",version="1",variant="fp32"} 1"#))
        #expect(try modelctl(server, "events", "--level", "loud").exit == .exited(64))
    }

    /// At most so many lines per second, by no name in the metrics, and as they come.
    @Test func whatIsRefusedIsToldAndCounted() throws {
        let server = try TestServer(logLevel: "info")
        var client = try server.client()
        let listening = try client.start(
            ControlMethod.events.rawValue,
            payload: EventsRequest(severity: .info, recent: 1).encode()
        )
        _ = try client.response(listening)
        let begin = ContinuousClock.now
        let calls = try (0..<200).map { try client.command("echo", model: "unknown-\($0)") }
        for call in calls { #expect(try client.response(call).status == .notFound) }
        let first = try ServerEvent.decode(try client.response(listening).payload)
        #expect(first.message == "refused: there is no model 'unknown-0'; the server has m" && first.severity == .info)
        #expect(first.fields.contains { $0.name == "code" && $0.value == "NOT_FOUND" })
        let seconds = (ContinuousClock.now - begin).components.seconds
        let told = try server.log().count { $0.contains("there is no model") }
        #expect(told >= 20 && told <= 20 * (Int(seconds) + 2))
        let metrics = try modelctl(server, "metrics").output
        #expect(metrics.contains("modeld_refusals_total{what=\"model\",status=\"NOT_FOUND\"} 200\n"))
        #expect(!metrics.contains("unknown-"))
    }

    /// A worker names what is slow by the server's setting, and as seldom.
    @Test func aWorkerLogsWhatIsSlowAndNotTooOften() throws {
        let flags = ["--set", "slow_request_microseconds=1", "--threads-per-worker", "64"]
        let server = try TestServer(flags: flags, logLevel: "info")
        var client = try server.client()
        let begin = ContinuousClock.now
        let calls = try (0..<200).map { try client.command("echo \($0)", model: "m") }
        for call in calls { #expect(try client.response(call).status == .ok) }
        let seconds = (ContinuousClock.now - begin).components.seconds
        let lines = try server.log().count { $0.hasPrefix("modelworker: request ") }
        #expect(lines > 0 && lines <= 20 * (Int(seconds) + 2))
    }
}
