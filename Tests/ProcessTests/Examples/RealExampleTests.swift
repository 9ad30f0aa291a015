import Foundation
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
            "names/1": model(labels: ["O", "B-PER", "I-PER", "B-LOC"], head: .token),
            "answers/1": model(head: .answer), "encoder/1": model(),
        ]
    }

    @Test func everyExampleRunsWithRealModels() throws {
        let server = try ModelServer(models: Self.models, links: ["intents/1": IntentsModel.folder])
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

        // What `Intent.swift` shows.
        #expect(
            try run("intent", "--model", "intents", "Why was I charged twice?", "what's the weather in Paris") == [
                "transaction_charged_twice 0.94 | Why was I charged twice?",
                "out of scope 0.46 | what's the weather in Paris",
            ]
        )
        #expect(
            try run("intent", "--model", "intents", "--threshold", "0.95", "Why was I charged twice?") == [
                "out of scope 0.94 | Why was I charged twice?"
            ]
        )

        let answers = try run("question-answering", "--model", "answers", "\(notes)/long.txt", "Which?", "Why?")
        #expect(answers.first == "Which?" && answers.contains("Why?") && answers.count >= 4, "\(answers)")

        let names = try run("entities", "--model", "names", "--threshold", "0", input: posts + long + "\n")
        #expect(names.last == "\(names.count - 1) names" && names.count > 1, "\(names)")

        let found = try run("search", "--model", "encoder", notes, "a cup of tea")
        #expect(found.count == 3 && found[0] == "1.000 tea.txt", "\(found)")
        #expect(found.contains { $0.hasSuffix("long.txt (its beginning)") })
    }

    /// With a model that was trained: what `Entities.swift` shows, and its counting over several texts.
    @Test(.enabled(if: EntitiesModel.folder != nil, "run ops/fetch-entities-model first"))
    func entitiesOfATrainedModel() throws {
        let server = try ModelServer(models: [:], links: ["rampart/1": try #require(EntitiesModel.folder)])
        func names(_ texts: String) throws -> [String] {
            let run = try ModelServer.modelctl(
                ["entities", "--model", "rampart", "--socket", server.socket],
                socket: nil,
                folder: server.folder,
                input: texts,
                program: "examples"
            )
            #expect(run.exit.isSuccess && run.errors.isEmpty, "\(run.errors)")
            return run.lines
        }
        #expect(
            try names("Ada Lovelace lives at 12 Market Street\n") == [
                "1 BUILDING_NUMBER 12", "1 GIVEN_NAME Ada", "1 SURNAME Lovelace", "1 STREET_NAME Market Street",
                "4 names",
            ]
        )
        let letters = """
            My name is Ada Lovelace and I live at 12 Market Street, Springfield 62704.
            Please call Charles Babbage on (555) 010-4477 after five.
            Ada Lovelace wrote to Mary Somerville in Springfield.
            The weather was fine.

            """
        #expect(
            try names(letters) == [
                "2 GIVEN_NAME Ada", "2 SURNAME Lovelace", "2 CITY Springfield", "1 PHONE (555) 010-4477",
                "1 BUILDING_NUMBER 12", "1 ZIP_CODE 62704", "1 SURNAME Babbage", "1 GIVEN_NAME Charles",
                "1 STREET_NAME Market Street", "1 GIVEN_NAME Mary", "1 SURNAME Somerville", "11 names",
            ]
        )
    }
}

/// The model of `ops/fetch-entities-model`, where that has put it.
enum EntitiesModel {
    static let folder: String? = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache"
        let path = environment["DISTILLERY_ENTITIES"] ?? cache + "/distillery/entities/rampart/1"
        return FileManager.default.fileExists(atPath: path + "/model.safetensors") ? path : nil
    }()
}
