import ArgumentParser
import FoundationEssentials
import ModelClient

/// Semantic search over a folder of texts: finds what means the same, not what is spelled the same.
///
/// The texts become vectors once, in batches; a question is one more vector, and the closest texts answer it.
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
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".txt") }.sorted()
        let texts = try names.map { try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
        guard !texts.isEmpty else { throw ValidationError("'\(folder)' has no .txt file") }
        try await server.withClient { client in
            let vectors = try await client.embed(texts, model: server.model)
            let wanted = try await client.embed(question, model: server.model)
            let found = zip(names, vectors).map { (name: $0, score: $1.cosineSimilarity(to: wanted)) }
            for (name, score) in found.sorted(by: { $0.score > $1.score }).prefix(count) {
                print(fixed(Double(score), 3), name)
            }
        }
    }
}
