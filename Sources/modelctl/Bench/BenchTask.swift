import ArgumentParser
import ModelClient

/// What a bench asks for.
enum BenchTask: String, CaseIterable, ExpressibleByArgument, Sendable {
    case classify
    case embed

    /// Makes one call.
    func ask(
        _ client: ModelClient,
        _ input: TextInput,
        model: String
    ) async throws(ModelClientError) -> BenchAnswer {
        switch self {
        case .classify:
            let options = ClassifyOptions(labels: .all, truncation: .truncate)
            let answer = try await client.classify([input], model: model, options: options)[0]
            return BenchAnswer(
                labels: answer.scores.map(\.label),
                values: answer.scores.map(\.score),
                tokens: answer.tokens,
                metadata: answer.metadata
            )
        case .embed:
            let answer = try await client.embed([input], model: model)[0]
            return BenchAnswer(values: answer.values, tokens: answer.tokens, metadata: answer.metadata)
        }
    }

    /// The task for a model that the server has: classifying where it can, else embedding.
    static func standard(for model: String, in status: ServerStatus) -> BenchTask {
        let name = model.prefix { $0 != "@" && $0 != ":" }
        let tasks = status.models.first { $0.reference == model } ?? status.models.first { $0.name == name }
        return tasks?.tasks.contains("classify") == true ? .classify : .embed
    }
}

/// What a bench asks about when nothing else is said: from 6 to about 60 tokens, as posts and reviews have.
enum BenchTexts {
    static let standard: [String] = [
        "Works exactly as described.",
        "The battery died after two weeks, and nobody answered my mails.",
        "Does anyone know whether the museum is open on Mondays in winter?",
        "Thanks!",
        "I have read this book three times by now, and every time I find a detail on the last pages that changes what I "
            + "thought of its narrator.",
        "The train to the coast is late again.",
        "Shares of the company fell four percent on Thursday after it had said that a shortage of parts would slow down "
            + "deliveries until spring; analysts had expected a small rise, and several of them lowered their forecasts "
            + "for the rest of the year.",
        "Great value for the price, would buy again.",
        "We stayed for a week. The room was small but quiet, breakfast was good, and the owner lent us bicycles for free.",
        "How do I reset my password if I no longer have that phone number?",
        "Not what I expected.",
        "After the storm, volunteers cleared the paths in the park within a day, so that the run could take place as "
            + "planned on Sunday morning, with more than two thousand people at the start.",
        "My daughter loves it, she plays with it every single day.",
        "The second half was a different match: both teams pressed high, and the goalkeeper alone kept it level.",
        "Please cancel my order and refund the amount to the same card.",
        "Scientists have found that the lake holds less oxygen than ten years ago, most of all in its deepest parts.",
    ]
}
