package import Messages
package import Wire

extension ModelClient {
    /// Calls a method with its own message, and returns the method's own answer.
    ///
    /// - Parameters:
    ///   - request: sent as it is, in one frame.
    ///   - model: the model, as elsewhere; empty for methods of the whole server.
    /// - Throws: ``ModelClientError``.
    package nonisolated(nonsending) func call<R: RPCRequest & WireMessage>(
        _ request: R,
        model: String,
        timeout: Duration? = nil,
        metadata: RequestMetadata = RequestMetadata()
    ) async throws(ModelClientError) -> (answer: R.Answer, metadata: ResponseMetadata) where R.Answer: WireMessage {
        let response = try await call(
            method: R.method,
            model: model,
            payload: request.encode(),
            metadata: metadata,
            timeout: timeout
        )
        do throws(WireError) {
            return (try R.Answer.decode(response.payload), response.metadata)
        } catch {
            throw .badPayload(error.message, model: model)
        }
    }
}
