import ArgumentParser
import ModelClient

/// `modelctl zero-shot`.
struct ZeroShot: TaskCommand {
    static let configuration = CommandConfiguration(
        commandName: "zero-shot",
        abstract: "Classifies texts with labels that the model was not trained for.",
        discussion: """
            Lines of a file may have labels of their own: {"text","labels"}. With --json one line per input: \
            {"labels","scores"}, the best first.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Option(help: ArgumentHelp("The labels, with commas between them.", valueName: "labels"))
    var labels: String?
    @Flag(help: "Several labels may fit: score each by itself.")
    var multiLabel = false
    @Option(
        help: ArgumentHelp("The sentence that is compared with the text; {} is the label's place.", valueName: "text")
    )
    var hypothesisTemplate = "This example is {}."

    /// A text and its labels.
    struct Query: Sendable {
        var text: String
        var labels: [String]
    }

    func validate() throws {
        try validateInputs()
        guard inputs.textPair == nil else { throw ValidationError("zero-shot takes no --text-pair") }
        guard labels.map({ !CommaList($0).values.isEmpty }) ?? (inputs.texts.isEmpty) else {
            throw ValidationError("there are no labels; give them as in --labels 'sport,money'")
        }
    }

    var query: @Sendable (InputLine) throws(InputError) -> Query {
        let labels = labels.map { CommaList($0).values }
        return { (line) throws(InputError) in
            Query(
                text: try InputLine.required(line.text, "text"),
                labels: try InputLine.required(line.labels ?? labels, "labels")
            )
        }
    }

    var ask: @Sendable (ModelClient, Query) async throws(ModelClientError) -> Classification {
        let options = ZeroShotOptions(
            hypothesis: hypothesisTemplate,
            allowsSeveralLabels: multiLabel,
            truncation: inputs.truncation
        )
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, query async throws(ModelClientError) in
            try await client.classify(
                query.text,
                as: query.labels,
                model: model,
                options: options,
                timeout: timeout
            )
        }
    }

    static func json(_ answer: Classification) -> String {
        JSONText.object([
            "labels": JSONText.array(answer.scores.map { JSONText.string($0.label) }),
            "scores": JSONText.array(answer.scores.map { JSONText.number($0.score) }),
        ])
    }

    var text: ClassificationText { ClassificationText(isSingle: inputs.isSingle) }
}
