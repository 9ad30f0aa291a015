import ArgumentParser
import JSON
import Messages

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

    func validateOptions() throws {
        guard inputs.textPair == nil else { throw ValidationError("zero-shot takes no --text-pair") }
        guard labels.map({ !CommaList($0).values.isEmpty }) ?? (inputs.texts.isEmpty) else {
            throw ValidationError("there are no labels; give them as in --labels 'sport,money'")
        }
    }

    var common: JSONObject {
        labels.map { ["labels": .array(CommaList($0).values.map(JSONValue.string))] } ?? [:]
    }

    var request: ZeroShotRequest {
        ZeroShotRequest(
            hypothesisTemplate: hypothesisTemplate,
            multiLabel: multiLabel,
            truncation: inputs.truncation
        )
    }
}
