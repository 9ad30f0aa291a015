import Glibc
import Logging
import Messages
import NIOCore
import NIOPosix
import Wire

/// Performs what `ClientState` decides, on one event loop.
///
/// `@unchecked Sendable`: every variable is touched on the event loop only. `submit`, `cancel`, `start`, `drain`,
/// `shutDown` and `finished` go there first; all else is called there, by the channel handlers.
final class ClientCore: @unchecked Sendable {
    let eventLoop: any EventLoop
    let path: String
    private let configuration: ModelClient.Configuration
    private let logger: Logger

    private var state: ClientState
    private var handlers: [ClientState.ConnectionID: ConnectionHandler] = [:]
    private var scheduledConnect: Scheduled<Void>?
    private var greetingTimer: Scheduled<Void>?
    private var deadlineTimer: Scheduled<Void>?
    /// When `deadlineTimer` fires; `UInt64.max` when there is none.
    private var armedDeadline = UInt64.max
    private var isFinished = false
    private var finishWaiters: [CheckedContinuation<Void, Never>] = []

    init(path: String, configuration: ModelClient.Configuration, logger: Logger) {
        self.path = path
        self.configuration = configuration
        var logger = logger
        logger[metadataKey: "socket"] = "\(path)"
        self.logger = logger
        eventLoop = (configuration.eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton).next()
        state = ClientState(
            path: path,
            waitsForConnection: configuration.waitsForConnection,
            backoff: Backoff(
                initial: configuration.initialReconnectDelay.clampedNanoseconds,
                maximum: configuration.maximumReconnectDelay.clampedNanoseconds
            )
        )
    }

    // MARK: - From any thread

    func start() {
        onEventLoop { $0.perform($0.state.start()) }
    }

    func submit(_ call: Call) {
        onEventLoop { core in
            core.perform(core.state.submit(call, now: NIODeadline.now().uptimeNanoseconds))
            core.arm(call.deadline)
        }
    }

    func cancel(_ ticket: CallTicket) {
        ticket.cancel()
        onEventLoop { $0.perform($0.state.cancel(ticket.id)) }
    }

    /// Takes no more calls, and ends when those that there are have ended.
    func drain() {
        onEventLoop { $0.perform($0.state.drain()) }
    }

    /// Ends now; every call fails.
    func shutDown() {
        onEventLoop { $0.perform($0.state.shutDown()) }
    }

    /// Returns when the client has ended and its sockets are closed.
    nonisolated(nonsending) func finished() async {
        await withCheckedContinuation { continuation in
            onEventLoop { core in
                core.finishWaiters.append(continuation)
                core.finishIfDone()
            }
        }
    }

    private func onEventLoop(_ body: @escaping @Sendable (ClientCore) -> Void) {
        if eventLoop.inEventLoop {
            body(self)
        } else {
            eventLoop.execute { body(self) }
        }
    }

    // MARK: - Actions

    private func perform(_ actions: [ClientState.Action]) {
        for action in actions {
            switch action {
            case .connect(let id, let delay): scheduleConnect(id, delay)
            case .send(let call, let id): send(call, on: id)
            case .waitsAgain(let call): call.observer.waitsAgain()
            case .sendCancel(let streamID, let id):
                if let handler = handlers[id] { write(.cancel(Cancel(streamID: streamID)), on: handler) }
            case .finish(let call, let result): call.finish(result)
            case .close(let id): handlers[id]?.close()
            case .finished:
                scheduledConnect?.cancel()
                greetingTimer?.cancel()
                deadlineTimer?.cancel()
                isFinished = true
                finishIfDone()
            }
        }
    }

    private func finishIfDone() {
        guard isFinished, handlers.isEmpty else { return }
        let waiters = finishWaiters
        finishWaiters = []
        for waiter in waiters { waiter.resume() }
    }

    private func send(_ call: Call, on id: ClientState.ConnectionID) {
        guard let handler = handlers[id] else { return }
        var request = call.request
        request.streamID = call.ticket.id
        if call.deadline != .max {
            let now = NIODeadline.now().uptimeNanoseconds
            request.timeoutMicroseconds = call.deadline > now ? max(1, (call.deadline - now) / 1_000) : 1
        }
        do throws(WireError) {
            try handler.write(.request(request))
        } catch {
            let failure = ModelClientError(code: .init(error.status), message: error.message, cause: error)
            perform(state.unsendable(call.ticket.id, failure))
        }
    }

    private func write(_ frame: Frame, on handler: ConnectionHandler) {
        do throws(WireError) {
            try handler.write(frame)
        } catch {
            logger.warning("A frame is too large for the server", metadata: ["error": "\(error)"])
        }
    }

    /// Makes sure that the deadline's passing is noticed.
    private func arm(_ deadline: UInt64) {
        guard deadline < armedDeadline, !isFinished else { return }
        deadlineTimer?.cancel()
        armedDeadline = deadline
        let instant = NIODeadline.uptimeNanoseconds(min(deadline, UInt64(Int64.max)))
        deadlineTimer = eventLoop.assumeIsolated().scheduleTask(deadline: instant) { [self] in
            armedDeadline = .max
            perform(state.deadlinePassed(now: NIODeadline.now().uptimeNanoseconds))
            if let next = state.nextDeadline { arm(next) }
        }
    }

    // MARK: - Connecting

    private func scheduleConnect(_ id: ClientState.ConnectionID, _ delay: UInt64) {
        guard delay > 0 else {
            connect(id)
            return
        }
        let nanoseconds = TimeAmount.nanoseconds(Int64(clamping: delay))
        scheduledConnect = eventLoop.assumeIsolated().scheduleTask(in: nanoseconds) { [self] in connect(id) }
    }

    private func connect(_ id: ClientState.ConnectionID) {
        guard state.connecting(id) else { return }
        logger.debug("Connecting")
        let timeout = TimeAmount.nanoseconds(Int64(clamping: configuration.connectTimeout.clampedNanoseconds))
        let handler = ConnectionHandler(id: id, core: self, maximumFrameBytes: configuration.maximumFrameBytes)
        handlers[id] = handler
        let boundHandler = NIOLoopBound(handler, eventLoop: eventLoop)
        greetingTimer = eventLoop.assumeIsolated().scheduleTask(in: timeout) { [self] in
            connectionEnded(handler, ClientCoreError.noGreeting)
            handler.close()
        }
        ClientBootstrap(group: eventLoop)
            .channelOption(.writeBufferWaterMark, value: .init(low: 256 << 10, high: 1 << 20))
            .connectTimeout(timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(boundHandler.value)
                }
            }
            .connect(unixDomainSocketPath: path)
            .assumeIsolated()
            .whenComplete { [self] result in
                switch result {
                case .success(let channel):
                    // Given up meanwhile.
                    if handlers[id] == nil || isFinished { channel.close(promise: nil) }
                case .failure(let error): connectionEnded(handler, error)
                }
            }
    }

    // MARK: - From the channel handlers

    func connected(_ handler: ConnectionHandler) {
        let hello = Hello(
            protocolVersion: WireProtocol.version,
            softwareVersion: ModelClient.version,
            maxFrameBytes: UInt32(clamping: configuration.maximumFrameBytes)
        )
        write(.hello(hello), on: handler)
    }

    func writabilityChanged(_ handler: ConnectionHandler, isWritable: Bool) {
        perform(state.writabilityChanged(handler.id, isWritable: isWritable))
    }

    func received(_ frame: Frame, on handler: ConnectionHandler) {
        guard handlers[handler.id] != nil else { return }
        switch frame {
        case .response(let response) where response.streamID == 0:
            logger.warning("The server refused the connection", metadata: ["error": "\(response.message)"])
            perform(state.refused(handler.id, ModelClientError(response)))
        case .response(let response) where handler.isGreeted:
            perform(state.received(response, on: handler.id) { $0.deliver(response) })
        case .hello(let hello) where !handler.isGreeted:
            greeted(hello, on: handler)
        case .ping(let ping):
            if !ping.ack { write(.ping(Ping(id: ping.id, ack: true)), on: handler) }
        case .goAway(let goAway):
            logger.debug("The server takes no new calls here", metadata: ["reason": "\(goAway.reason)"])
            if handler.isGreeted {
                perform(state.goAway(handler.id))
            } else {
                connectionEnded(handler, ClientCoreError.goAwayAtOnce(goAway.reason))
                handler.close()
            }
        case .hello, .response, .request, .cancel:
            protocolBroken(handler, WireError(.malformed, "the server sent a frame that it may not send here"))
        }
    }

    private func greeted(_ hello: Hello, on handler: ConnectionHandler) {
        guard hello.protocolVersion == WireProtocol.version else {
            end(
                handler,
                ModelClientError(
                    code: .failedPrecondition,
                    message:
                        "the server at '\(path)' speaks version \(hello.protocolVersion) of the protocol, and this "
                        + "client version \(WireProtocol.version); use releases that belong together",
                    origin: .connection
                ),
                .fault
            )
            handler.close()
            return
        }
        greetingTimer?.cancel()
        handler.isGreeted = true
        CallMetrics.connected(true)
        if hello.maxFrameBytes > 0 { handler.peerMaximumFrameBytes = Int(hello.maxFrameBytes) }
        logger.debug("Connected", metadata: ["server_version": "\(hello.softwareVersion)"])
        perform(state.opened(handler.id, maximumInFlight: Int(hello.maxInFlight)))
    }

    func protocolBroken(_ handler: ConnectionHandler, _ error: WireError) {
        logger.error("The server broke the protocol", metadata: ["error": "\(error)"])
        end(
            handler,
            ModelClientError(
                code: .internal,
                message: "the server at '\(path)' broke the protocol: \(error.message)",
                origin: .connection,
                cause: error
            ),
            .fault
        )
        handler.close()
    }

    /// The connection ended, or could not be made. Only the first report of an end counts.
    func connectionEnded(_ handler: ConnectionHandler, _ error: (any Error)?) {
        let isOpen = handler.isGreeted
        let reason =
            error.map(Self.reason) ?? (isOpen ? "the server closed it" : ClientCoreError.noGreeting.description)
        end(
            handler,
            ModelClientError(
                code: .unavailable,
                message: isOpen
                    ? "the connection to '\(path)' was lost: \(reason)"
                    : "cannot connect to '\(path)': \(reason); is modeld running?",
                origin: .connection,
                isRetryable: true,
                cause: error
            ),
            Self.isAway(error) ? .away : .lost
        )
    }

    private func end(_ handler: ConnectionHandler, _ failure: ModelClientError, _ end: ClientState.End) {
        guard handlers.removeValue(forKey: handler.id) != nil else { return }
        if !handler.isGreeted {
            greetingTimer?.cancel()
            CallMetrics.connected(false)
        }
        logger.debug("No connection", metadata: ["error": "\(failure.message)"])
        perform(state.closed(handler.id, failure, end))
        finishIfDone()
    }

    /// Whether an attempt to connect failed because there is no socket, or nobody listens on it.
    private static func isAway(_ error: (any Error)?) -> Bool {
        [ENOENT, ECONNREFUSED].contains((error as? IOError)?.errnoCode)
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
        return "\(error)"
    }
}

/// Why a connection was given up before it was open.
private enum ClientCoreError: Error, CustomStringConvertible {
    case noGreeting
    case goAwayAtOnce(String)

    var description: String {
        switch self {
        case .noGreeting: "the server sent no greeting"
        case .goAwayAtOnce(let reason): "the server takes no connections (\(reason))"
        }
    }
}

extension Duration {
    /// In nanoseconds; 0 when negative, at most about 292 years.
    var clampedNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = product.addingReportingOverflow(UInt64(attoseconds) / 1_000_000_000)
        return overflow || carry ? UInt64(Int64.max) : min(sum, UInt64(Int64.max))
    }
}
