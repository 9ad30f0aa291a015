import ArgumentParser
import ModelClient

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

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> TextEncoding {
        let options = TokenizeOptions(addsSpecialTokens: !noSpecialTokens, truncation: inputs.truncation)
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            try await client.tokenize([input], model: model, options: options, timeout: timeout)[0]
        }
    }

    static func json(_ answer: TextEncoding) -> String {
        JSONText.object([
            "ids": JSONText.array(answer.ids.map { "\($0)" }),
            "offsets": JSONText.array(answer.offsets.map { "[\($0.lowerBound),\($0.upperBound)]" }),
        ])
    }

    var text: EncodingText { EncodingText() }
}

/// Tokens for people: one per line.
struct EncodingText: TaskText {
    func lines(_ answer: TextEncoding, to input: TaskInput) -> [String] {
        var table = Table([.number("ID"), .text("TOKEN"), .number("FROM"), .number("TO")])
        for index in answer.ids.indices {
            let (range, isSpecial) = (answer.offsets[index], answer.isSpecial[index])
            table.add(
                [
                    "\(answer.ids[index])", answer.tokens[index], isSpecial ? "" : "\(range.lowerBound)",
                    isSpecial ? "" : "\(range.upperBound)",
                ],
                styles: isSpecial ? [1: .dim] : [:]
            )
        }
        let note = answer.truncated ? ", end of the text dropped" : ""
        return [Style.bold(HumanText.printable(input.label, width: Console.width))]
            + table.lines.map { "  " + $0 } + ["  \(answer.ids.count) tokens\(note)"]
    }
}
