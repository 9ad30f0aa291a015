import Foundation
import Messages
import ModelFiles
import Tasks
import TestSupport
import Testing

/// The real all-MiniLM-L6-v2 against sentence-transformers' rules as `transformers` computes them
/// (`Tests/DistilBERTTests/Golden/README.md`). Runs where `ops/fetch-model` has put the model.
@Suite(.enabled(if: MiniLM.folder != nil, "run ops/fetch-model first")) struct MiniLMTests {
    private func embeddings(_ directory: String, _ texts: [String], threads: Int) throws -> [[Float]] {
        let model = try Model(directory: directory, threads: threads)
        let answer = try model.answer([.embed(EmbedRequest(inputs: texts.map { TextInput($0) }))])
        guard case .embed(let response) = answer[0] else { return [] }
        return response.results.map(\.values)
    }

    private func golden() throws -> (texts: [String], truncated: [Bool], embeddings: [Float]) {
        let file = try JSONNode(readingFile: MiniLM.golden + "/minilm.json")
        let texts = try file.required("texts").elements()
        let checkpoint = try Checkpoint(directory: MiniLM.golden)
        return (
            try texts.map { try $0.required("text").string() }, try texts.map { try $0.required("truncated").bool() },
            try #require(checkpoint.tensor("minilm/embeddings")).floats()
        )
    }

    @Test func embeddingsAreThoseOfTransformers() throws {
        let golden = try golden()
        let folder = try #require(MiniLM.folder)
        let values = try embeddings(folder, golden.texts, threads: 2).flatMap { $0 }
        #expect(values.count == golden.embeddings.count)
        let worst = zip(values, golden.embeddings).map { abs($0 - $1) }.max() ?? 1
        #expect(worst < 2e-5, "largest difference \(worst)")
    }

    @Test func foldedIntoDistilBERTItGivesTheSame() throws {
        let golden = try golden()
        let folded = try TemporaryFolder()
        try FoldedCheckpoint.write(from: try #require(MiniLM.folder), to: folded.path)
        let values = try embeddings(folded.path, golden.texts, threads: 1).flatMap { $0 }
        let worst = zip(values, golden.embeddings).map { abs($0 - $1) }.max() ?? 1
        #expect(values.count == golden.embeddings.count && worst < 2e-5, "largest difference \(worst)")
    }
}

enum MiniLM {
    static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("DistilBERTTests/Golden").path

    /// Where `ops/fetch-model` puts it.
    static let folder: String? = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache"
        let path = environment["DISTILLERY_MINILM"] ?? cache + "/distillery/models/minilm/1"
        return FileManager.default.fileExists(atPath: path + "/config.json") ? path : nil
    }()
}
