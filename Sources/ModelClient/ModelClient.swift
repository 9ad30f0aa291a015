public import Logging
package import Messages
import NIOCore
import Synchronization
package import Wire

/// A connection to `modeld`, the server that holds the models.
///
/// Use it for the time of a closure:
///
/// ```swift
/// try await withModelClient(at: "/run/modeld/modeld.sock") { client in
///     let answer = try await client.classify("I love this", model: "sentiment")
///     print(answer.label, answer.score)
/// }
/// ```
///
/// or run it as a service among others, see ``run()``.
///
/// One client serves any number of tasks at once: all their calls share one socket. It connects in the background, and
/// connects again when the server goes away; a call that is unanswered then is sent again, within its timeout, for
/// inference is pure. Only ``reload(model:waits:timeout:)`` is never sent twice. Cancelling a task cancels its call on the
/// server.
///
/// Every call throws ``ModelClientError`` and nothing else.
public final class ModelClient: Sendable {
    /// This library's version, which it tells the server.
    public static let version = WireProtocol.softwareVersion

    let configuration: Configuration
    let core: ClientCore
    private let lastID = Atomic<UInt64>(0)

    /// Runs tasks on the thread that does the client's input and output.
    ///
    /// A call from another thread costs two wake-ups: one to hand the request over, one to hand the answer back. A task
    /// that prefers this executor saves both, tens of microseconds per call. It must not compute for long, for nothing is
    /// read or written meanwhile.
    ///
    /// ```swift
    /// try await withTaskExecutorPreference(client.executor) {
    ///     for text in texts { use(try await client.embed(text, model: "minilm")) }
    /// }
    /// ```
    public let executor: any TaskExecutor

    /// Makes a client that does nothing until ``run()`` is called.
    ///
    /// - Parameters:
    ///   - path: the path of the server's Unix socket, at most 107 bytes.
    ///   - configuration: timeouts, limits, and the event loop.
    ///   - logger: told at level `debug` what happens to the connection, and at `warning` and above what is wrong with it. No
    ///     text of a request or an answer is logged.
    public init(
        at path: String,
        configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "ModelClient", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.configuration = configuration
        core = ClientCore(path: path, configuration: configuration, logger: logger)
        executor = EventLoopExecutor(core.eventLoop)
    }

    /// Connects, and stays connected until the task's cancellation, or a graceful shutdown.
    ///
    /// A cancellation fails the calls that there are. That the server cannot be reached is no error: it is tried again, with
    /// a growing delay. Calls may be made before `run()` is; they wait.
    ///
    /// With the package trait `ServiceLifecycleSupport` the client is a `Service` of swift-service-lifecycle, and a graceful
    /// shutdown lets its calls end and refuses new ones with ``ModelClientError/Code/unavailable``.
    public func run() async throws {
        await withTaskCancellationHandler {
            await drainingOnGracefulShutdown {
                core.start()
                await core.finished()
            }
        } onCancel: {
            core.shutDown()
        }
    }

    /// Makes a call whose method and answer follow from its message.
    ///
    /// - Parameters:
    ///   - message: the request.
    ///   - model: which model it is for; empty for the whole server.
    ///   - metadata: what to send along.
    ///   - cost: the bytes of text to compute, each as often as the task needs it; 0: unknown.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    ///   - isPure: whether it may be sent again when the connection is lost before it is answered.
    ///   - value: what the answer, and what came with it, become.
    package nonisolated(nonsending) func ask<Message: RPCRequest & WireMessage, Value>(
        _ message: Message,
        model: String = "",
        metadata: RequestMetadata = RequestMetadata(),
        cost: Int = 0,
        timeout: Duration?,
        isPure: Bool = true,
        _ value: (Message.Answer, ResponseMetadata) throws(WireError) -> Value
    ) async throws(ModelClientError) -> Value where Message.Answer: WireMessage {
        let request = Request(Message.method, model, metadata, cost: cost, payload: message.encode())
        return try await send(request, timeout: timeout, isPure: isPure) { (response) throws(ModelClientError) in
            try response.read(model: model, value)
        }
    }

    /// Makes a call of one answer.
    ///
    /// - Parameters:
    ///   - request: without a stream and a timeout, which are set when it is sent.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    ///   - isPure: whether it may be sent again when the connection is lost before it is answered.
    ///   - read: what the answer becomes. That it cannot be read is a failure of the call, too.
    nonisolated(nonsending) func send<Value>(
        _ request: Request,
        timeout: Duration?,
        isPure: Bool,
        _ read: (Response) throws(ModelClientError) -> Value
    ) async throws(ModelClientError) -> Value {
        var request = request
        let observer = CallObserver(&request, to: core.path)
        let ticket = nextTicket()
        let deadline = deadline(after: timeout ?? configuration.defaultTimeout)
        let result: Result<Response, ModelClientError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let receiver = Call.Receiver.single(continuation)
                core.submit(Call(ticket, request, deadline: deadline, isPure: isPure, receiver, observer))
            }
        } onCancel: {
            core.cancel(ticket)
        }
        ticket.answerIsThere()
        do throws(ModelClientError) {
            let response = try result.get()
            let value = try read(response)
            observer.ended(.success(response))
            return value
        } catch {
            observer.ended(.failure(error))
            throw error
        }
    }

    /// Makes a call of many answers.
    ///
    /// - Parameters:
    ///   - request: without a stream and a timeout, which are set when it is sent.
    ///   - limit: how many answers are kept for a slow reader: the newest.
    ///   - timeout: how long all of it may take; nil: for ever.
    ///   - isPure: whether it may be sent again when the connection is lost before it has ended.
    func stream(
        _ request: Request,
        buffering limit: Int = 1,
        timeout: Duration? = nil,
        isPure: Bool = true
    ) -> AsyncThrowingStream<Response, any Error> {
        var request = request
        let observer = CallObserver(&request, to: core.path)
        let ticket = nextTicket()
        let (stream, continuation) = AsyncThrowingStream<Response, any Error>.makeStream(
            bufferingPolicy: .bufferingNewest(limit)
        )
        continuation.onTermination = { [core] reason in
            if case .cancelled = reason { core.cancel(ticket) }
            // A reader that leaves ends it as it should end.
            if case .finished(let error as ModelClientError) = reason {
                observer.ended(.failure(error))
            } else {
                observer.ended(.success(Response()))
            }
        }
        let deadline = timeout.map(deadline(after:)) ?? .max
        core.submit(Call(ticket, request, deadline: deadline, isPure: isPure, .stream(continuation), observer))
        return stream
    }

    private func nextTicket() -> CallTicket {
        CallTicket(id: lastID.add(1, ordering: .relaxed).newValue)
    }

    private func deadline(after timeout: Duration) -> UInt64 {
        let (sum, overflow) = NIODeadline.now().uptimeNanoseconds.addingReportingOverflow(timeout.clampedNanoseconds)
        // The last value means: never.
        return overflow ? .max - 1 : min(sum, .max - 1)
    }
}

/// Connects to a server, lends a client for the time of a closure, and disconnects.
///
/// The connection is made in the background: a server that cannot be reached fails the first call, not this function.
///
/// - Parameters:
///   - path: the path of the server's Unix socket, at most 107 bytes.
///   - configuration: timeouts, limits, and the event loop.
///   - logger: see ``ModelClient/init(at:configuration:logger:)``.
///   - body: what to do with the client, which does not work after it.
/// - Returns: what `body` returned.
/// - Throws: what `body` threw, and nothing else.
public nonisolated(nonsending) func withModelClient<R>(
    at path: String,
    configuration: ModelClient.Configuration = ModelClient.Configuration(),
    logger: Logger = Logger(label: "ModelClient", factory: { _ in SwiftLogNoOpLogHandler() }),
    _ body: nonisolated(nonsending) (ModelClient) async throws -> R
) async throws -> R {
    let client = ModelClient(at: path, configuration: configuration, logger: logger)
    client.core.start()
    do {
        let result = try await body(client)
        await client.end()
        return result
    } catch {
        await client.end()
        throw error
    }
}

extension Request {
    init(_ method: String, _ model: String, _ metadata: RequestMetadata, cost: Int = 0, payload: [UInt8]) {
        self.init(
            method: method,
            model: model,
            requestID: metadata.requestID ?? "",
            traceparent: metadata.traceparent ?? "",
            costEstimate: UInt32(clamping: cost),
            payload: payload,
            tenant: metadata.tenant ?? "",
            priority: metadata.priority.rawValue
        )
    }
}

extension Response {
    /// What its message, and what came with it, become.
    func read<Answer: WireMessage, Value>(
        model: String = "",
        _ value: (Answer, ResponseMetadata) throws(WireError) -> Value
    ) throws(ModelClientError) -> Value {
        do throws(WireError) {
            return try value(try Answer.decode(payload), ResponseMetadata(self))
        } catch {
            throw ModelClientError(badPayload: error, of: self, model: model)
        }
    }
}

extension ModelClient {
    /// Fails every call and closes the socket.
    fileprivate nonisolated(nonsending) func end() async {
        core.shutDown()
        await core.finished()
    }
}
