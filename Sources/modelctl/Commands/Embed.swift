import ArgumentParser
import ModelClient

/// `modelctl embed`.
struct Embed: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turns texts into vectors; shows how similar several are.",
        discussion: """
            Two to twelve texts are shown as a table of their cosine similarities. With --json one line an input: its \
            vector.
            """
    )

    @OptionGroup var inputs: InputOptions

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> Embedding {
        let options = EmbedOptions(truncation: inputs.truncation)
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            try await client.embed([input], model: model, options: options, timeout: timeout)[0]
        }
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
        // Each similarity takes 8 columns; what is left is for the texts.
        let room = max(16, Console.width - 8 * compared.count - 6)
        var table = Table([.text(""), .text("")] + compared.indices.map { .number("(\($0 + 1))") })
        for (index, row) in compared.enumerated() {
            let similarities = compared.map {
                HumanText.fixed(Double(row.embedding.cosineSimilarity(to: $0.embedding)), 3)
            }
            table.add(["(\(index + 1))", HumanText.printable(row.label, width: room)] + similarities)
        }
        return table.lines + ["", "Cosine similarity of vectors of \(first.embedding.values.count) dimensions."]
    }
}
