import AnswerForms
import ArgumentParser
import JSON
import Messages
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

    var given: [JSONValue] { inputs.list }

    func validateOptions() throws {
        guard inputs.textPair == nil else { throw ValidationError("rerank takes no --text-pair") }
        guard wanted != nil || inputs.texts.isEmpty else {
            throw ValidationError("there is no query; give one as --query")
        }
        try validateCounts(["--top-k": topK])
    }

    var common: JSONObject { wanted.map { ["query": .string($0)] } ?? [:] }

    var request: RerankRequest { RerankRequest() }

    /// As many requests as the list needs.
    nonisolated(nonsending) func ask(
        _ client: ModelClient,
        _ request: RerankRequest
    ) async throws(ModelClientError) -> RerankResponse {
        let ranked = try await client.rerank(
            request.texts,
            for: request.query,
            model: inputs.model,
            options: RerankOptions(truncation: inputs.truncate ? .truncate : .taskDefault),
            timeout: inputs.timeout.duration
        )
        return RerankResponse(
            results: ranked.sorted { $0.index < $1.index }.map { Relevance(score: $0.score, truncated: $0.truncated) }
        )
    }

    func shown(_ outcome: [RerankRequest.Ranked]) -> [RerankRequest.Ranked] {
        Array(outcome.prefix(topK ?? outcome.count))
    }

    /// Scores, bars, and the texts.
    func lines(_ outcome: [RerankRequest.Ranked], to request: RerankRequest, label: String) -> [String] {
        outcome.enumerated().map { place, ranked in
            let (index, relevance) = ranked
            let text = HumanText.printable(request.texts[index], width: max(20, Console.width - 40))
            let note = HumanText.note(truncated: relevance.truncated).map { "  (\($0))" }.joined()
            let shown = (place == 0 ? Style.bold(text) : text) + note
            let number = HumanText.fixed(Double(relevance.score), 4)
            return "\(place + 1).  \(number)  \(shown)\(HumanText.bar(relevance.score))"
        }
    }
}
