import Messages
import Wire

// What is loaded, and what takes requests.
extension ModelClient {
    /// Makes the server look at its model repository again.
    ///
    /// A new generation is loaded beside the old one, tried, and swapped in; requests go on meanwhile. Never sent twice:
    /// when the connection is lost, the call fails, and ``status(verbose:timeout:)`` tells what came of it. What the operator
    /// has unloaded stays unloaded.
    ///
    /// - Parameters:
    ///   - model: which model; nil: the repository and every model in it.
    ///   - waits: whether for the end. Otherwise the answer comes when all has begun, and has only what could not begin.
    ///   - timeout: how long to wait, which should cover loading; nil: the configuration's.
    /// - Returns: what became of each model. A new checkpoint that was refused is not an error of the call: the outcome says
    ///   why, and the old generation serves on.
    /// - Throws: ``ModelClientError``: `notFound` for an unknown model, `unavailable` for one that the operator has unloaded.
    ///   That another reload of a model is under way is its outcome, `aborted`.
    public nonisolated(nonsending) func reload(
        model: String? = nil,
        waits: Bool = true,
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [ReloadOutcome] {
        let message = ReloadRequest(model: model ?? "", noWait: !waits)
        return try await ask(message, timeout: timeout, isPure: false) { answer, _ in
            answer.results.map(ReloadOutcome.init)
        }
    }

    /// The same as ``reload(model:waits:timeout:)``, and tells of each model as soon as it is done.
    ///
    /// ```swift
    /// for try await outcome in client.reloading() { print(outcome.model, outcome.generation) }
    /// ```
    ///
    /// Leaving the loop does not stop the reload.
    ///
    /// - Parameters:
    ///   - model: which model; nil: the repository and every model in it.
    ///   - timeout: how long all of it may take; nil: for ever.
    /// - Returns: a sequence for one loop, which throws ``ModelClientError``.
    public func reloading(model: String? = nil, timeout: Duration? = nil) -> ReloadOutcomes {
        let message = ReloadEachRequest(model: model ?? "")
        let request = Request(method: ReloadEachRequest.method, payload: message.encode())
        return ReloadOutcomes(responses: stream(request, buffering: .max, timeout: timeout, isPure: false))
    }

    /// Loads what is not loaded of a model, and lets reloads do so again.
    ///
    /// - Parameters:
    ///   - model: a reference; what it leaves open is any version or variant.
    ///   - timeout: how long to wait, which should cover loading; nil: the configuration's.
    /// - Returns: what became of each version and variant. One that serves stays as it is.
    /// - Throws: ``ModelClientError``: `notFound` when the server's repository has no such model.
    @discardableResult
    public nonisolated(nonsending) func load(
        model: String,
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [ReloadOutcome] {
        try await ask(LoadRequest(model: model), timeout: timeout, isPure: false) { answer, _ in
            answer.results.map(ReloadOutcome.init)
        }
    }

    /// Unloads a model once what it has accepted is answered. A reload does not bring it back: ``load(model:timeout:)``
    /// does, and a start of the server.
    ///
    /// - Parameters:
    ///   - model: a reference; what it leaves open is any version or variant.
    ///   - timeout: how long to wait until its workers have ended; nil: the configuration's.
    /// - Returns: what became of each version and variant.
    /// - Throws: ``ModelClientError``: `notFound` when no such model is loaded.
    @discardableResult
    public nonisolated(nonsending) func unload(
        model: String,
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [ReloadOutcome] {
        try await ask(UnloadRequest(model: model), timeout: timeout, isPure: false) { answer, _ in
            answer.results.map(ReloadOutcome.init)
        }
    }

    /// Makes a model, or the whole server, take no new requests, which fail as `unavailable`. What was accepted is answered,
    /// and the workers and connections stay. It holds over reloads, until it is undone or the server ends.
    ///
    /// - Parameters:
    ///   - model: a reference; what it leaves open is any version or variant; nil: the whole server.
    ///   - undo: whether it takes requests again. Undone for the server, each model is as it was.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Returns: the references of the models that it concerns.
    /// - Throws: ``ModelClientError``: `notFound` when no such model is loaded.
    @discardableResult
    public nonisolated(nonsending) func drain(
        model: String? = nil,
        undo: Bool = false,
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [String] {
        try await ask(DrainRequest(model: model ?? "", undo: undo), timeout: timeout) { answer, _ in answer.models }
    }
}

/// What becomes of the models in a reload, one after the other; see ``ModelClient/reloading(model:timeout:)``.
public struct ReloadOutcomes: AsyncSequence, Sendable {
    /// What became of a model.
    public typealias Element = ReloadOutcome
    /// The client's errors.
    public typealias Failure = ModelClientError

    let responses: AsyncThrowingStream<Response, any Error>

    /// Begins the loop.
    public func makeAsyncIterator() -> Iterator {
        Iterator(responses: responses.makeAsyncIterator())
    }

    /// Waits for one outcome after the other.
    public struct Iterator: AsyncIteratorProtocol {
        var responses: AsyncThrowingStream<Response, any Error>.Iterator

        /// The next outcome; nil when all are told.
        ///
        /// - Throws: ``ModelClientError``.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ModelClientError)
            -> ReloadOutcome?
        {
            try await responses.nextResponse(isolation: actor)?.read { (answer: ReloadResult, _) in
                ReloadOutcome(answer)
            }
        }
    }
}
