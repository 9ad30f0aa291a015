import ArgumentParser
import ModelClient

/// The topics of whole documents, longer than the 512 tokens that a BERT reads at once.
///
/// With `.windows` the server reads the document in windows that overlap, and takes the mean of their scores.
///
///     examples topic --model topics report.txt minutes.txt
struct Topic: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The topics of whole documents.")

    @OptionGroup var server: Server
    @Argument(help: "The documents' files.")
    var files: [String]

    func run() async throws {
        try await server.withClient { client in
            let options = ClassifyOptions(labels: .top(3), truncation: .windows)
            for file in files {
                let document = try contents(ofFile: file)
                let answer = try await client.classify(document, model: server.model, options: options)
                let topics = answer.scores.map { "\($0.label) \(fixed(Double($0.score)))" }.joined(separator: ", ")
                print("\(file): \(topics) (\(answer.tokens) tokens in \(answer.windows) windows)")
            }
        }
    }
}
