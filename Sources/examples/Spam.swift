import ArgumentParser
import ModelClient

/// A spam filter: mails come as lines on standard input, and each is kept, rejected, or held for a person.
///
/// `client.batch` gives each mail a result of its own: one that cannot be judged is held, and the others are not concerned.
/// A model that has no such label judges no mail.
///
///     examples spam --model spam --spam-label SPAM < mails.txt
struct Spam: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A spam filter that fails safe.")

    @OptionGroup var server: Server
    @Option(help: "The label of unwanted mail.")
    var spamLabel = "SPAM"
    @Option(help: "Reject from this score on.")
    var threshold: Float = 0.9

    func run() async throws {
        try await server.withClient { client in
            var mails: [String] = []
            for await mail in StandardInput() { mails.append(mail) }
            let options = ClassifyOptions(labels: .all, truncation: .truncate)
            let batch = client.batch(mails) { [model = server.model] client, mail in
                try await client.classify(mail, model: model, options: options)
            }
            for (mail, result) in zip(mails, await batch.results()) {
                let subject = mail.prefix(60)
                switch result {
                case .success(let answer):
                    guard let score = answer.scores.first(where: { $0.label == spamLabel })?.score else {
                        let labels = answer.scores.map(\.label).sorted().joined(separator: ", ")
                        throw ValidationError("the model has no label '\(spamLabel)'; it has \(labels)")
                    }
                    print(score >= threshold ? "reject" : "keep  ", fixed(Double(score)), subject)
                case .failure(let error):
                    print("hold      ", subject, "(\(error.code))")
                }
            }
        }
    }
}
