import AnswerForms
import ArgumentParser
import Messages

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

    var request: EmbedRequest {
        EmbedRequest(
            truncateDim: UInt32(clamping: dimensions ?? 0),
            truncation: inputs.truncation,
            promptName: promptName ?? "",
            prompt: prompt ?? "",
            hasPrompt: prompt != nil
        )
    }

    func validateOptions() throws {
        guard prompt == nil || promptName == nil else {
            throw ValidationError("--prompt is a text and --prompt-name the name of one; choose one")
        }
        try validateCounts(["--dimensions": dimensions])
    }

    /// A vector's size, first values and length.
    func lines(_ outcome: Embedding, to request: EmbedRequest, label: String) -> [String] {
        let length = outcome.values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        let dimensions = "\(outcome.values.count) dimensions, length \(HumanText.fixed(length, 4))"
        let note = outcome.truncated ? ", end of the text dropped" : ""
        return [HumanText.title(label), "  \(dimensions)\(note): [\(HumanText.first(outcome.values))]"]
    }

    var comparesAnswers: Bool { inputs.file == nil && (2...12).contains(inputs.texts.count) }

    func comparison(_ answers: [(label: String, outcome: Embedding)]) -> [String] {
        HeatMap.lines(labels: answers.map(\.label), values: HeatMap.cosines(answers.map(\.outcome.values)))
            + ["", "Cosine similarity of vectors of \(answers[0].outcome.values.count) dimensions."]
            + HeatMap.note(truncated: answers.filter(\.outcome.truncated).count)
    }
}
