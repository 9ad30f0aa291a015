import Foundation
import LinuxSystem
import ModelClient
import ModelClientTesting
import TestSupport
import Testing

/// Each program of `examples`, started against a fake server: what it asks, and what it makes of the answers.
@Suite(.timeLimit(.minutes(10))) struct ExampleTests {
    private func run(_ arguments: [String], input: String = "") async throws -> [String] {
        try await FakeModels.withAll { models in
            let run = try await models.run(
                "examples",
                arguments + ["--socket", models.server.socketPath],
                input: input
            )
            #expect(run.exit.isSuccess, "\(run.errors)")
            return run.lines
        }
    }

    @Test func sentimentOfALiveFeed() async throws {
        let posts = (0..<250).map { $0 % 5 == 0 ? "good \($0)\n" : "bad \($0)\n" }.joined()
        let lines = try await run(["sentiment", "--model", "sentiment", "--every", "100"], input: posts)
        #expect(lines.count == 3)
        #expect(lines.last?.hasPrefix("250 posts: NEGATIVE 80 %, POSITIVE 20 %; p99 ") == true)
        #expect(lines.last?.hasSuffix(" ms; 0 skipped") == true)
        #expect(try await run(["sentiment", "--model", "sentiment"]) == ["no posts; 0 skipped"])
    }

    @Test func spam() async throws {
        try await FakeModels.withAll { models in
            models.server.onClassify("spam") { text in
                if text.text == "broken" { throw CocoaError(.fileReadUnknown) }
                let score: Float = text.text.contains("money") ? 0.95 : 0.05
                return .init(scores: [.init(label: "SPAM", score: score), .init(label: "HAM", score: 1 - score)])
            }
            let arguments = ["spam", "--model", "spam", "--socket", models.server.socketPath]
            let run = try await models.run("examples", arguments, input: "make money\nhello\nbroken\n")
            #expect(run.exit.isSuccess, "\(run.errors)")
            #expect(run.lines == ["reject 0.95 make money", "keep   0.05 hello", "hold       broken (INTERNAL)"])
            let other = try await models.run("examples", arguments + ["--spam-label", "JUNK"], input: "hello\n")
            #expect(other.errors.contains("the model has no label 'JUNK'; it has HAM, SPAM"))
        }
    }

    @Test func moderation() async throws {
        try await FakeModels.withAll { models in
            models.server.onClassify("toxic") { text in
                .init(scores: [.init(label: "insult", score: 0.75), .init(label: "threat", score: 0.25)])
            }
            let arguments = ["moderation", "--model", "toxic", "--socket", models.server.socketPath]
            let one = try await models.run("examples", arguments, input: "you\n")
            #expect(one.lines == ["insult 0.75 | you"])
            let limits = arguments + ["--limit", "insult=0.9", "--limit", "threat=0.2"]
            #expect(try await models.run("examples", limits, input: "you\n").lines == ["threat 0.25 | you"])
            #expect(try await models.run("examples", arguments + ["--limit", "x"]).exit == .exited(64))
        }
    }

    @Test func topicsOfDocuments() async throws {
        try await FakeModels.withAll { models in
            try models.folder.write("long.txt", String(repeating: "good words ", count: 600))
            let file = models.folder("long.txt")
            let arguments = ["topic", file, "--model", "sentiment", "--socket", models.server.socketPath]
            let run = try await models.run("examples", arguments)
            #expect(run.lines == ["\(file): POSITIVE 0.75 (0 tokens in 1 windows)"])
        }
    }

    @Test func intents() async throws {
        let known = try await run(["intent", "good", "--model", "sentiment"])
        #expect(known == ["POSITIVE 0.75 | good"])
        let unknown = try await run(["intent", "good", "--model", "sentiment", "--threshold", "0.8"])
        #expect(unknown == ["out of scope 0.75 | good"])
    }

    @Test func questionsAboutADocument() async throws {
        try await FakeModels.withAll { models in
            try models.folder.write("text.txt", "It was cold. They met in 東京 that day. It rained.")
            let arguments = [
                "question-answering", models.folder("text.txt"), "Where?", "Why?", "--model", "qa", "--socket",
                models.server.socketPath,
            ]
            let run = try await models.run("examples", arguments)
            #expect(
                run.lines == [
                    "Where?", "  東京 (0.90)", "  … They met in *東京* that day", "Why?", "  The document does not say.",
                ]
            )
        }
    }

    @Test func namesInTexts() async throws {
        let lines = try await run(["entities", "--model", "ner"], input: "Ada\nAda in 東京\nnobody\n")
        #expect(lines == ["2 PER Ada", "1 LOC 東京", "2 names"])
    }

    @Test func searchInAFolder() async throws {
        try await FakeModels.withAll { models in
            for name in ["cat", "dog", "tea"] { try models.folder.write("\(name).txt", name) }
            let arguments = [
                "search", models.folder.path, "dog", "--count", "1", "--model", "minilm", "--socket",
                models.server.socketPath,
            ]
            #expect(try await models.run("examples", arguments).lines == ["1.000 dog.txt"])
        }
    }
}
