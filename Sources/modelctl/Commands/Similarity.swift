import ArgumentParser
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

    var given: [InputLine] { inputs.texts.isEmpty ? [] : [InputLine(texts: inputs.texts)] }

    func validate() throws {
        try validateInputs()
        guard inputs.textPair == nil else { throw ValidationError("similarity takes no --text-pair") }
        guard inputs.texts.count != 1 else { throw ValidationError("give two texts or more to compare") }
    }

    var query: @Sendable (InputLine) throws(InputError) -> [String] {
        { (line) throws(InputError) in try InputLine.required(line.texts, "texts") }
    }

    var ask: @Sendable (ModelClient, [String]) async throws(ModelClientError) -> ComparedTexts {
        let options = EmbedOptions(truncation: inputs.truncation)
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, texts async throws(ModelClientError) in
            let vectors = try await client.embed(texts, model: model, options: options, timeout: timeout)
            return ComparedTexts(
                texts: texts,
                values: vectors.map { row in vectors.map { row.cosineSimilarity(to: $0) } },
                truncated: vectors.filter(\.truncated).count
            )
        }
    }

    static func json(_ answer: ComparedTexts) -> String {
        JSONText.array(answer.values.map { JSONText.array($0.map { JSONText.number($0) }) })
    }

    var text: SimilarityText { SimilarityText() }
}

/// Texts, and the cosine of each with each.
struct ComparedTexts: Sendable {
    var texts: [String]
    var values: [[Float]]
    /// Of how many texts the end was dropped.
    var truncated: Int
}

/// Similarities for people: a heat map.
struct SimilarityText: TaskText {
    func lines(_ answer: ComparedTexts, to input: TaskInput) -> [String] {
        HeatMap.lines(labels: answer.texts, values: answer.values) + HeatMap.note(truncated: answer.truncated)
    }
}
