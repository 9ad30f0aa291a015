import Messages
import Wire

extension ModelClient {
    /// Listens to what happens in the server, until the loop is left: each event at once, in the words of the log.
    ///
    /// ```swift
    /// for try await event in client.events(from: .warning) { print(event.message) }
    /// ```
    ///
    /// Of requests it is told when they fail, are slow, or are computed again, at most 20 times per second for each severity.
    /// Who reads slowly misses events, and the next one says how many. When the connection is lost, the sequence goes on
    /// with the next one; what happened meanwhile is not told.
    ///
    /// - Parameters:
    ///   - severity: the least that is told.
    ///   - recent: how many events to begin with that have happened before; the server remembers 100.
    /// - Returns: a sequence for one loop, which throws ``ModelClientError``.
    public func events(from severity: ServerEvent.Severity = .info, recent: Int = 0) -> ServerEvents {
        let message = EventsRequest(severity: severity.message, recent: UInt32(clamping: recent))
        let request = Request(method: EventsRequest.method, payload: message.encode())
        return ServerEvents(responses: stream(request, buffering: 1000))
    }

    /// What the server counts and measures: requests, durations, deaths of workers, what waits.
    ///
    /// - Parameter timeout: how long to wait for the answer; nil: the configuration's.
    /// - Returns: Prometheus' text format 0.0.4, to be served as `text/plain; version=0.0.4; charset=utf-8`.
    /// - Throws: ``ModelClientError``.
    public nonisolated(nonsending) func metrics(timeout: Duration? = nil) async throws(ModelClientError) -> String {
        try await ask(MetricsRequest(), timeout: timeout) { answer, _ in answer.text }
    }
}

/// What happens in the server, one event after the other; see ``ModelClient/events(from:recent:)``.
public struct ServerEvents: AsyncSequence, Sendable {
    /// Events.
    public typealias Element = ServerEvent
    /// The client's errors.
    public typealias Failure = ModelClientError

    let responses: AsyncThrowingStream<Response, any Error>

    /// Begins the loop.
    public func makeAsyncIterator() -> Iterator {
        Iterator(responses: responses.makeAsyncIterator())
    }

    /// Waits for one event after the other.
    public struct Iterator: AsyncIteratorProtocol {
        var responses: AsyncThrowingStream<Response, any Error>.Iterator
        private var last: UInt64 = 0

        init(responses: AsyncThrowingStream<Response, any Error>.Iterator) {
            self.responses = responses
        }

        /// The next event; nil when the server has ended the stream or the task was cancelled.
        ///
        /// - Throws: ``ModelClientError``.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(ModelClientError)
            -> ServerEvent?
        {
            let event = try await responses.nextResponse(isolation: actor)?.read { (answer: Messages.ServerEvent, _) in
                answer
            }
            guard let event else { return nil }
            defer { last = event.number }
            return ServerEvent(event, after: last)
        }
    }
}

extension AsyncThrowingStream<Response, any Error>.Iterator {
    /// The next response, with the client's error.
    mutating func nextResponse(isolation actor: isolated (any Actor)?) async throws(ModelClientError) -> Response? {
        do {
            return try await next(isolation: actor)
        } catch let error as ModelClientError {
            throw error
        } catch {
            throw ModelClientError(code: .internal, message: "\(error)", cause: error)
        }
    }
}
