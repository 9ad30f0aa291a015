import Messages
import Wire

extension ModelClient {
    /// Computes a model on raw tensors, for those who tokenize themselves or want the numbers underneath a task.
    ///
    /// ```swift
    /// let ids = Tensor("input_ids", shape: [1, 4], values: .int64([101, 7592, 2088, 102]))
    /// let output = try await client.infer([ids], model: "sentiment")
    /// print(output["logits"]?.floats ?? [])
    /// ```
    ///
    /// - Parameters:
    ///   - inputs: `input_ids` and, unless every token counts and belongs to the first segment, `attention_mask` and
    ///     `token_type_ids`: integers, each `[batch, tokens]`.
    ///   - outputs: which outputs to return, by name; empty: all that the model has.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - metadata: what to send along.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (a shape that does not fit, an unknown name, an id
    ///   beyond the vocabulary), `notFound` and `resourceExhausted` of origin `client` (tensors beyond the server's frame);
    ///   for the others see <doc:Errors>.
    public nonisolated(nonsending) func infer(
        _ inputs: [Tensor],
        outputs: [String] = [],
        model: String,
        metadata: RequestMetadata = RequestMetadata(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> InferenceOutput {
        for input in inputs where input.shape.contains(where: { $0 < 0 }) {
            let message = "inputs[\(input.name)].shape: a size is below 0"
            throw ModelClientError(code: .invalidArgument, message: message, model: model)
        }
        let tokens = inputs.first { $0.name == "input_ids" }?.values.count ?? 0
        return try await ask(
            InferRequest(inputs: inputs.map(\.message), outputs: outputs),
            model: model,
            metadata: metadata,
            // A token is about four bytes of text.
            cost: 4 * tokens,
            timeout: timeout
        ) { answer, metadata in
            InferenceOutput(tensors: answer.outputs.map { Tensor($0) }, tokens: Int(answer.tokens), metadata: metadata)
        }
    }

    /// Calls a method that this library does not wrap.
    ///
    /// ```swift
    /// let response = try await client.call(method: "inference.v1.Inference/New", model: "m", payload: bytes)
    /// ```
    ///
    /// - Parameters:
    ///   - method: the method's name, as in `inference.v1.Inference/Classify`.
    ///   - model: the model, as elsewhere; empty for methods of the whole server.
    ///   - payload: the method's request message, as protobuf bytes.
    ///   - isPure: whether the call may be sent again when the connection is lost before it is answered.
    ///   - metadata: what to send along.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``; `unimplemented`, not to be retried, when the server does not know the method.
    public nonisolated(nonsending) func call(
        method: String,
        model: String,
        payload: [UInt8],
        isPure: Bool = true,
        metadata: RequestMetadata = RequestMetadata(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> RawResponse {
        let request = Request(method, model, metadata, payload: payload)
        return try await send(request, timeout: timeout, isPure: isPure) { response in
            RawResponse(payload: response.payload, metadata: ResponseMetadata(response))
        }
    }
}
