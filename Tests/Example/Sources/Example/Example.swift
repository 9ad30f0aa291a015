import Glibc
import ModelClient

/// Compares sentences with the model `minilm` of the server at the socket that is the first argument.
@main struct Example {
    static func main() async {
        do {
            guard CommandLine.arguments.count == 2 else { throw Mistake("usage: Example SOCKET") }
            let socket = CommandLine.arguments[1]
            let observed = Observed()
            try await observed.observeCalls()
            try await withoutAModel()
            try await shutDownGracefully()
            try await compareSentences(socket)
            try observed.observeServer()
            try await runAsService(socket)
        } catch {
            // An error that leaves `main` ends a program with a trap and a backtrace, which is for faults.
            let line = "Example: \(error)\n"
            _ = write(STDERR_FILENO, line, line.utf8.count)
            exit(1)
        }
    }

    /// A client for the time of a closure.
    static func compareSentences(_ socket: String) async throws {
        try await withModelClient(at: socket) { client in
            let sentences = [
                "The cat sleeps on the sofa.", "A kitten naps on the couch.", "Stocks fell sharply today.",
            ]
            let embeddings = try await client.embed(sentences, model: "minilm")
            let close = embeddings[0].cosineSimilarity(to: embeddings[1])
            let far = embeddings[0].cosineSimilarity(to: embeddings[2])
            print("cat and kitten: \(close), cat and stocks: \(far)")
            guard close > 0.5, far < 0.3 else {
                throw Mistake("cats should be like kittens and unlike stocks; is 'minilm' all-MiniLM-L6-v2?")
            }

            do {
                _ = try await client.embed("text", model: "no-such-model")
                throw Mistake("a model that nobody has gave an answer")
            } catch let error as ModelClientError where error.code == .notFound {
                print("an unknown model: \(error.message)")
            }
        }
    }
}

/// What is wrong, for whoever started the program.
struct Mistake: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
