import Messages
import Wire

extension ModelClient {
    /// Classifies a text.
    ///
    /// ```swift
    /// let answer = try await client.classify("I love this", model: "sentiment")
    /// print(answer.label, answer.score)   // POSITIVE 0.9998
    /// ```
    ///
    /// A text beyond what the model takes is refused, unless the options say otherwise; a whole document is read like this:
    ///
    /// ```swift
    /// let options = ClassifyOptions(labels: .top(3), truncation: .windows)
    /// let topics = try await client.classify(document, model: "topics", options: options)
    /// ```
    ///
    /// - Parameters:
    ///   - text: the text, not empty and without U+0000.
    ///   - pair: the second text, for models that compare two.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: which labels and which scores; the best label as the checkpoint scores it, unless said otherwise.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (a text that is too long, an empty one, a model
    ///   that does not classify) and `notFound` (an unknown model); for the others see <doc:Errors>.
    public nonisolated(nonsending) func classify(
        _ text: String,
        pair: String? = nil,
        model: String,
        options: ClassifyOptions = ClassifyOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Classification {
        try await classify([TextInput(text, pair: pair)], model: model, options: options, timeout: timeout)[0]
    }

    /// Classifies several texts.
    ///
    /// ```swift
    /// let answers = try await client.classify(["Great!", "Never again."], model: "sentiment")
    /// print(answers.map(\.label))   // ["POSITIVE", "NEGATIVE"]
    /// ```
    ///
    /// - Returns: one classification per text, in order; none for no texts.
    /// - Throws: ``ModelClientError``, as for one text; one text that is refused fails all. For one result per text, see
    ///   ``batch(_:inFlight:_:)``.
    public nonisolated(nonsending) func classify(
        _ texts: [String],
        model: String,
        options: ClassifyOptions = ClassifyOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Classification] {
        try await classify(texts.map { TextInput($0) }, model: model, options: options, timeout: timeout)
    }

    /// Classifies several texts, or pairs of texts.
    ///
    /// ```swift
    /// let pairs: [TextInput] = [.init("Is it open?", pair: "We open at nine."), "one text"]
    /// let answers = try await client.classify(pairs, model: "entailment")
    /// ```
    ///
    /// - Returns: one classification per input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``, as for one text; one input that is refused fails all.
    public nonisolated(nonsending) func classify(
        _ inputs: [TextInput],
        model: String,
        options: ClassifyOptions = ClassifyOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Classification] {
        var request = ClassifyRequest(
            functionToApply: options.function.message,
            truncation: options.truncation.message,
            windowPooling: options.windowPooling.message,
            stride: try given(options.stride, "stride", model)
        )
        switch options.labels {
        case .best: break
        case .top(let count): request.topK = UInt32(clamping: max(1, count))
        case .all: request.allLabels = true
        }
        let call = Inference(request, \.inputs, \.results, model, options.metadata, timeout) {
            (result, _, metadata) throws(WireError) in
            guard !result.scores.isEmpty else {
                throw WireError(.invalidValue, field: "results.scores", "there is no label")
            }
            return Classification(result, metadata)
        }
        return try await infer(call, inputs.map { .init($0) })
    }
}
