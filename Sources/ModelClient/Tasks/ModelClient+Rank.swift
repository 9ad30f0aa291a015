import Messages
import Wire

extension ModelClient {
    /// Orders texts by how well they answer a query, with a cross-encoder.
    ///
    /// ```swift
    /// let found = try await client.rerank(candidates, for: "how do I reset my password?", model: "ranker")
    /// print(found[0].text, found[0].score, found[0].index)
    /// ```
    ///
    /// It reads query and text together, which is slower and more exact than comparing embeddings: find candidates with
    /// ``embed(_:model:options:timeout:)-([String],_,_,_)`` or a search index, then order those.
    ///
    /// - Parameters:
    ///   - texts: the texts, none of them empty.
    ///   - query: what they should answer, not empty.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`; a model of one label.
    ///   - options: what turns the model's output into a score.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Returns: all texts, best first; those of equal scores in the order of the list.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (an empty text, a model that does not rank) and
    ///   `notFound`; for the others see <doc:Errors>.
    public nonisolated(nonsending) func rerank(
        _ texts: [String],
        for query: String,
        model: String,
        options: RerankOptions = RerankOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [RankedText] {
        let request = RerankRequest(
            query: query,
            functionToApply: options.function.message,
            truncation: options.truncation.message
        )
        var call = Inference(request, \.texts, \.results, model, options.metadata, timeout, value: RankedText.init)
        call.bytes = { query.bytes + $0.bytes }
        var ranked = try await infer(call, texts)
        for index in ranked.indices { ranked[index].index = index }
        return ranked.sorted { $0.score == $1.score ? $0.index < $1.index : $0.score > $1.score }
    }

    /// Chooses which of several texts goes best with a text, with a multiple-choice model.
    ///
    /// ```swift
    /// let endings = ["and drank it.", "and drove it."]
    /// let choice = try await client.choose(among: endings, for: "She poured the tea", model: "swag")
    /// print(endings[choice.index], choice.score)
    /// ```
    ///
    /// - Parameters:
    ///   - choices: what to choose from; at least one.
    ///   - text: what they should go with, not empty.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: what to do with a text that is too long.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (no choice, a model that does not choose) and
    ///   `notFound`; for the others see <doc:Errors>.
    public nonisolated(nonsending) func choose(
        among choices: [String],
        for text: String,
        model: String,
        options: ChooseOptions = ChooseOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Choice {
        try await choose([ChoiceInput(text, choices: choices)], model: model, options: options, timeout: timeout)[0]
    }

    /// Chooses for several texts, each with choices of its own.
    ///
    /// ```swift
    /// let inputs = [ChoiceInput("2 + 2 =", choices: ["4", "5"]), ChoiceInput("The sky is", choices: ["blue", "wet"])]
    /// let choices = try await client.choose(inputs, model: "swag")
    /// ```
    ///
    /// - Returns: one choice per input, in order; none for no inputs.
    /// - Throws: ``ModelClientError``, as for one text; one input that is refused fails all.
    public nonisolated(nonsending) func choose(
        _ inputs: [ChoiceInput],
        model: String,
        options: ChooseOptions = ChooseOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [Choice] {
        let request = MultipleChoiceRequest(truncation: options.truncation.message)
        var call = Inference(request, \.inputs, \.results, model, options.metadata, timeout, value: Choice.init)
        call.requestInputs = 16
        return try await infer(call, inputs.map { .init(text: $0.text, choices: $0.choices) })
    }
}
