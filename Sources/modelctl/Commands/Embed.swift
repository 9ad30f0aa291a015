import ArgumentParser
import ModelClient

/// `modelctl embed`.
struct Embed: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turns texts into vectors; shows how similar several are.",
        discussion: """
            Two to twelve texts are shown as a table of their cosine similarities. With --json one line per input: its \
            vector.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Option(help: ArgumentHelp("One of the model's prompts to put before each text.", valueName: "name"))
    var promptName: String?
    @Option(help: ArgumentHelp("A text to put before each text; empty for none at all.", valueName: "text"))
    var prompt: String?
    @Option(help: ArgumentHelp("How many dimensions to keep.", valueName: "number"))
    var dimensions: Int?

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> Embedding {
        let prompt = prompt.map(EmbedOptions.Prompt.text) ?? promptName.map(EmbedOptions.Prompt.named)
        let options = EmbedOptions(
            dimensions: dimensions,
            prompt: prompt ?? .checkpointDefault,
            truncation: inputs.truncation
        )
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            try await client.embed([input], model: model, options: options, timeout: timeout)[0]
        }
    }

    func validate() throws {
        try validateInputs()
        guard prompt == nil || promptName == nil else {
            throw ValidationError("--prompt is a text and --prompt-name the name of one; choose one")
        }
        guard dimensions.map({ $0 > 0 }) ?? true else { throw ValidationError("--dimensions goes from 1") }
    }

    static func json(_ answer: Embedding) -> String { JSONText.array(answer.values.lazy.map(JSONText.number)) }

    var text: EmbeddingText {
        EmbeddingText(comparesTexts: inputs.file == nil && (2...12).contains(inputs.texts.count))
    }
}

/// Embeddings for people: a vector's size, first values and length, or a table of similarities.
struct EmbeddingText: TaskText {
    /// Whether the texts are few enough to compare each with each.
    let comparesTexts: Bool
    private var compared: [(label: String, embedding: Embedding)] = []

    init(comparesTexts: Bool) {
        self.comparesTexts = comparesTexts
    }

    mutating func lines(_ answer: Embedding, to input: TaskInput) -> [String] {
        if comparesTexts {
            compared.append((input.label, answer))
            return []
        }
        let length = answer.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let first = answer.values.prefix(6).map { HumanText.fixed(Double($0), 4) }.joined(separator: ", ")
        let dimensions = "\(answer.values.count) dimensions, length \(HumanText.fixed(length, 4))"
        return [
            Style.bold(HumanText.printable(input.label, width: Console.width)),
            "  \(dimensions)\(answer.truncated ? ", end of the text dropped" : ""): "
                + "[\(first)\(answer.values.count > 6 ? ", …" : "")]",
        ]
    }

    func ending() -> [String] {
        guard let first = compared.first else { return [] }
        let similarities = compared.map { row in compared.map { row.embedding.cosineSimilarity(to: $0.embedding) } }
        return HeatMap.lines(labels: compared.map(\.label), values: similarities)
            + ["", "Cosine similarity of vectors of \(first.embedding.values.count) dimensions."]
            + HeatMap.note(truncated: compared.filter(\.embedding.truncated).count)
    }
}
