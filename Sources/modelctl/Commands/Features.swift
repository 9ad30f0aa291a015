import AnswerForms
import ArgumentParser
import Messages

/// `modelctl features`.
struct Features: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a model's last hidden state: a vector per token.",
        discussion: "With --json one line per input: a list of the tokens' vectors, [[…]…]."
    )

    @OptionGroup var inputs: InputOptions

    var request: FeaturesRequest { FeaturesRequest(truncation: inputs.truncation) }

    /// The first values of each token.
    func lines(_ outcome: Messages.Features, to request: FeaturesRequest, label: String) -> [String] {
        let note = outcome.truncated ? ", end of the text dropped" : ""
        return [HumanText.title(label), "  \(outcome.tokens) tokens × \(outcome.hidden) values\(note)"]
            + outcome.rows.map { "  [\(HumanText.first($0))]" }
    }
}
