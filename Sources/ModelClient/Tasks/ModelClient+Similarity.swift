extension ModelClient {
    /// Tells how similar two texts are in meaning: the cosine of their embeddings.
    ///
    /// ```swift
    /// let score = try await client.similarity(of: "a cat", and: "a kitten", model: "minilm")   // 0.79
    /// ```
    ///
    /// - Returns: from -1 to 1, as the model's embeddings have it; close to 1 for texts of the same meaning.
    /// - Throws: ``ModelClientError``, as ``embed(_:pair:model:options:timeout:)`` does.
    public nonisolated(nonsending) func similarity(
        of first: String,
        and second: String,
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Float {
        let vectors = try await embed([first, second], model: model, options: options, timeout: timeout)
        return vectors[0].cosineSimilarity(to: vectors[1])
    }

    /// Tells how similar each of several texts is to each: the cosines of their embeddings.
    ///
    /// ```swift
    /// let table = try await client.similarities(among: ["a cat", "a kitten", "a share"], model: "minilm")
    /// print(table[0][1] > table[0][2])   // true
    /// ```
    ///
    /// - Returns: one row per text, with one value per text: symmetric, with ones on its diagonal.
    /// - Throws: ``ModelClientError``, as ``embed(_:pair:model:options:timeout:)`` does.
    public nonisolated(nonsending) func similarities(
        among texts: [String],
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [[Float]] {
        let vectors = try await embed(texts, model: model, options: options, timeout: timeout)
        return vectors.map { row in vectors.map { row.cosineSimilarity(to: $0) } }
    }
}
