import AnswerForms
import ArgumentParser
import Messages

/// `modelctl fill-mask`.
struct FillMask: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds what may stand in the place of [MASK].",
        discussion: """
            With --json one line per input: [{"score","token","token_str","sequence"}…], the best first; of a text with \
            several masks, a list of such lists.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Option(help: ArgumentHelp("How many tokens per mask.", valueName: "number"))
    var topK = 5
    @Option(help: ArgumentHelp("Only these words, with commas between them.", valueName: "words"))
    var targets: String?

    func validateOptions() throws {
        guard inputs.textPair == nil else { throw ValidationError("fill-mask takes no --text-pair") }
        try validateCounts(["--top-k": topK])
    }

    var request: FillMaskRequest {
        FillMaskRequest(
            topK: UInt32(clamping: topK),
            targets: targets.map(CommaList.init)?.values ?? [],
            truncation: inputs.truncation
        )
    }

    /// Words and their probabilities.
    func lines(_ outcome: FilledText, to request: FillMaskRequest, label: String) -> [String] {
        let places = TextPlaces(label)
        let marks = outcome.masks.map { mask in
            MarkedText.Mark(range: places[mask.start, mask.end], label: "", style: .reversed)
        }
        var lines = [Console.hasColors ? MarkedText.line(label, marks) : HumanText.printable(label)]
        for (index, mask) in outcome.masks.enumerated() {
            if outcome.masks.count > 1 { lines.append(Style.dim("  mask \(index + 1)")) }
            let words = mask.tokens.map { HumanText.printable($0.tokenStr) }
            let width = words.map(\.count).max() ?? 0
            for (token, word) in zip(mask.tokens, words) {
                let padding = String(repeating: " ", count: width - word.count)
                lines.append("  \(Style.bold(word))\(padding)  \(HumanText.score(token.score))")
            }
        }
        lines += HumanText.note(truncated: outcome.truncated).map { "  " + $0 }
        return lines + outcome.warnings.map { Style.yellow("  " + HumanText.printable($0)) }
    }
}

/// A list with commas between its parts; spaces around them do not count.
struct CommaList {
    var values: [String]

    init(_ text: String) {
        values = text.split(separator: ",").map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty }
    }
}
