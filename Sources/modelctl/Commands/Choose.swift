import ArgumentParser
import ModelClient

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

    func validate() throws {
        try validateInputs()
        guard inputs.textPair == nil else { throw ValidationError("choose takes no --text-pair") }
        guard inputs.texts.isEmpty || !choices.isEmpty else {
            throw ValidationError("there is nothing to choose from; give a --choice for each")
        }
    }

    var query: @Sendable (InputLine) throws(InputError) -> ChoiceInput {
        { [choices] (line) throws(InputError) in
            let own = line.choices ?? (choices.isEmpty ? nil : choices)
            return ChoiceInput(
                try InputLine.required(line.text, "text"),
                choices: try InputLine.required(own, "choices")
            )
        }
    }

    var ask: @Sendable (ModelClient, ChoiceInput) async throws(ModelClientError) -> MadeChoice {
        let options = ChooseOptions(truncation: inputs.truncation)
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            let choice = try await client.choose([input], model: model, options: options, timeout: timeout)[0]
            return MadeChoice(input: input, choice: choice)
        }
    }

    static func json(_ answer: MadeChoice) -> String {
        JSONText.object([
            "index": "\(answer.choice.index)",
            "scores": JSONText.array(answer.choice.scores.map { JSONText.number($0) }),
        ])
    }

    var text: ChoiceText { ChoiceText() }
}

/// A choice and what was asked.
struct MadeChoice: Sendable {
    var input: ChoiceInput
    var choice: Choice
}

/// Choices for people: each with its score, the best one bold.
struct ChoiceText: TaskText {
    func lines(_ answer: MadeChoice, to input: TaskInput) -> [String] {
        [HumanText.printable(answer.input.text, width: Console.width)]
            + zip(answer.input.choices, answer.choice.scores).enumerated().map { index, pair in
                let text = HumanText.printable(pair.0, width: max(20, Console.width - 40))
                let score = HumanText.fixed(Double(pair.1), 4)
                return "  \(score)  \(index == answer.choice.index ? Style.bold(text) : text)\(HumanText.bar(pair.1))"
            } + HumanText.note(truncated: answer.choice.truncated).map { "  " + $0 }
    }
}
