import Messages
import Wire

extension ModelClient {
    /// Classifies a text with labels that the model was not trained for.
    ///
    /// ```swift
    /// let answer = try await client.classify(
    ///     "My parcel has not arrived", as: ["delivery", "refund", "praise"], model: "nli")
    /// print(answer.label)   // delivery
    /// ```
    ///
    /// The model, one of natural-language inference, compares the text with one sentence per label; its label of entailment is
    /// the one that begins with "entail". The text is computed once per label.
    ///
    /// - Parameters:
    ///   - text: the text, not empty and without U+0000.
    ///   - labels: the labels, as they fit into the options' sentence; at least one.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: the sentence, and whether several labels may fit.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Returns: every label and its score, best first.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (no label, a sentence without `{}`, a model that is
    ///   none of inference) and `notFound`; for the others see <doc:Errors>.
    public nonisolated(nonsending) func classify(
        _ text: String,
        as labels: [String],
        model: String,
        options: ZeroShotOptions = ZeroShotOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Classification {
        try await classify([text], as: labels, model: model, options: options, timeout: timeout)[0]
    }

    /// Classifies several texts with labels that the model was not trained for.
    ///
    /// ```swift
    /// let options = ZeroShotOptions(hypothesis: "This text is about {}.", allowsSeveralLabels: true)
    /// let answers = try await client.classify(posts, as: ["sport", "money"], model: "nli", options: options)
    /// ```
    ///
    /// - Returns: one classification per text, in order; none for no texts.
    /// - Throws: ``ModelClientError``, as for one text; one text that is refused fails all.
    public nonisolated(nonsending) func classify(
        _ texts: [String],
        as labels: [String],
        model: String,
        options: ZeroShotOptions = ZeroShotOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Classification] {
        let request = ZeroShotRequest(
            labels: labels,
            hypothesisTemplate: options.hypothesis,
            multiLabel: options.allowsSeveralLabels,
            truncation: options.truncation.message
        )
        var call = Inference(request, \.texts, \.results, model, options.metadata, timeout) {
            (result, _, metadata) throws(WireError) in
            guard result.scores.count == labels.count else {
                let reason = "there are \(result.scores.count) scores for \(labels.count) labels"
                throw WireError(.invalidValue, field: "results.scores", reason)
            }
            return Classification(result, metadata)
        }
        call.requestInputs = max(1, 64 / max(1, labels.count))
        let sentences = labels.reduce(0) { $0 + $1.bytes + options.hypothesis.bytes }
        call.bytes = { $0.bytes * labels.count + sentences }
        return try await infer(call, texts)
    }
}
