import ArgumentParser
import FoundationEssentials
import ModelClient

/// Semantic search over a folder of texts: finds what means the same, not what is spelled the same.
///
/// The texts become vectors once, in batches; a question is one more vector, and the closest texts answer it. Of a text
/// that is longer than the model reads, the beginning counts; `truncated` tells.
///
///     examples search --model minilm notes/ "how do I feed the cat?"
struct Search: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Semantic search over a folder of texts.")

    @OptionGroup var server: Server
    @Argument(help: "The folder; its .txt files are searched.")
    var folder: String
    @Argument(help: "What to look for.")
    var question: String
    @Option(help: "How many texts to print.")
    var count = 3

    func run() async throws {
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
            throw ValidationError("'\(folder)' is no folder that can be read")
        }
        let names = files.filter { $0.hasSuffix(".txt") }.sorted()
        let texts = try names.map { try contents(ofFile: "\(folder)/\($0)") }
        guard !texts.isEmpty else { throw ValidationError("'\(folder)' has no .txt file") }
        try await server.withClient { client in
            let vectors = try await client.embed(texts, model: server.model)
            let wanted = try await client.embed(question, model: server.model)
            let found = zip(names, vectors).map { name, vector in
                (score: vector.cosineSimilarity(to: wanted), text: vector.truncated ? "\(name) (its beginning)" : name)
            }
            for (score, text) in found.sorted(by: { $0.score > $1.score }).prefix(count) {
                print(fixed(Double(score), 3), text)
            }
        }
    }
}
