package import Messages

extension TokenizeRequest: PairForm {
    package mutating func read(options: FormObject) throws(FormError) {
        withoutSpecialTokens = try options.bool("add_special_tokens") == false
    }

    package func outcome(of answer: TokenizeResponse) -> TextEncoding? {
        guard let text = answer.results.first, answer.results.count == 1 else { return nil }
        let counts = [text.starts.count, text.ends.count, text.special.count, text.tokens.count]
        return counts.allSatisfy { $0 == text.ids.count } ? text : nil
    }

    package func form(of outcome: TextEncoding) -> AnswerValue {
        .object([
            "ids": .list(outcome.ids.map { .integer(Int($0)) }),
            "offsets": .list(zip(outcome.starts, outcome.ends).map { .list([.integer(Int($0)), .integer(Int($1))]) }),
        ])
    }
}
