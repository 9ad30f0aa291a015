import Wire

extension ModelClient {
    // MARK: - Classification

    /// Classifies a text.
    ///
    /// ```swift
    /// let answer = try await client.classify("I love this", model: "sentiment")   // POSITIVE, 0.9998
    /// ```
    ///
    /// - Parameters:
    ///   - text: the text, not empty and without U+0000.
    ///   - pair: the second text, for models that compare two.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: which labels and which scores; the best label as the checkpoint scores it, unless said otherwise.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``: `invalidArgument` for a text that is too long, `notFound` for an unknown model,
    ///   `failedPrecondition` for a model without a classification head, and those of every call.
    public nonisolated(nonsending) func classify(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: ClassifyOptions = ClassifyOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Classification {
        try await classify([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Classifies several texts in one call.
    ///
    /// - Returns: one classification a text, in order; none for no texts.
    /// - Throws: ``ModelClientError``; one text that is refused fails all.
    public nonisolated(nonsending) func classify(
        _ texts: [String],
        model: String,
        options: ClassifyOptions = ClassifyOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Classification] {
        try await classify(texts.map { TextInput($0) }, model: model, options: options, timeout: timeout)
    }

    /// Classifies several texts, or pairs of texts, in one call.
    ///
    /// - Returns: one classification an input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``; one input that is refused fails all.
    public nonisolated(nonsending) func classify(
        _ inputs: [TextInput],
        model: String,
        options: ClassifyOptions = ClassifyOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Classification] {
        var request = ClassifyRequest(truncation: options.truncation.message)
        switch options.labels {
        case .best: break
        case .top(let count): request.topK = UInt32(clamping: max(1, count))
        case .all: request.allLabels = true
        }
        switch options.function {
        case .checkpointDefault: break
        case .none: request.functionToApply = .none
        case .sigmoid: request.functionToApply = .sigmoid
        case .softmax: request.functionToApply = .softmax
        }
        request.inputs = inputs.map(\.message)
        let call = Inference(RPCMethod.classify, inputs, model, options.metadata, timeout)
        return try await infer(call, request) { (message: ClassifyResponse, metadata) throws(WireError) in
            try message.results.map { (result) throws(WireError) in
                guard !result.scores.isEmpty else {
                    throw WireError(.invalidValue, field: "results.scores", "there is no label")
                }
                return Classification(result, metadata)
            }
        }
    }

    // MARK: - Embedding

    /// Turns a text into one vector.
    ///
    /// - Parameters:
    ///   - text: the text, not empty and without U+0000.
    ///   - pair: the second text, for models that take two.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: pooling, normalisation and dimensions; as the checkpoint says, unless said otherwise.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``: `notFound` for an unknown model, and those of every call. A text that is too long is
    ///   truncated, unless the options refuse it.
    public nonisolated(nonsending) func embed(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Embedding {
        try await embed([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Turns several texts into one vector each, in one call.
    ///
    /// - Returns: one embedding a text, in order; none for no texts.
    /// - Throws: ``ModelClientError``; one text that is refused fails all.
    public nonisolated(nonsending) func embed(
        _ texts: [String],
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Embedding] {
        try await embed(texts.map { TextInput($0) }, model: model, options: options, timeout: timeout)
    }

    /// Turns several texts, or pairs of texts, into one vector each, in one call.
    ///
    /// - Returns: one embedding an input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``; one input that is refused fails all.
    public nonisolated(nonsending) func embed(
        _ inputs: [TextInput],
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Embedding] {
        var request = EmbedRequest(
            truncateDim: UInt32(clamping: options.dimensions ?? 0),
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
        request.inputs = inputs.map(\.message)
        let call = Inference(RPCMethod.embed, inputs, model, options.metadata, timeout)
        return try await infer(call, request) { (message: EmbedResponse, metadata) in
            message.results.map { Embedding($0, metadata) }
        }
    }

    // MARK: - Token features

    /// Computes the model's last hidden state of a text: a vector a token.
    ///
    /// - Throws: ``ModelClientError``: `invalidArgument` for a text that is too long, and those of every call.
    public nonisolated(nonsending) func features(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: FeaturesOptions = FeaturesOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> TokenFeatures {
        try await features([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Computes the model's last hidden state of several texts, or pairs of texts, in one call.
    ///
    /// The answer holds tokens × hidden floats a text and must fit a frame, 16 MiB: about ten texts of 512 tokens and 768
    /// dimensions.
    ///
    /// - Returns: the features of each input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``; one input that is refused fails all.
    public nonisolated(nonsending) func features(
        _ inputs: [TextInput],
        model: String,
        options: FeaturesOptions = FeaturesOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [TokenFeatures] {
        let request = FeaturesRequest(inputs: inputs.map(\.message), truncation: options.truncation.message)
        let call = Inference(RPCMethod.features, inputs, model, options.metadata, timeout)
        return try await infer(call, request) { (message: FeaturesResponse, metadata) throws(WireError) in
            try message.results.map { (result) throws(WireError) in try TokenFeatures(result, metadata) }
        }
    }

    // MARK: - Tokens

    /// Splits a text into the model's tokens, without computing the model.
    ///
    /// - Throws: ``ModelClientError``: `invalidArgument` for a text that is too long, and those of every call.
    public nonisolated(nonsending) func tokenize(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: TokenizeOptions = TokenizeOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> TextEncoding {
        try await tokenize([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Splits several texts, or pairs of texts, into the model's tokens, in one call.
    ///
    /// - Returns: the tokens of each input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``; one input that is refused fails all.
    public nonisolated(nonsending) func tokenize(
        _ inputs: [TextInput],
        model: String,
        options: TokenizeOptions = TokenizeOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [TextEncoding] {
        let request = TokenizeRequest(
            inputs: inputs.map(\.message),
            withoutSpecialTokens: !options.addsSpecialTokens,
            truncation: options.truncation.message
        )
        let call = Inference(RPCMethod.tokenize, inputs, model, options.metadata, timeout)
        return try await infer(call, request) { (message: TokenizeResponse, metadata) throws(WireError) in
            try message.results.map { (result) throws(WireError) in try TextEncoding(result, metadata) }
        }
    }

    // MARK: - Anything else

    /// Calls a method that this library does not wrap.
    ///
    /// - Parameters:
    ///   - method: the method's name, as in `inference.v1.Inference/Classify`.
    ///   - model: the model, as elsewhere; empty for methods of the whole server.
    ///   - payload: the method's request message, as protobuf bytes.
    ///   - isPure: whether the call may be sent again when the connection is lost before it is answered.
    ///   - metadata: what to send along.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``; `unimplemented` when the server does not know the method.
    public nonisolated(nonsending) func call(
        method: String,
        model: String,
        payload: [UInt8],
        isPure: Bool = true,
        metadata: RequestMetadata = RequestMetadata(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> RawResponse {
        var request = Request(method: method, model: model, payload: payload)
        request.requestID = metadata.requestID ?? ""
        request.traceparent = metadata.traceparent ?? ""
        let response = try await send(request, timeout: timeout, isPure: isPure)
        return RawResponse(payload: response.payload, metadata: ResponseMetadata(response))
    }

    // MARK: - Shared

    /// What the inference calls have in common.
    private struct Inference {
        var request: Request
        var inputs: Int
        var timeout: Duration?

        init(
            _ method: String,
            _ inputs: [TextInput],
            _ model: String,
            _ metadata: RequestMetadata,
            _ timeout: Duration?
        ) {
            let bytes = inputs.reduce(0) { $0 + $1.text.utf8.count + ($1.pair?.utf8.count ?? 0) }
            request = Request(
                method: method,
                model: model,
                requestID: metadata.requestID ?? "",
                traceparent: metadata.traceparent ?? "",
                costEstimate: UInt32(clamping: bytes)
            )
            self.inputs = inputs.count
            self.timeout = timeout
        }
    }

    private nonisolated(nonsending) func infer<Answer: WireMessage, Value>(
        _ call: Inference,
        _ message: some WireMessage,
        _ values: (Answer, ResponseMetadata) throws(WireError) -> [Value]
    ) async throws(ModelClientError) -> [Value] {
        guard call.inputs > 0 else { return [] }
        var request = call.request
        request.payload = message.encode()
        let response = try await send(request, timeout: call.timeout)
        let result: [Value]
        do throws(WireError) {
            result = try values(try Answer.decode(response.payload), ResponseMetadata(response))
        } catch {
            throw .badPayload(error.message, model: request.model)
        }
        guard result.count == call.inputs else {
            throw .badPayload("it has \(result.count) results for \(call.inputs) inputs", model: request.model)
        }
        return result
    }
}

extension TextInput {
    fileprivate var message: Wire.TextInput {
        Wire.TextInput(text: text, textPair: pair ?? "", hasPair: pair != nil)
    }
}

extension Truncation {
    fileprivate var message: Wire.Truncation {
        switch self {
        case .taskDefault: .default
        case .refuse: .error
        case .truncate: .truncate
        }
    }
}
