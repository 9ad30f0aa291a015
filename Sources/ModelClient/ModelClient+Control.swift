import Messages
import Wire

extension ModelClient {
    /// Asks the server what it is doing.
    ///
    /// - Parameters:
    ///   - verbose: also what costs more to gather, such as memory figures.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. A server that is not ready is not an error: its state says so.
    public nonisolated(nonsending) func status(
        verbose: Bool = false,
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> ServerStatus {
        try await ask(StatusRequest(verbose: verbose), timeout: timeout) { answer, _ in ServerStatus(answer) }
    }

    /// Watches what the server is doing, until the loop is left.
    ///
    /// ```swift
    /// for try await status in client.watch() { print(status.state) }
    /// ```
    ///
    /// A slow reader gets the newest status and misses those between. When the connection is lost, the sequence goes on
    /// with the next one.
    ///
    /// - Parameter interval: how often the server reports.
    /// - Returns: a sequence for one loop, which throws ``ModelClientError``.
    public func watch(interval: Duration = .seconds(1)) -> StatusUpdates {
        let milliseconds = UInt32(clamping: max(1, interval.clampedNanoseconds / 1_000_000))
        let message = WatchRequest(intervalMilliseconds: milliseconds)
        return StatusUpdates(responses: stream(Request(method: WatchRequest.method, payload: message.encode())))
    }

    /// The last deaths of workers, at most 100, the last first.
    ///
    /// - Parameter timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``.
    public nonisolated(nonsending) func crashes(
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [WorkerCrash] {
        try await ask(CrashListRequest(), timeout: timeout) { answer, _ in answer.crashes.map(WorkerCrash.init) }
    }

    /// The requests that have ended two workers each, and are refused when they come again, the last first.
    ///
    /// - Parameter timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``.
    public nonisolated(nonsending) func quarantine(
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [QuarantinedRequest] {
        try await ask(QuarantineListRequest(), timeout: timeout) { answer, _ in
            answer.requests.map(QuarantinedRequest.init)
        }
    }

    /// Lets quarantined requests be computed again.
    ///
    /// - Parameters:
    ///   - model: of which model; a reference that leaves version or variant open means any; nil: of all.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Returns: how many were refused until now.
    /// - Throws: ``ModelClientError``.
    @discardableResult
    public nonisolated(nonsending) func clearQuarantine(
        model: String? = nil,
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> Int {
        try await ask(QuarantineClearRequest(model: model ?? ""), timeout: timeout) { answer, _ in Int(answer.cleared) }
    }

    /// Lists the server's cache of packed weights.
    ///
    /// - Parameter timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``.
    public nonisolated(nonsending) func packCache(
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> PackCache {
        try await ask(CacheListRequest(), timeout: timeout) { answer, _ in PackCache(answer) }
    }

    /// Removes packed weights that nothing serves from, the least recently used first, until the cache has at most `bytes`
    /// bytes. They are made again when they are needed.
    ///
    /// - Parameters:
    ///   - bytes: what may be left; 0 removes all that is not in use.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``.
    public nonisolated(nonsending) func prunePackCache(
        to bytes: Int = 0,
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> PruneOutcome {
        let message = CachePruneRequest(maxBytes: UInt64(max(0, bytes)))
        return try await ask(message, timeout: timeout) { answer, _ in PruneOutcome(answer) }
    }
}

/// What the server is doing, again and again; see ``ModelClient/watch(interval:)``.
public struct StatusUpdates: AsyncSequence, Sendable {
    /// Statuses.
    public typealias Element = ServerStatus
    /// The client's errors.
    public typealias Failure = ModelClientError

    let responses: AsyncThrowingStream<Response, any Error>

    /// Begins the loop.
    public func makeAsyncIterator() -> Iterator {
        Iterator(responses: responses.makeAsyncIterator())
    }

    /// Waits for one status after the other.
    public struct Iterator: AsyncIteratorProtocol {
        var responses: AsyncThrowingStream<Response, any Error>.Iterator

        /// The next status; nil when the server has ended the stream or the task was cancelled.
        ///
        /// - Throws: ``ModelClientError``.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ModelClientError)
            -> ServerStatus?
        {
            try await responses.nextResponse(isolation: actor)?.read { (answer: StatusResponse, _) in
                ServerStatus(answer)
            }
        }
    }
}
