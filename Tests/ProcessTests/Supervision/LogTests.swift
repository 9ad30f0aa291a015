import LinuxSystem
import Messages
import ModelClient
import TestSupport
import Testing
import Wire

@Suite(.timeLimit(.minutes(10))) struct LogTests {
    static let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    /// Under the caller's names, in one line each, and without the text.
    @Test func whatHappensToARequestIsToldUnderItsID() throws {
        let flags = ["--set", "slow_request_microseconds=1"] + onceFlags
        let server = try TestServer(flags: flags, logLevel: "info")
        var client = try server.client()
        let commands = ["id\n-1": "echo secret", "id-2": "once \(server.folder)/flag crash", "id-3": "crash"]
        for (number, command) in commands.enumerated() {
            let request = Request(
                streamID: UInt64(1000 + number),
                method: InferenceMethod.classify.rawValue,
                model: "m",
                requestID: command.key,
                traceparent: Self.trace,
                payload: Array(command.value.utf8)
            )
            try client.send(.request(request))
            _ = try client.response(request.streamID)
        }
        let lines = try server.log().filter { $0.contains("trace=\(Self.trace)") }
        func told(_ id: String, _ words: String...) -> Int {
            lines.count { line in line.contains(" request=\(id) ") && words.allSatisfy { line.contains($0) } }
        }
        #expect(told("id\u{fffd}-1", "slow request", "code=OK", "model=m@1:fp32") == 1)
        #expect(told("id-2", "notice", "computed again: killed by SIGABRT") == 1)
        #expect(told("id-2", "slow request") == 1)
        #expect(told("id-3", "computed again") == 1)
        #expect(told("id-3", "warning", "request failed: the worker ended", "code=FAILED_PRECONDITION") == 1)
        #expect(told("id-3", "warning", "has ended two workers") == 1)
        #expect(lines.count == 6)
        #expect(try !server.log().contains { $0.contains("secret") })
    }

    /// The server gives the request a name, by which the client's error, the supervisor's line and the worker's are found.
    @Test func aRequestWithoutAnIDIsFoundByTheServersNameForIt() async throws {
        let server = try TestServer(logLevel: "info")
        _ = try server.client()
        try await withModelClient(at: server.socket) { client in
            func call(_ command: String, _ id: String? = nil) async throws(ModelClientError) -> RawResponse {
                let metadata = RequestMetadata(requestID: id)
                let (method, payload) = (InferenceMethod.classify.rawValue, Array(command.utf8))
                return try await client.call(method: method, model: "m", payload: payload, metadata: metadata)
            }
            #expect(try await call("echo", "order-17").metadata.requestID == "order-17")
            let first = try #require(try await call("echo").metadata.requestID)
            let error = await #expect(throws: ModelClientError.self) { try await call("fail the norm is NaN") }
            let id = try #require(error?.requestID)
            #expect(id != first && "\(error!)" == "INTERNAL: the norm is NaN (request \(id))")
            let parts = id.split(separator: "-")
            #expect(parts.count == 2 && parts[0] == first.split(separator: "-")[0] && Int(parts[1]) != nil, "\(id)")
            let unknown = await #expect(throws: ModelClientError.self) {
                try await client.embed("text", model: "nobody")
            }
            #expect(unknown?.code == .notFound && unknown?.requestID == nil)
            let log = try server.log()
            #expect(log.count { $0.contains("warning") && $0.contains(" request=\(id) ") } == 1, "\(log)")
            #expect(log.count { $0.contains("request \"\(id)\": the norm is NaN") } == 1, "\(log)")
        }
    }

    /// Other slots and another repository, with one signal: both count.
    @Test func hangUpWithOtherSlotsStillReloads() throws {
        let folder = try TemporaryFolder()
        try folder.write("modeld.yaml", "threads_per_worker: 1\n")
        let server = try TestServer(
            models: ["m/1": "w1", "n/1": "w2"],
            flags: ["--config", folder("modeld.yaml")],
            logLevel: "info"
        )
        var client = try server.client()
        try folder.write("modeld.yaml", "threads_per_worker: 2\n")
        try server.remove("n")
        try server.signal(.hangUp)
        // While an old worker is still ending, the next reload would be refused.
        _ = try client.wait("m alone serves, anew") { status in
            status.models.map(\.name) == ["m"] && status.models[0].workers.allSatisfy { $0.generation == 2 }
        }
        try folder.write("modeld.yaml", "cpus: 900\n")
        try server.signal(.hangUp)
        _ = try client.wait("generation 3 serves") { $0.models[0].generation == 3 }
        #expect(try server.log().contains { $0.contains("the settings stay as they were") })
    }

    @Test func hangUpReadsTheSettingsAgain() throws {
        let folder = try TemporaryFolder()
        try folder.write("modeld.yaml", "max_in_flight: 1\n")
        let server = try TestServer(flags: ["--config", folder("modeld.yaml")], logLevel: "info")
        var client = try server.client()
        try folder.write("modeld.yaml", "max_in_flight: 2\nmax_frame_bytes: 5000\n")
        try server.signal(.hangUp)
        _ = try client.wait("generation 2 serves") { $0.models[0].generation == 2 }
        let first = try client.command("sleep 300", model: "m")
        #expect(try client.call("echo", model: "m").status == .ok)
        #expect(try client.response(first).status == .ok)
        try folder.write("modeld.yaml", "max_in_flight: many\n")
        try server.signal(.hangUp)
        _ = try client.wait("generation 3 serves") { $0.models[0].generation == 3 }
        let log = try server.log()
        #expect(log.contains { $0.contains("keys=max_frame_bytes") && $0.contains("needs a restart") })
        #expect(log.contains { $0.contains("the settings stay as they were") && $0.contains("modeld.yaml:1") })
    }
}
