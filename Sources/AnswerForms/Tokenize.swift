package import Messages

extension TokenizeResponse: ResultsResponse {}

extension TokenizeRequest: PairForm {
    package mutating func read(options: FormObject) throws(FormError) {
        withoutSpecialTokens = try options.bool("add_special_tokens") == false
    }

    package func form(of outcome: TextEncoding) -> AnswerValue {
        .object([
            "ids": .list(outcome.ids.map { .integer(Int($0)) }),
            "offsets": .list(zip(outcome.starts, outcome.ends).map { .list([.integer(Int($0)), .integer(Int($1))]) }),
        ])
    }
}
