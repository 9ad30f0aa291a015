import ArgumentParser
import ModelClient

/// `modelctl features`.
struct Features: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Prints a model's last hidden state: a vector per token.",
        discussion: "With --json one line per input: a list of the tokens' vectors, [[…]…]."
    )

    @OptionGroup var inputs: InputOptions

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> TokenFeatures {
        let options = FeaturesOptions(truncation: inputs.truncation)
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            try await client.features([input], model: model, options: options, timeout: timeout)[0]
        }
    }

    static func json(_ answer: TokenFeatures) -> String {
        JSONText.array((0..<answer.tokens).lazy.map { JSONText.array(answer[$0].lazy.map(JSONText.number)) })
    }

    var text: FeaturesText { FeaturesText() }
}

/// Token features for people: the first values of each token.
struct FeaturesText: TaskText {
    func lines(_ answer: TokenFeatures, to input: TaskInput) -> [String] {
        var lines = [
            Style.bold(HumanText.printable(input.label, width: Console.width)),
            "  \(answer.tokens) tokens × \(answer.hidden) values\(answer.truncated ? ", end of the text dropped" : "")",
        ]
        for token in 0..<answer.tokens {
            let first = answer[token].prefix(6).map { HumanText.fixed(Double($0), 4) }.joined(separator: ", ")
            lines.append("  [\(first)\(answer.hidden > 6 ? ", …" : "")]")
        }
        return lines
    }
}
