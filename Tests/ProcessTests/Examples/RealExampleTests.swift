import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// Each program of `examples` against a real `modeld` and its workers, with small models of random weights: that it comes
/// to its end, and what it prints, as far as that does not depend on the weights.
@Suite(.timeLimit(.minutes(3))) struct RealExampleTests {
    private static var models: [String: SeededCheckpoint] {
        func model(labels: [String] = [], head: SeededCheckpoint.Head? = nil) -> SeededCheckpoint {
            var checkpoint = SeededCheckpoint(family: labels.count == 2 ? .distilBERT : .bert)
            checkpoint.spread = 0.3
            checkpoint.labelNames = labels
            checkpoint.labels = labels.count
            checkpoint.head = head
            return checkpoint
        }
        return [
            "sentiment/1": model(labels: ["NEGATIVE", "POSITIVE"]), "spam/1": model(labels: ["HAM", "SPAM"]),
            "toxic/1": model(labels: ["insult", "threat", "obscene"]),
            "topics/1": model(labels: ["sport", "politics", "science", "business"]),
            "intents/1": model(labels: ["track_order", "refund", "opening_hours"]),
            "names/1": model(labels: ["O", "B-PER", "I-PER", "B-LOC"], head: .token),
            "answers/1": model(head: .answer), "encoder/1": model(),
        ]
    }

    @Test func everyExampleRunsWithRealModels() throws {
        let server = try ModelServer(models: Self.models)
        func run(_ arguments: String..., input: String = "") throws -> [String] {
            let all = arguments + ["--socket", server.socket]
            let run = try ModelServer.modelctl(
                all,
                socket: nil,
                folder: server.folder,
                input: input,
                program: "examples"
            )
            #expect(run.exit.isSuccess, "\(arguments): \(run.errors)")
            #expect(run.errors.isEmpty, "\(arguments)")
            return run.lines
        }
        let posts = (0..<50).map { "post \($0) about cafés and 東京 🙂\n" }.joined()
        let long = String(repeating: "word after word. ", count: 500)
        let notes = "\(server.folder)/notes"
        try SafetensorsWriter.makeFolder(notes)
        for (name, text) in [("long", long), ("tea", "a cup of tea"), ("cat", "the cat sleeps")] {
            try SafetensorsWriter.write(text: text, to: "\(notes)/\(name).txt")
        }

        let moods = try run("sentiment", "--model", "sentiment", "--every", "20", input: posts)
        #expect(moods.count == 3)
        #expect(moods.last?.hasPrefix("50 posts: ") == true && moods.last?.hasSuffix(" ms; 0 skipped") == true)

        let mails = try run("spam", "--model", "spam", input: "hello\nmake money\n" + long + "\n")
        #expect(mails.count == 3 && mails.allSatisfy { $0.hasPrefix("keep ") || $0.hasPrefix("reject ") }, "\(mails)")

        let comments = try run("moderation", "--model", "toxic", "--limit", "insult=0", input: "you\nthey\n")
        #expect(comments.count == 2 && comments.allSatisfy { $0.contains("insult ") }, "\(comments)")
        let strict = try run("moderation", "--model", "toxic", "--limit", "insult=1", input: "you\n")
        #expect(!strict[0].contains("insult"))

        let topics = try run("topic", "--model", "topics", "\(notes)/long.txt", "\(notes)/tea.txt")
        #expect(topics.count == 2 && !topics[0].contains(" in 1 windows)") && topics[1].contains(" in 1 windows)"))

        #expect(try run("intent", "--model", "intents", "--threshold", "1.1", "hi")[0].hasPrefix("out of scope "))
        let known = try run("intent", "--model", "intents", "--threshold", "0", "--margin", "0", "hi")
        #expect(!known[0].hasPrefix("out of scope ") && known[0].hasSuffix(" | hi"))

        let answers = try run("question-answering", "--model", "answers", "\(notes)/long.txt", "Which?", "Why?")
        #expect(answers.first == "Which?" && answers.contains("Why?") && answers.count >= 4, "\(answers)")

        let names = try run("entities", "--model", "names", "--threshold", "0", input: posts + long + "\n")
        #expect(names.last == "\(names.count - 1) names" && names.count > 1, "\(names)")

        let found = try run("search", "--model", "encoder", notes, "a cup of tea")
        #expect(found.count == 3 && found[0] == "1.000 tea.txt", "\(found)")
        #expect(found.contains { $0.hasSuffix("long.txt (its beginning)") })
    }
}
