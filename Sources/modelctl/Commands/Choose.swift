import AnswerForms
import ArgumentParser
import JSON
import Messages

/// `modelctl choose`.
struct Choose: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Chooses which of several texts goes with a text.",
        discussion: """
            Lines of a file may have choices of their own: {"text","choices"}. With --json one line per input: \
            {"index","scores"}, a score for each choice in their order.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Option(name: .customLong("choice"), help: ArgumentHelp("A choice; give several.", valueName: "text"))
    var choices: [String] = []

    func validateOptions() throws {
        guard inputs.textPair == nil else { throw ValidationError("choose takes no --text-pair") }
        guard inputs.texts.isEmpty || !choices.isEmpty else {
            throw ValidationError("there is nothing to choose from; give a --choice for each")
        }
    }

    var common: JSONObject { choices.isEmpty ? [:] : ["choices": .array(choices.map(JSONValue.string))] }

    var request: MultipleChoiceRequest { MultipleChoiceRequest(truncation: inputs.truncation) }

    /// Each choice with its score, the best one bold.
    func lines(_ outcome: ChoiceScores, to request: MultipleChoiceRequest, label: String) -> [String] {
        let asked = request.inputs[0]
        return [HumanText.printable(asked.text, width: Console.width)]
            + zip(asked.choices, outcome.scores).enumerated().map { index, pair in
                let text = HumanText.printable(pair.0, width: max(20, Console.width - 40))
                let shown = index == outcome.best ? Style.bold(text) : text
                return "  \(HumanText.fixed(Double(pair.1), 4))  \(shown)\(HumanText.bar(pair.1))"
            } + HumanText.note(truncated: outcome.truncated).map { "  " + $0 }
    }
}
