import Messages
import Wire

extension ModelClient {
    /// Finds what a model was trained to find in a text: names, places, dates, parts of speech.
    ///
    /// ```swift
    /// let text = "Ada Lovelace lived in London."
    /// for entity in try await client.tag(text, model: "ner").entities {
    ///     print(entity.label, text[entity.range], entity.score)   // PER Ada Lovelace 0.99 · LOC London 0.99
    /// }
    /// ```
    ///
    /// - Parameters:
    ///   - text: the text, not empty and without U+0000. One that is too long is refused, unless the options ask to truncate
    ///     it or to read it in windows.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: how pieces of words become entities, and which labels to leave out.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (a text that is too long, a stride that is not below
    ///   the window, a model that does not tag) and `notFound`; for the others see <doc:Errors>.
    public nonisolated(nonsending) func tag(
        _ text: String,
        model: String,
        options: TagOptions = TagOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> TaggedText {
        try await tag([text], model: model, options: options, timeout: timeout)[0]
    }

    /// Finds what a model was trained to find in several texts.
    ///
    /// ```swift
    /// let options = TagOptions(aggregation: .first, truncation: .windows, stride: 64)
    /// let results = try await client.tag(articles, model: "ner", options: options)
    /// print(results.map(\.entities.count))
    /// ```
    ///
    /// - Returns: one result per text, in order; none for no texts.
    /// - Throws: ``ModelClientError``, as for one text; one text that is refused fails all.
    public nonisolated(nonsending) func tag(
        _ texts: [String],
        model: String,
        options: TagOptions = TagOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [TaggedText] {
        let request = TagTokensRequest(
            aggregationStrategy: options.aggregation.message,
            truncation: options.truncation.message,
            stride: try given(options.stride, "stride", model),
            ignoreLabels: options.ignoredLabels,
            ignoreNone: options.ignoredLabels.isEmpty
        )
        let call = Inference(request, \.texts, \.results, model, options.metadata, timeout, value: TaggedText.init)
        return try await infer(call, texts)
    }
}
