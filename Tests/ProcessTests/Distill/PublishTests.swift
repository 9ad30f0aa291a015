import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// `distill` and a server: what is published is served, if it answers what was recorded, and is not if it was not good enough.
@Suite(.timeLimit(.minutes(5)), .serialized) struct PublishTests {
    private static func distill(_ arguments: [String], _ folder: TemporaryFolder) throws -> ModelServer.Run {
        try ModelServer.modelctl(arguments, socket: nil, folder: folder.path, program: "distill")
    }

    private static func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(family: .distilBERT)
        checkpoint.labels = 3
        checkpoint.labelNames = ["low", "middle", "high"]
        checkpoint.spread = 0.25
        for (name, seed) in [("teacher", UInt64(1)), ("student", 1), ("stranger", 2)] {
            checkpoint.seed = seed
            try folder.makeFolder(name)
            try checkpoint.write(to: folder(name))
        }
        let texts = (0..<24).map { "{\"text\":\"what is \($0) and \($0 * 7) words of it?\"}\n" }
        try folder.write("texts.jsonl", texts.joined())
        return folder
    }

    @Test func aStudentIsJudgedPublishedAndServed() throws {
        let folder = try Self.folder()
        let labelled = try Self.distill(
            ["label", "--model", folder("teacher"), "--data", folder("texts.jsonl"), "--output", folder("test.jsonl")],
            folder
        )
        #expect(labelled.exit.isSuccess, "\(labelled.errors)")
        let report = [
            "report", "--teacher", folder("teacher"), "--student", folder("student"), "--data", folder("test.jsonl"),
        ]
        let judged = try Self.distill(
            report + ["--train", folder("test.jsonl"), "--output", folder("report"), "--threads", "2", "--json"],
            folder
        )
        #expect(judged.exit.isSuccess, "\(judged.errors)")
        #expect(judged.lines.count == 1 && judged.output.contains("\"headline\":\"Serve "), "\(judged.output)")
        #expect(judged.errors.contains("24 texts of the 24 to test on are in the training data"), "\(judged.errors)")
        #expect(try Self.distill(report + ["--output", folder("report")], folder).exit == .exited(2))

        let server = try ModelServer(models: ["other/1": .init(family: .bert)])
        try server.waitUntilReady()
        let publish = [
            "publish", "--repository", server.repository, "--name", "topics", "--socket", server.socket, "--json",
        ]
        let proof = ["--report", folder("report/report.json")]
        func run(_ model: String, _ more: [String]) throws -> ModelServer.Run {
            try Self.distill(publish + ["--model", folder(model)] + more, folder)
        }
        let below = try run("student", proof + ["--floor", "accuracy=0.99"])
        #expect(below.exit == .exited(3) && below.errors.contains("below the floor of 0.99"), "\(below.errors)")
        #expect(try run("student", ["--floor", "kept=0.5"]).exit == .exited(2))
        let unknown = try run("student", proof + ["--floor", "speed=0.5"])
        #expect(unknown.exit == .exited(2) && unknown.errors.contains("it has accuracy"), "\(unknown.errors)")
        #expect(try run("stranger", proof).exit == .exited(1))
        #expect(!FileManager.default.fileExists(atPath: "\(server.repository)/topics"))

        let served = try run("student", proof + ["--floor", "kept=0.8", "--floor", "accuracy=0.8"])
        #expect(served.exit.isSuccess, "\(served.errors)")
        #expect(served.lines.last?.contains("\"state\":\"READY\"") == true, "\(served.output)")
        let answer = try server.modelctl("classify", "topics", "what is this?", "--json")
        #expect(answer.exit.isSuccess, "\(answer.errors)")
        #expect(try run("student", ["--version", "1"]).exit == .exited(2))
    }

    /// The server refuses a version whose recorded answers are another model's, and `distill` says so.
    @Test func aVersionThatAnswersOtherwiseIsNotServed() throws {
        let folder = try Self.folder()
        let server = try ModelServer(models: ["other/1": .init(family: .bert)])
        try server.waitUntilReady()
        let arguments = [
            "publish", "--repository", server.repository, "--name", "topics", "--model", folder("student"),
        ]
        #expect(try Self.distill(arguments, folder).exit.isSuccess)
        let path = "\(server.repository)/topics/1/expected.jsonl"
        let right = try String(contentsOfFile: path, encoding: .utf8)
        try Data(right.replacingOccurrences(of: "\"label\":\"", with: "\"label\":\"not ").utf8)
            .write(to: URL(fileURLWithPath: path))
        let refused = try server.modelctl("reload", "topics")
        #expect(
            refused.exit == .exited(1) && refused.errors.contains("expected.jsonl line 1 (classify"),
            "\(refused.errors)"
        )
        let next = try Self.distill(arguments + ["--socket", server.socket, "--json"], folder)
        #expect(next.exit.isSuccess, "\(next.errors)")
        #expect(next.output.contains("\"version\":2") && next.output.contains("\"state\":\"READY\""), "\(next.output)")
        let nobody = try Self.distill(arguments + ["--socket", folder("nobody")], folder)
        #expect(
            nobody.exit == .exited(1) && nobody.errors.contains("topics/3 is published, and the server"),
            "\(nobody.errors)"
        )
    }
}
