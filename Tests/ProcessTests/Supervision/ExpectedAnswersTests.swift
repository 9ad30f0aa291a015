import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// `expected.jsonl`: a model that answers otherwise is not served, and what serves goes on.
@Suite(.timeLimit(.minutes(3))) struct ExpectedAnswersTests {
    private static let text = "a good day"

    /// The lines of a right file, from the server's own answers.
    private func lines(_ server: ModelServer) throws -> [String] {
        func line(_ task: String, _ options: String, _ arguments: [String]) throws -> String {
            let run = try ModelServer.modelctl(
                [task, "sentiment", Self.text, "--json"] + arguments,
                socket: server.socket,
                folder: server.folder
            )
            #expect(run.exit.isSuccess, "\(run.errors)")
            return #"{"task":"\#(task)","input":"\#(Self.text)","options":{\#(options)},"answer":\#(run.lines[0])}"#
        }
        return [try line("tokenize", "", []), try line("classify", #""top_k":null"#, ["--top-k", "all"])]
    }

    private func write(_ lines: [String], _ server: ModelServer) throws {
        let path = "\(server.repository)/sentiment/1/expected.jsonl"
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    @Test func aReloadComparesThemAndTheOldGenerationServesOn() throws {
        let server = try ModelServer.ready()
        let right = try lines(server)
        try write(right, server)
        let good = try server.modelctl("reload", "sentiment", "--json")
        #expect(good.exit.isSuccess, "\(good.errors)")
        // The scores in another order of labels are what another model would answer.
        let wrong = right[1].replacingOccurrences(of: "LABEL_0", with: "LABEL_9")
        try write([right[0], "", wrong], server)
        let bad = try server.modelctl("reload", "sentiment")
        #expect(bad.exit == .exited(1))
        #expect(
            bad.errors.contains("sentiment/1/expected.jsonl line 3 (classify \"a good day\"): answer["),
            "\(bad.errors)"
        )
        #expect(bad.errors.contains("expected \"LABEL_9\""), "\(bad.errors)")
        #expect(bad.errors.contains("generation 2 serves on"), "\(bad.errors)")
        #expect(try lines(server) == right)
        try write(["{]"], server)
        let malformed = try server.modelctl("reload", "sentiment")
        #expect(malformed.exit == .exited(1) && malformed.errors.contains("expected.jsonl line 1: this is not JSON"))
        try write(right, server)
        #expect(try server.modelctl("reload", "sentiment").exit.isSuccess)
    }

    @Test func aModelThatAnswersOtherwiseIsUnavailable() throws {
        let first = try ModelServer.ready()
        let right = try lines(first)
        let wrong = right[0].replacingOccurrences(of: #""ids":["#, with: #""ids":[7,"#)
        let server = try ModelServer(
            cache: "\(first.folder)/cache",
            files: ["sentiment/1/expected.jsonl": wrong + "\n"]
        )
        try server.waitUntil("the model is refused") { $0.contains("\"state\":\"UNAVAILABLE\"") }
        let status = try server.modelctl("status").output
        #expect(status.contains("expected.jsonl line 1 (tokenize \"a good day\"): answer.ids has "), "\(status)")
    }

    /// The worker says meanwhile that it goes on.
    @Test func answersThatTakeLongerThanTheLoadLimitAreCompared() throws {
        var checkpoint = SeededCheckpoint(family: .bert, hidden: 128, layers: 8, intermediate: 512)
        checkpoint.labels = 3
        let plain = ["DISTILLERY_ISA": "plain"]
        let first = try ModelServer(models: ["m/1": checkpoint], extra: plain)
        try first.waitUntilReady()
        let text = String(repeating: "the a ", count: 100)
        let answered = try first.modelctl("classify", "m", text, "--top-k", "all", "--json")
        #expect(answered.exit.isSuccess, "\(answered.errors)")
        let line = #"{"task":"classify","input":"\#(text)","options":{"top_k":null},"answer":\#(answered.lines[0])}"#
        var file = line + "\n"
        var time = Duration.zero
        while time < .seconds(3), file.utf8.count < 1 << 19 {
            file += file
            try Data(file.utf8).write(to: URL(fileURLWithPath: "\(first.repository)/m/1/expected.jsonl"))
            let begin = ContinuousClock.now
            let reload = try first.modelctl("reload", "m")
            #expect(reload.exit.isSuccess, "\(reload.errors)")
            time = ContinuousClock.now - begin
        }
        #expect(time >= .seconds(3), "it takes twice as long as is allowed, so the test is one")
        let server = try ModelServer(
            models: ["m/1": checkpoint],
            cache: "\(first.folder)/cache",
            files: ["m/1/expected.jsonl": file],
            settings: ["--set", "load_timeout_microseconds=1500000"],
            extra: plain
        )
        try server.waitUntil("the model is ready or refused") {
            $0.contains("\"state\":\"READY\",\"models\"") || $0.contains("\"state\":\"UNAVAILABLE\"")
        }
        let status = try server.modelctl("status", "--json", "-v").output
        #expect(status.contains("\"state\":\"READY\",\"reason\":\"\""), "\(status)")
        #expect(status.contains("\"restarts\":0"), "\(status)")
    }

    /// Fewer bits lose some of the numbers, but no token; the numbers of fp32 are compared when such a variant is packed.
    @Test func variantsOfFewerBitsAreComparedInTheirTokens() throws {
        let server = try ModelServer.ready()
        let right = try lines(server)
        let config = "\(server.repository)/sentiment/config.yaml"
        try Data("variants: [bf16]\nquality: { min_cosine: 0.5, min_agreement: 0.1 }\n".utf8)
            .write(to: URL(fileURLWithPath: config))
        let wrongLabel = right[1].replacingOccurrences(of: "LABEL_0", with: "LABEL_9")
        try write([right[0], wrongLabel], server)
        let refused = try server.modelctl("reload", "sentiment")
        #expect(refused.exit == .exited(1))
        #expect(refused.errors.contains("expected.jsonl line 2 (classify"), "\(refused.errors)")
        try write(right, server)
        let good = try server.modelctl("reload", "sentiment")
        #expect(good.exit.isSuccess, "\(good.errors)")
        // The pack is there now.
        try write([right[0].replacingOccurrences(of: "[0,0]", with: "[0,1]")], server)
        let tokens = try server.modelctl("reload", "sentiment:bf16")
        #expect(tokens.exit == .exited(1))
        #expect(tokens.errors.contains("answer.offsets[0][1] is 0, expected 1"), "\(tokens.errors)")
    }
}
