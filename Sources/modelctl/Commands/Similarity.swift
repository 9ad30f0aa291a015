import AnswerForms
import ArgumentParser
import JSON
import Messages
import ModelClient

/// `modelctl similarity`.
struct Similarity: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares texts with each other in meaning.",
        discussion: """
            The texts of the command line are one list. Lines of a file are lists of their own: {"texts"}. With --json one \
            line a list: a row of cosines for each text, [[…]…].
            """
    )

    @OptionGroup var inputs: InputOptions

    var given: [JSONValue] { inputs.list }

    func validateOptions() throws {
        guard inputs.textPair == nil else { throw ValidationError("similarity takes no --text-pair") }
        guard inputs.texts.count != 1 else { throw ValidationError("give two texts or more to compare") }
    }

    var request: ComparedTexts { ComparedTexts() }

    nonisolated(nonsending) func ask(
        _ client: ModelClient,
        _ request: ComparedTexts
    ) async throws(ModelClientError) -> ComparedTexts.Answer {
        let vectors = try await client.embed(
            request.texts,
            model: inputs.model,
            options: EmbedOptions(truncation: inputs.truncate ? .truncate : .taskDefault),
            timeout: inputs.timeout.duration
        )
        return ComparedTexts.Answer(
            cosines: HeatMap.cosines(vectors.map(\.values)),
            truncated: vectors.filter(\.truncated).count
        )
    }

    /// A heat map.
    func lines(_ outcome: ComparedTexts.Answer, to request: ComparedTexts, label: String) -> [String] {
        HeatMap.lines(labels: request.texts, values: outcome.cosines) + HeatMap.note(truncated: outcome.truncated)
    }
}

/// Texts, and the cosine of each with each: no task of a model, but made of one.
struct ComparedTexts: TaskForm {
    struct Answer: Sendable, Equatable {
        var cosines: [[Float]]
        /// Of how many texts the end was dropped.
        var truncated: Int
    }

    static let method = InferenceMethod.embed.rawValue
    var texts: [String] = []

    mutating func read(_ input: FormObject) throws(FormError) { texts = try input.required("texts", input.strings) }
    func outcome(of answer: Answer) -> Answer? { answer }
    func form(of outcome: Answer) -> AnswerValue { .list(outcome.cosines.map { .numbers($0) }) }
}
