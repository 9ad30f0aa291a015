import Messages
import Wire

extension ModelClient {
    /// Finds what may stand in the place of a text's masks.
    ///
    /// ```swift
    /// let result = try await client.fillMask("Paris is the [MASK] of France.", model: "distilbert")
    /// for token in result.masks[0].tokens { print(token.text, token.score) }   // capital 0.99 …
    /// ```
    ///
    /// - Parameters:
    ///   - text: the text, with one or more masks as the model's tokenizer spells them: `[MASK]`.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: how many tokens per mask, and which words.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (no mask, a text that is too long, a model without a
    ///   language-model head) and `notFound`; for the others see <doc:Errors>.
    public nonisolated(nonsending) func fillMask(
        _ text: String,
        model: String,
        options: FillMaskOptions = FillMaskOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> FilledText {
        try await fillMask([text], model: model, options: options, timeout: timeout)[0]
    }

    /// Finds what may stand in the place of the masks of several texts.
    ///
    /// ```swift
    /// let options = FillMaskOptions(count: 2, targets: ["good", "bad"])
    /// let results = try await client.fillMask(texts, model: "distilbert", options: options)
    /// ```
    ///
    /// - Returns: one result per text, in order; none for no texts.
    /// - Throws: ``ModelClientError``, as for one text; one text that is refused fails all.
    public nonisolated(nonsending) func fillMask(
        _ texts: [String],
        model: String,
        options: FillMaskOptions = FillMaskOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [FilledText] {
        let request = FillMaskRequest(
            topK: UInt32(clamping: max(1, options.count)),
            targets: options.targets,
            truncation: options.truncation.message
        )
        let call = Inference(request, \.texts, \.results, model, options.metadata, timeout, value: FilledText.init)
        return try await infer(call, texts)
    }
}
