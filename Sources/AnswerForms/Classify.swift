package import Messages

extension ClassifyResponse: ResultsResponse {}

extension ClassifyRequest: PairForm {
    package mutating func read(options: FormObject) throws(FormError) {
        (topK, allLabels) = (try options.count("top_k"), options.isNull("top_k"))
        functionToApply = try options.function(.none, .sigmoid, .softmax)
        truncation = try options.bool("truncation") == true ? .truncate : .default
    }

    package func form(of outcome: Classification) -> AnswerValue {
        .list(outcome.scores.map { .object(["label": .text($0.label), "score": .number($0.score)]) })
    }
}

extension FormObject {
    /// `function_to_apply`, one of these.
    func function(_ functions: FunctionToApply...) throws(FormError) -> FunctionToApply {
        try choice("function_to_apply", functions) { $0.name.lowercased() } ?? .default
    }
}
