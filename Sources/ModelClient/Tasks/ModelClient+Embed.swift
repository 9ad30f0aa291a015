import Messages
import Wire

extension ModelClient {
    /// Turns a text into one vector.
    ///
    /// ```swift
    /// let vector = try await client.embed("The cat sleeps on the sofa.", model: "minilm")
    /// print(vector.values.count)   // 384
    /// ```
    ///
    /// - Parameters:
    ///   - text: the text, not empty and without U+0000.
    ///   - pair: the second text, for models that take two.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: prompt, pooling, normalisation and dimensions; as the checkpoint says, unless said otherwise.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. A text that is too long is truncated, unless the options refuse it. Do not retry
    ///   `invalidArgument` (an empty text, an unknown prompt) and `notFound`; for the others see <doc:Errors>.
    public nonisolated(nonsending) func embed(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Embedding {
        try await embed([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Turns several texts into one vector each.
    ///
    /// ```swift
    /// let vectors = try await client.embed(["a cat", "a kitten"], model: "minilm")
    /// print(vectors[0].cosineSimilarity(to: vectors[1]))
    /// ```
    ///
    /// - Returns: one embedding per text, in order; none for no texts.
    /// - Throws: ``ModelClientError``, as for one text; one text that is refused fails all. For one result per text, see
    ///   ``batch(_:inFlight:_:)``.
    public nonisolated(nonsending) func embed(
        _ texts: [String],
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Embedding] {
        try await embed(texts.map { TextInput($0) }, model: model, options: options, timeout: timeout)
    }

    /// Turns several texts, or pairs of texts, into one vector each.
    ///
    /// ```swift
    /// let vectors = try await client.embed([TextInput("title", pair: "body")], model: "minilm")
    /// ```
    ///
    /// - Returns: one embedding per input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``, as for one text; one input that is refused fails all.
    public nonisolated(nonsending) func embed(
        _ inputs: [TextInput],
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Embedding] {
        var request = EmbedRequest(
            truncateDim: try given(options.dimensions, "dimensions", model),
            truncation: options.truncation.message
        )
        switch options.pooling {
        case .checkpointDefault: break
        case .mean: request.pooling = .mean
        case .cls: request.pooling = .cls
        case .max: request.pooling = .max
        }
        switch options.normalization {
        case .checkpointDefault: break
        case .none: request.normalization = .none
        case .l2: request.normalization = .l2
        }
        switch options.prompt {
        case .checkpointDefault: break
        case .named(let name): request.promptName = name
        case .text(let text): (request.prompt, request.hasPrompt) = (text, true)
        }
        let call = Inference(request, \.inputs, \.results, model, options.metadata, timeout) { Embedding($0, $2) }
        return try await infer(call, inputs.map { .init($0) })
    }
}
