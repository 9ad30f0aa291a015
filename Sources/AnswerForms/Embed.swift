package import Messages

extension EmbedResponse: ResultsResponse {}

extension EmbedRequest: PairForm {
    package mutating func read(options: FormObject) throws(FormError) {
        let text = try options.string("prompt")
        (prompt, hasPrompt) = (text ?? "", text != nil)
        let name = try options.string("prompt_name")
        promptName = hasPrompt ? "" : name ?? ""
        truncateDim = try options.count("truncate_dim")
        // False leaves to the folder's modules what they do.
        normalization = try options.bool("normalize_embeddings") == true ? .l2 : .default
    }

    package func form(of outcome: Embedding) -> AnswerValue { .numbers(outcome.values) }
}
