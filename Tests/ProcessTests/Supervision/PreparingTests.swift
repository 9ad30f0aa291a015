import Foundation
import LinuxSystem
import Messages
import ModelFiles
import TestSupport
import Testing
import Wire

/// What a worker does with a request before it computes it is bounded, watched, and ends with the wish for it.
@Suite(.timeLimit(.minutes(5))) struct PreparingTests {
    private static let flags = ["--threads-per-worker", "64", "--set", "stall_timeout_microseconds=1500000"]

    private func worker(_ client: inout RawClient, of model: String = "m") throws -> WorkerStatus {
        try #require(try client.status().models.first { $0.name == model }?.workers.first)
    }

    // MARK: - Watched

    @Test func row68ALongPreparationGivesSignsOfLife() throws {
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        #expect(try client.call("preparing sleep 4000", model: "m").status == .ok)
        #expect(try worker(&client).restarts == 0)
    }

    /// The next request does not wait until a minute is over, and no worker is killed for it.
    @Test(arguments: [true, false]) func row68APreparationEndsWithTheWishForIt(isCancelled: Bool) throws {
        let server = try TestServer(flags: Self.flags)
        var client = try server.client()
        let long = "preparing sleep 60000"
        if isCancelled {
            let stream = try client.command(long, model: "m")
            _ = try client.status()
            try client.send(.cancel(Cancel(streamID: stream)))
        } else {
            #expect(try client.call(long, model: "m", timeoutMilliseconds: 300).status == .deadlineExceeded)
        }
        #expect(try client.call("echo on", model: "m", timeoutMilliseconds: 10_000).text == "w1:on")
        #expect(try worker(&client).restarts == 0)
    }

    /// They wait behind one that is prepared for long, and are over when it is their turn.
    @Test func row63RequestsThatWereGivenUpAreNotPrepared() throws {
        let server = try TestServer(flags: Self.flags + onceFlags)
        var client = try server.client()
        let first = try client.command("preparing sleep 1500", model: "m")
        // It is begun: of what comes at once, what is due first goes first.
        _ = try client.status()
        let file = "\(server.folder)/prepared"
        let late = try client.call("preparing once \(file) echo", model: "m", timeoutMilliseconds: 200)
        #expect(late.status == .deadlineExceeded)
        let cancelled = try client.command("preparing once \(file) echo", model: "m")
        try client.send(.cancel(Cancel(streamID: cancelled)))
        #expect(try client.response(first).status == .ok)
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(!FileManager.default.fileExists(atPath: file), "it was prepared for nobody")
        #expect(try client.call("preparing once \(file) echo", model: "m").status == .ok)
        #expect(FileManager.default.fileExists(atPath: file), "so the test is one")
    }

    // MARK: - Bounded

    private static func zeroShot(_ texts: Int, _ labels: Int) -> [UInt8] {
        ZeroShotRequest(texts: Array(repeating: "the", count: texts), labels: Array(repeating: "a", count: labels))
            .encode()
    }

    /// A request of 70 kB that asks for 49 million sequences.
    @Test func row68AHugeRequestIsRefusedInLittleTimeAndMemory() throws {
        let server = try ModelServer()
        try server.waitUntilReady()
        var client = try RawClient.open(server.socket)
        let method = InferenceMethod.zeroShot.rawValue
        let small = try client.start(method, model: "sentiment", payload: Self.zeroShot(2, 2))
        #expect(try client.response(small).status == .ok)
        let before = try worker(&client, of: "sentiment")
        let peakBefore = try peak(of: before.pid)
        let begin = ContinuousClock.now
        for _ in 0..<3 {
            let huge = try client.start(method, model: "sentiment", payload: Self.zeroShot(7000, 7000))
            let response = try client.response(huge)
            #expect(response.status == .invalidArgument)
            #expect(
                response.message == "texts: 7000 of 7000 sequences each are 49000000, and 16384 is the most "
                    + "(max_request_sequences); send fewer at once"
            )
        }
        #expect(ContinuousClock.now - begin < .seconds(1))
        let after = try worker(&client, of: "sentiment")
        #expect(after.pid == before.pid)
        #expect(try peak(of: after.pid) < peakBefore + (16 << 20))
    }

    /// The most memory that a process had, in bytes.
    private func peak(of processID: Int32) throws -> Int {
        let lines = try FileContents.readText("/proc/\(processID)/status").split(separator: "\n")
        let words = try #require(lines.first { $0.hasPrefix("VmHWM:") }).split { $0 == " " || $0 == "\t" }
        return try #require(Int(words[1])) << 10
    }

    /// By the model's configuration, which a reload changes.
    @Test func row68TheLimitsAreSettings() throws {
        let limits = "max_request_sequences: 3\nmax_request_tokens: 20\n"
        let server = try ModelServer(configurations: ["sentiment": limits])
        try server.waitUntilReady()
        var client = try RawClient.open(server.socket)
        let method = InferenceMethod.zeroShot.rawValue
        let four = try client.start(method, model: "sentiment", payload: Self.zeroShot(2, 2))
        let message = try client.response(four).message
        #expect(message.hasPrefix("texts: 2 of 2 sequences each are 4, and 3 is the most (max_request_sequences)"))
        let text = TextInput(text: String(repeating: "the ", count: 30))
        let long = ClassifyRequest(inputs: [text], truncation: .truncate).encode()
        let stream = try client.start(InferenceMethod.classify.rawValue, model: "sentiment", payload: long)
        let tokens = try client.response(stream)
        #expect(tokens.status == .invalidArgument)
        #expect(tokens.message.contains(" tokens, and 20 is the most (max_request_tokens)"), "\(tokens.message)")
    }
}
