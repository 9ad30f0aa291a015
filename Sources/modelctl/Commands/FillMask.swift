import ArgumentParser
import ModelClient

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

    func validate() throws {
        try validateInputs()
        guard inputs.textPair == nil else { throw ValidationError("fill-mask takes no --text-pair") }
        guard topK > 0 else { throw ValidationError("--top-k goes from 1") }
    }

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> FilledText {
        let options = FillMaskOptions(
            count: topK,
            targets: targets.map(CommaList.init)?.values ?? [],
            truncation: inputs.truncation
        )
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            try await client.fillMask(input.text, model: model, options: options, timeout: timeout)
        }
    }

    static func json(_ answer: FilledText) -> String {
        let masks = answer.masks.map { mask in
            JSONText.array(
                mask.tokens.map {
                    JSONText.object([
                        "score": JSONText.number($0.score), "token": "\($0.id)", "token_str": JSONText.string($0.text),
                        "sequence": JSONText.string($0.sequence),
                    ])
                }
            )
        }
        return masks.count == 1 ? masks[0] : JSONText.array(masks)
    }

    var text: FilledMaskText { FilledMaskText() }
}

/// Filled masks for people: words and their probabilities.
struct FilledMaskText: TaskText {
    func lines(_ answer: FilledText, to input: TaskInput) -> [String] {
        let marks = answer.masks.map { mask in
            MarkedText.Mark(range: mask.range, label: "", style: .reversed)
        }
        var lines = [Console.hasColors ? MarkedText.line(input.label, marks) : HumanText.printable(input.label)]
        for (index, mask) in answer.masks.enumerated() {
            if answer.masks.count > 1 { lines.append(Style.dim("  mask \(index + 1)")) }
            let words = mask.tokens.map { HumanText.printable($0.text) }
            let width = words.map(\.count).max() ?? 0
            for (token, word) in zip(mask.tokens, words) {
                let padding = String(repeating: " ", count: width - word.count)
                let score = HumanText.fixed(Double(token.score), 4)
                lines.append("  \(Style.bold(word))\(padding)  \(score)\(HumanText.bar(token.score))")
            }
        }
        lines += HumanText.note(truncated: answer.truncated).map { "  " + $0 }
        return lines + answer.warnings.map { Style.yellow("  " + HumanText.printable($0)) }
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
