import AnswerForms
import ArgumentParser
import Messages

/// `modelctl tokenize`.
struct Tokenize: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Splits texts into a model's tokens.",
        discussion: """
            With --json one line per input: {"ids","offsets"}; offsets are [start,end] in code points of the text, or \
            of its pair, and empty for special tokens.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Flag(help: "Leave out special tokens such as [CLS].")
    var noSpecialTokens = false

    var request: TokenizeRequest {
        TokenizeRequest(withoutSpecialTokens: noSpecialTokens, truncation: inputs.truncation)
    }

    /// One token per line.
    func lines(_ outcome: TextEncoding, to request: TokenizeRequest, label: String) -> [String] {
        var table = Table([.number("ID"), .text("TOKEN"), .number("FROM"), .number("TO")])
        for (index, id) in outcome.ids.enumerated() {
            let isSpecial = outcome.special[index]
            let (start, end) = (outcome.starts[index], outcome.ends[index])
            table.add(
                ["\(id)", outcome.tokens[index], isSpecial ? "" : "\(start)", isSpecial ? "" : "\(end)"],
                styles: isSpecial ? [1: .dim] : [:]
            )
        }
        let note = outcome.truncated ? ", end of the text dropped" : ""
        return [HumanText.title(label)] + table.lines.map { "  " + $0 } + ["  \(outcome.ids.count) tokens\(note)"]
    }
}
