import Messages
import Wire

extension ModelClient {
    // MARK: - Token features

    /// Computes the model's last hidden state of a text: one vector per token.
    ///
    /// ```swift
    /// let features = try await client.features("A cat", model: "minilm")
    /// print(features.tokens, features.hidden, features[0].prefix(3))   // 4 384 […]
    /// ```
    ///
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (a text that is too long, an empty one) and `notFound`;
    ///   for the others see <doc:Errors>.
    public nonisolated(nonsending) func features(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: FeaturesOptions = FeaturesOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> TokenFeatures {
        try await features([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Computes the model's last hidden state of several texts, or pairs of texts.
    ///
    /// An answer holds tokens × hidden floats per text: 1.5 MB for 512 tokens and 768 dimensions.
    ///
    /// ```swift
    /// let all = try await client.features(["A cat", "A dog"], model: "minilm")
    /// ```
    ///
    /// - Returns: the features of each input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``, as for one text; one input that is refused fails all.
    public nonisolated(nonsending) func features(
        _ inputs: [TextInput],
        model: String,
        options: FeaturesOptions = FeaturesOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [TokenFeatures] {
        let request = FeaturesRequest(truncation: options.truncation.message)
        var call = Inference(request, \.inputs, \.results, model, options.metadata, timeout) {
            (result, _, metadata) throws(WireError) in try TokenFeatures(result, metadata)
        }
        // Their answer fits a frame of 16 MiB with 768 dimensions and 512 tokens each.
        call.requestInputs = 8
        return try await infer(call, inputs.map { .init($0) })
    }

    // MARK: - Tokens

    /// Splits a text into the model's tokens, without computing the model.
    ///
    /// ```swift
    /// let tokens = try await client.tokenize("Hello, wörld", model: "minilm").tokens
    /// print(tokens)   // ["[CLS]", "hello", ",", "world", "[SEP]"]
    /// ```
    ///
    /// - Throws: ``ModelClientError``. A text of any length is taken, unless the options refuse it. Do not retry `notFound`;
    ///   for the others see <doc:Errors>.
    public nonisolated(nonsending) func tokenize(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: TokenizeOptions = TokenizeOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> TextEncoding {
        try await tokenize([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Splits several texts, or pairs of texts, into the model's tokens, without computing the model.
    ///
    /// ```swift
    /// let lengths = try await client.tokenize(texts.map { TextInput($0) }, model: "minilm").map(\.ids.count)
    /// ```
    ///
    /// - Returns: the tokens of each input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``, as for one text; one input that is refused fails all.
    public nonisolated(nonsending) func tokenize(
        _ inputs: [TextInput],
        model: String,
        options: TokenizeOptions = TokenizeOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [TextEncoding] {
        let request = TokenizeRequest(
            withoutSpecialTokens: !options.addsSpecialTokens,
            truncation: options.truncation.message
        )
        let call = Inference(request, \.inputs, \.results, model, options.metadata, timeout) {
            (result, _, metadata) throws(WireError) in try TextEncoding(result, metadata)
        }
        return try await infer(call, inputs.map { .init($0) })
    }
}
