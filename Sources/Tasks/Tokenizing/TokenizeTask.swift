package import Tokenization

package struct TokenizeOptions: Sendable, Equatable {
    package var specialTokens: Bool
    package var overlong: Overlong?

    /// - Parameter overlong: nil: the text is tokenized whole, whatever its length.
    package init(specialTokens: Bool = true, overlong: Overlong? = nil) {
        self.specialTokens = specialTokens
        self.overlong = overlong
    }
}

/// The answer to one text of a tokenize request.
package struct TokenizedText: Sendable, Equatable {
    package let encoding: Encoding
    /// The tokens' texts, as the vocabulary has them.
    package let tokens: [String]
}

/// Tokens, offsets and word ids; any text will do, also an empty one.
struct TokenizeTask: TaskBody {
    static let name = TaskName.tokenize
    let texts: [TaskText]
    let options: TokenizeOptions

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("inputs", "there is no text") }
        try options.overlong?.refuseWindows()
        var results: [TokenizedText] = []
        for (index, text) in texts.enumerated() {
            let encoding: Encoding
            do {
                encoding = try model.tokenizer.encode(
                    text.text,
                    pair: text.pair,
                    addSpecialTokens: options.specialTokens,
                    maxLength: options.overlong == .truncate ? model.textLimit : nil
                )
            } catch {
                throw .invalid("inputs[\(index)]", error.message)
            }
            if options.overlong == .error {
                try model.check(length: encoding.count, "inputs[\(index)].text", limit: model.maxTokens)
            }
            results.append(
                TokenizedText(encoding: encoding, tokens: encoding.ids.map { model.tokenizer.token(for: $0) ?? "" })
            )
        }
        return PreparedTask(answered: .tokenize(results))
    }
}
