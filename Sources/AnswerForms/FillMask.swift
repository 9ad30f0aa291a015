package import Messages

extension FillMaskResponse: ResultsResponse {}

extension FillMaskRequest: TextForm {
    package mutating func read(options: FormObject) throws(FormError) {
        topK = try options.count("top_k")
        targets = try options.strings("targets") ?? []
    }

    /// A list for each mask; of a text with one mask, that mask's.
    package func form(of outcome: FilledText) -> AnswerValue {
        let masks = outcome.masks.map { mask in
            AnswerValue.list(
                mask.tokens.map {
                    .object([
                        "score": .number($0.score), "token": .integer(Int($0.token)), "token_str": .text($0.tokenStr),
                        "sequence": .text($0.sequence),
                    ])
                }
            )
        }
        return masks.count == 1 ? masks[0] : .list(masks)
    }
}
