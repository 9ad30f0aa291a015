import ArgumentParser
import ModelClient

/// `modelctl rerank`.
struct Rerank: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Orders texts by how well they answer a query.",
        discussion: """
            The texts of the command line are one list. Lines of a file are lists of their own: {"query","texts"}. With \
            --json one line per list: [{"corpus_id","score","text"}…], the best first.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Option(name: .customLong("query"), help: ArgumentHelp("What the texts should answer.", valueName: "text"))
    var wanted: String?
    @Option(help: ArgumentHelp("How many texts to print; all unless said otherwise.", valueName: "number"))
    var topK: Int?

    /// A query and texts.
    struct Query: Sendable {
        var query: String
        var texts: [String]
    }

    var given: [InputLine] { inputs.texts.isEmpty ? [] : [InputLine(texts: inputs.texts)] }

    func validate() throws {
        try validateInputs()
        guard inputs.textPair == nil else { throw ValidationError("rerank takes no --text-pair") }
        guard wanted != nil || inputs.texts.isEmpty else {
            throw ValidationError("there is no query; give one as --query")
        }
        guard topK.map({ $0 > 0 }) ?? true else { throw ValidationError("--top-k goes from 1") }
    }

    var query: @Sendable (InputLine) throws(InputError) -> Query {
        { [wanted] (line) throws(InputError) in
            Query(
                query: try InputLine.required(line.query ?? wanted, "query"),
                texts: try InputLine.required(line.texts, "texts")
            )
        }
    }

    var ask: @Sendable (ModelClient, Query) async throws(ModelClientError) -> [RankedText] {
        let options = RerankOptions(truncation: inputs.truncation)
        return {
            [model = inputs.model, timeout = inputs.timeout.duration, topK] client, query
                async throws(ModelClientError) in
            let ranked = try await client.rerank(
                query.texts,
                for: query.query,
                model: model,
                options: options,
                timeout: timeout
            )
            return Array(ranked.prefix(topK ?? ranked.count))
        }
    }

    static func json(_ answer: [RankedText]) -> String {
        JSONText.array(
            answer.map {
                JSONText.object([
                    "corpus_id": "\($0.index)", "score": JSONText.number($0.score), "text": JSONText.string($0.text),
                ])
            }
        )
    }

    var text: RankedTextLines { RankedTextLines() }
}

/// Ranked texts for people: scores, bars, and the texts.
struct RankedTextLines: TaskText {
    func lines(_ answer: [RankedText], to input: TaskInput) -> [String] {
        answer.enumerated().map { place, ranked in
            let number = HumanText.fixed(Double(ranked.score), 4)
            let room = max(20, Console.width - 40)
            let text = HumanText.printable(ranked.text, width: room)
            let note = HumanText.note(truncated: ranked.truncated).map { "  (\($0))" }.joined()
            let shown = (place == 0 ? Style.bold(text) : text) + note
            return "\(place + 1).  \(number)  \(shown)\(HumanText.bar(ranked.score))"
        }
    }
}
