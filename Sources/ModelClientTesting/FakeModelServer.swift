import Glibc
import Messages
import ModelClient
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Wire

/// A server for the tests of programs that use `ModelClient`: on a real Unix socket, with answers that the test makes up,
/// without models and without `modeld`.
///
/// ```swift
/// @Test func angryMailIsAnsweredFirst() async throws {
///     try await withFakeModelServer { server in
///         server.onClassify("sentiment") { text in text.text.contains("!") ? .label("NEGATIVE") : .label("POSITIVE") }
///         try await withModelClient(at: server.socketPath) { client in
///             let inbox = Inbox(client)
///             #expect(try await inbox.sorted(["Thanks", "Never again!"]).first == "Never again!")
///         }
///     }
/// }
/// ```
///
/// The client is the real one, so what it does about deadlines, cancellation, lost connections and retries is tested, too;
/// ``inject(_:model:times:)`` makes things go wrong.
///
/// A call to a model that has no answer for it fails as with a real server: `NOT_FOUND` for a model that the test does not
/// name, `INVALID_ARGUMENT` for a task that the model has not.
public final class FakeModelServer: Sendable {
    /// What the server tells its clients about itself.
    public struct Configuration: Sendable {
        /// The most unanswered requests on a connection; 0: no limit.
        public var maximumInFlight = 0
        /// The largest frame that the server takes, in bytes.
        public var maximumFrameBytes = 16 << 20

        /// The defaults.
        public init() {}
    }

    typealias Handler = @Sendable (Request) async throws -> [UInt8]

    private struct State {
        /// By model, as the test names it, then by method.
        var handlers: [String: [String: Handler]] = [:]
        var faults: [(fault: Fault, model: String?, times: Int)] = []
        var requests: [FakeRequest] = []
        var cancellations = 0
        var waiters:
            [(isDone: @Sendable ([FakeRequest], Int) -> Bool, continuation: CheckedContinuation<Void, Never>)] =
                []
        var connections: [ObjectIdentifier: FakeConnection] = [:]
        var listener: (any Channel)?
    }

    /// Where clients find the server.
    public let socketPath: String
    let configuration: Configuration
    private let folder: String
    private let state = NIOLockedValueBox(State())

    /// Starts a server on a socket in a temporary folder of its own. ``withFakeModelServer(configuration:_:)`` also stops it.
    ///
    /// - Throws: what kept the socket from being made.
    public init(configuration: Configuration = Configuration()) async throws {
        var template = Array("/tmp/modelclient.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw IOError(errnoCode: errno, reason: "mkdtemp") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        socketPath = folder + "/modeld.sock"
        self.configuration = configuration
        try await listen()
    }

    private func listen() async throws {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { [weak self] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let self else { throw ChannelError.inputClosed }
                    let connection = FakeConnection(server: self, eventLoop: channel.eventLoop)
                    try channel.pipeline.syncOperations.addHandler(
                        NIOLoopBound(connection, eventLoop: channel.eventLoop).value
                    )
                }
            }
            .bind(unixDomainSocketPath: socketPath)
            // Not as the value that is waited for: ThreadSanitizer does not see how the runtime hands one over
            // (swiftlang/swift#57803).
            .map { [self] listener in state.withLockedValue { $0.listener = listener } }
            .get()
    }

    /// Closes the socket and all connections, and removes the folder.
    public func shutdown() async {
        await stopListening()
        rmdir(folder)
    }

    /// Closes the socket and all connections, and listens again after a while: a server that is restarted. What was asked and
    /// not answered is lost; a client asks again.
    ///
    /// - Parameter downtime: how long nobody listens.
    public func restart(downtime: Duration = .zero) async throws {
        await stopListening()
        try await Task.sleep(for: downtime)
        try await listen()
    }

    /// Closes all connections. Clients connect again.
    public func disconnectAll() {
        let connections = state.withLockedValue { Array($0.connections.values) }
        for connection in connections { connection.close() }
    }

    private func stopListening() async {
        let listener = state.withLockedValue { state in
            defer { state.listener = nil }
            return state.listener
        }
        try? await listener?.close()
        disconnectAll()
        unlink(socketPath)
    }

    // MARK: - What was asked

    /// The calls to models so far, in the order of their arrival.
    public var requests: [FakeRequest] { state.withLockedValue { $0.requests } }

    /// How many calls were cancelled so far.
    public var cancellations: Int { state.withLockedValue { $0.cancellations } }

    /// Waits until `count` calls have arrived since the server's start.
    ///
    /// - Returns: the calls so far.
    public func waitForRequests(_ count: Int) async -> [FakeRequest] {
        await wait { requests, _ in requests.count >= count }
        return requests
    }

    /// Waits until `count` calls have been cancelled since the server's start.
    public func waitForCancellations(_ count: Int) async {
        await wait { _, cancellations in cancellations >= count }
    }

    private func wait(until isDone: @escaping @Sendable ([FakeRequest], Int) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLockedValue { state in
                if isDone(state.requests, state.cancellations) { return true }
                state.waiters.append((isDone, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    private func note(_ change: (inout State) -> Void) {
        let continuations = state.withLockedValue { state in
            change(&state)
            let done = state.waiters.filter { $0.isDone(state.requests, state.cancellations) }
            state.waiters.removeAll { $0.isDone(state.requests, state.cancellations) }
            return done.map(\.continuation)
        }
        for continuation in continuations { continuation.resume() }
    }

    // MARK: - What goes wrong

    /// Lets the next calls go wrong.
    ///
    /// ```swift
    /// server.inject(.failure(.resourceExhausted, "busy", retryAfter: .milliseconds(5)), times: 2)
    /// server.inject(.disconnect)          // the call after those
    /// ```
    ///
    /// Faults are used up in the order in which they were injected.
    ///
    /// - Parameters:
    ///   - fault: what happens instead of, or besides, the answer.
    ///   - model: only calls to this model, as the caller names it; nil: to any.
    ///   - times: how many calls; `Int.max` for all.
    public func inject(_ fault: Fault, model: String? = nil, times: Int = 1) {
        state.withLockedValue { $0.faults.append((fault, model, times)) }
    }

    /// Lets calls go right again.
    public func clearFaults() {
        state.withLockedValue { $0.faults = [] }
    }

    private func nextFault(for model: String) -> Fault? {
        state.withLockedValue { state in
            guard let index = state.faults.firstIndex(where: { $0.times > 0 && ($0.model ?? model) == model }) else {
                return nil
            }
            if state.faults[index].times != .max { state.faults[index].times -= 1 }
            return state.faults[index].fault
        }
    }

    // MARK: - Answers

    /// Answers a method of a model.
    func register<Message: RPCRequest & WireMessage>(
        _ model: String,
        _ answer: @escaping @Sendable (Message) async throws -> Message.Answer
    ) where Message.Answer: WireMessage {
        let handler: Handler = { try await answer(try Message.decode($0.payload)).encode() }
        state.withLockedValue { $0.handlers[model, default: [:]][Message.method] = handler }
    }

    private var handlers: [String: [String: Handler]] { state.withLockedValue { $0.handlers } }

    // MARK: - For connections

    func opened(_ connection: FakeConnection) {
        state.withLockedValue { $0.connections[ObjectIdentifier(connection)] = connection }
    }

    func closed(_ connection: FakeConnection) {
        state.withLockedValue { $0.connections[ObjectIdentifier(connection)] = nil }
    }

    func cancelled() {
        note { $0.cancellations += 1 }
    }

    /// What to do about a request.
    func reply(to request: Request) async -> FakeReply {
        if let method = ControlMethod(rawValue: request.method) { return .response(control(method, request)) }
        note { $0.requests.append(FakeRequest(request)) }
        var request = request
        if request.requestID.isEmpty { request.requestID = "fake-\(request.streamID)" }
        let fault = nextFault(for: request.model)
        switch fault?.kind {
        case .failure(let error): return .response(Response(request, error))
        case .disconnect: return .disconnect
        case .silence: return .silence
        case .garbage: return .response(Response(request, payload: [0xff, 0xff, 0xff]))
        case .delay(let duration):
            do {
                try await Task.sleep(for: duration)
            } catch {
                return .silence
            }
        case .cutAnswer, nil: break
        }
        let response = await answer(request)
        if case .cutAnswer = fault?.kind { return .cut(response) }
        return .response(response)
    }

    private func answer(_ request: Request) async -> Response {
        do {
            return Response(request, payload: try await handler(for: request)(request))
        } catch let error as ModelClientError {
            return Response(request, error)
        } catch let error as WireError {
            return Response(request, ModelClientError(code: .init(error.status), message: error.message))
        } catch {
            return Response(request, ModelClientError(code: .internal, message: "the fake's answer failed: \(error)"))
        }
    }

    /// What answers a request: of the model as the caller names it, else of the model without version and variant.
    private func handler(for request: Request) throws(ModelClientError) -> Handler {
        let handlers = handlers
        let name = String(request.model.prefix { $0 != "@" && $0 != ":" })
        let candidates = [handlers[request.model], handlers[name]].compactMap { $0 }
        if let handler = candidates.lazy.compactMap({ $0[request.method] }).first { return handler }
        guard let methods = candidates.first else {
            let known = handlers.keys.sorted().joined(separator: ", ")
            throw ModelClientError(
                code: .notFound,
                message: "the fake has no model '\(request.model)'; it has \(known.isEmpty ? "none" : known)"
            )
        }
        let known = methods.keys.map(FakeRequest.methodName).sorted().joined(separator: ", ")
        throw ModelClientError(
            code: .invalidArgument,
            message: "model: the fake's '\(request.model)' does not answer \(request.method); it answers \(known)"
        )
    }

    private func control(_ method: ControlMethod, _ request: Request) -> Response {
        switch method {
        case .reload, .load, .unload:
            let generation: UInt64 = method == .unload ? 0 : 2
            let results = handlers.keys.sorted().map { ReloadResult(model: "\($0)@1:fp32", generation: generation) }
            return Response(request, payload: ReloadResponse(results: results).encode())
        case .reloadEach:
            let model = handlers.keys.min().map { "\($0)@1:fp32" } ?? ""
            return Response(request, payload: model.isEmpty ? [] : ReloadResult(model: model, generation: 2).encode())
        case .drain:
            let models = handlers.keys.sorted().map { "\($0)@1:fp32" }
            return Response(request, payload: DrainResponse(models: models).encode())
        case .crashList: return Response(request, payload: CrashListResponse().encode())
        case .quarantineList: return Response(request, payload: QuarantineListResponse().encode())
        case .quarantineClear: return Response(request, payload: QuarantineClearResponse().encode())
        case .cacheList: return Response(request, payload: CacheListResponse(path: "/fake").encode())
        case .cachePrune: return Response(request, payload: CachePruneResponse().encode())
        case .metrics: return Response(request, payload: MetricsResponse().encode())
        case .events:
            let event = Messages.ServerEvent(number: 1, severity: .info, message: "serving")
            var response = Response(request, payload: event.encode())
            response.endOfStream = false
            return response
        case .status, .watch:
            let models = handlers.sorted { $0.key < $1.key }.map { name, methods in
                Messages.ModelStatus(
                    name: name,
                    version: 1,
                    variant: "fp32",
                    state: ModelState.ready.name,
                    generation: 1,
                    tasks: methods.keys.sorted()
                )
            }
            let status = StatusResponse(state: ServerState.ready.name, version: "fake", pid: getpid(), models: models)
            var response = Response(request, payload: status.encode())
            response.endOfStream = method != .watch
            return response
        }
    }
}

/// Starts a fake server, lends it for the time of a closure, and stops it.
///
/// - Throws: what kept the server from starting, and what `body` threw.
public nonisolated(nonsending) func withFakeModelServer<R>(
    configuration: FakeModelServer.Configuration = FakeModelServer.Configuration(),
    _ body: nonisolated(nonsending) (FakeModelServer) async throws -> R
) async throws -> R {
    let server = try await FakeModelServer(configuration: configuration)
    do {
        let result = try await body(server)
        await server.shutdown()
        return result
    } catch {
        await server.shutdown()
        throw error
    }
}
