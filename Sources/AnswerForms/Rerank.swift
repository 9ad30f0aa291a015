package import Messages

extension RerankRequest: TaskForm {
    /// A text's place in the request, and what was found of it.
    package typealias Ranked = (index: Int, relevance: Relevance)

    package mutating func read(_ input: FormObject) throws(FormError) {
        query = try input.required("query", input.string)
        texts = try input.required("texts", input.strings)
    }

    package mutating func read(options: FormObject) throws(FormError) {
        functionToApply = try options.function(.none, .sigmoid)
    }

    /// Best first; those of equal scores in their order.
    package func outcome(of answer: RerankResponse) -> [Ranked]? {
        guard answer.results.count == texts.count else { return nil }
        return answer.results.enumerated().map { Ranked($0.offset, $0.element) }.sorted {
            $0.relevance.score == $1.relevance.score
                ? $0.index < $1.index : $0.relevance.score > $1.relevance.score
        }
    }

    package func form(of outcome: [Ranked]) -> AnswerValue {
        .list(
            outcome.map {
                .object([
                    "corpus_id": .integer($0.index), "score": .number($0.relevance.score),
                    "text": .text(texts[$0.index]),
                ])
            }
        )
    }
}
