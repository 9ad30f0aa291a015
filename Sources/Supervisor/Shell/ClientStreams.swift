import Configuration
import LinuxSystem
import Messages
import Time
import Wire

/// The listening socket and the clients' connections. What arrives is told as events; what the core decides is done here.
final class ClientStreams {
    typealias Tell = (Event) -> Void

    private final class Connection {
        let stream: FramedStream
        /// The largest frame that the client accepts.
        var frameLimit = WireProtocol.maximumFrameBytes
        var discardsInput = false
        /// Whether frames that were read wait for the next turn.
        var isBehind = false
        /// What was told of the frame that is not whole.
        var toldBytes = 0

        init(_ stream: FramedStream) { self.stream = stream }
    }

    /// The listening socket; it is closed, and its path removed, with the last reference.
    private final class Listening {
        let listener: UnixListener

        init(_ listener: consuming UnixListener) { self.listener = listener }
    }

    /// Where clients connect.
    let path: String
    private let loop: EventLoop
    private let maximumFrameBytes: Int
    /// Nil once the server shuts down.
    private var listening: Listening?
    /// When accepting goes on after the process ran out of descriptors.
    private(set) var acceptAt = Deadline.never
    /// Whether that has been told; until a client comes again.
    private var isPauseTold = false
    private var connections: [ClientID: Connection] = [:]
    private var toFlush: [ClientID] = []
    /// Those whose frames wait for the next turn.
    private var behind: [ClientID] = []
    private var lastID: UInt64 = 0

    init(_ configuration: ServerConfiguration, on loop: EventLoop, listener: consuming UnixListener)
        throws(SystemError)
    {
        self.loop = loop
        maximumFrameBytes = configuration.maxFrameBytes
        try loop.watch(listener.rawValue, as: .listener)
        path = listener.path
        listening = Listening(listener)
    }

    /// As many are accepted, and of each client as many frames are taken, in one turn of the loop. The others wait no longer than
    /// that takes.
    private static let acceptedPerTurn = 32
    private static let framesPerTurn = 64
    /// By how much a frame that is not whole grows before it is told again.
    private static let toldStep = 16 << 10

    // MARK: - Coming

    /// Accepts who waits.
    ///
    /// - Throws: when it cannot, most likely out of descriptors; once, until it can again. Accepting is paused then: the
    ///   connection stays in the kernel's queue, so that polling it would spin.
    func accept(at now: Instant, _ tell: Tell) throws(SystemError) {
        do throws(SystemError) {
            for _ in 0..<Self.acceptedPerTurn {
                guard let stream = try listening?.listener.accept() else { return }
                let peer = try stream.peerCredentials()
                lastID += 1
                let id = ClientID(lastID)
                let framed = try FramedStream(stream, as: .client(id), on: loop, maximumFrameBytes: maximumFrameBytes)
                connections[id] = Connection(framed)
                isPauseTold = false
                tell(.connected(id, user: peer.userID, process: peer.processID))
            }
        } catch {
            watchListener([])
            acceptAt = .at(now + .milliseconds(100))
            guard !isPauseTold else { return }
            isPauseTold = true
            throw error
        }
    }

    func resumeAccepting(at now: Instant) {
        guard acceptAt.isDue(at: now) else { return }
        acceptAt = .never
        watchListener(.readable)
    }

    private func watchListener(_ interest: Readiness) {
        if let listening { loop.change(listening.listener.rawValue, as: .listener, to: interest) }
    }

    func stopListening() {
        listening = nil
        acceptAt = .never
    }

    // MARK: - Reading

    func ready(_ id: ClientID, _ readiness: Readiness, _ tell: Tell) {
        guard let connection = connections[id] else { return }
        if readiness.contains(.writable) { mark(id, connection) }
        guard readiness.isWorthReading, !connection.isBehind else { return }
        switch connection.stream.receive() {
        case .bytes: break
        case .nothing: return
        case .closed:
            guard !readiness.isOver else { return tell(.disconnected(id)) }
            connection.stream.endInput()
            return tell(.inputEnded(id))
        }
        if connection.discardsInput { return connection.stream.discardInput() }
        takeFrames(of: id, connection, tell)
    }

    /// Whether frames wait that were read.
    var isBehind: Bool { !behind.isEmpty }

    /// Goes on where the last turn left off.
    func catchUp(_ tell: Tell) {
        let waiting = behind
        behind = []
        for id in waiting {
            guard let connection = connections[id] else { continue }
            connection.isBehind = false
            takeFrames(of: id, connection, tell)
        }
    }

    private func takeFrames(of id: ClientID, _ connection: Connection, _ tell: Tell) {
        for taken in 0..<Self.framesPerTurn {
            switch connection.stream.next(Frame.self) {
            case .frame(let frame): tell(.frame(id, frame))
            case .malformed(let error, let stream):
                tell(.malformed(id, Refusal(error.status, error.message), stream: stream))
            case .broken(let error): return tell(.broken(id, Refusal(error.status, error.message)))
            case .none: return tellUnfinished(of: id, connection, isNew: taken > 0, tell)
            }
        }
        connection.isBehind = true
        behind.append(id)
        tellUnfinished(of: id, connection, isNew: true, tell)
    }

    private func tellUnfinished(of id: ClientID, _ connection: Connection, isNew: Bool, _ tell: Tell) {
        let (bytes, told) = (connection.stream.unfinished, connection.toldBytes)
        let isNews = isNew || (bytes == 0) != (told == 0) || abs(bytes - told) >= Self.toldStep
        guard isNews, bytes > 0 || told > 0 else { return }
        connection.toldBytes = bytes
        tell(.unfinished(id, bytes: bytes, isNew: isNew))
    }

    // MARK: - Writing

    /// Queues a frame.
    func send(_ frame: Frame, to id: ClientID) {
        guard let connection = connections[id] else { return }
        let stream = connection.stream
        do throws(WireError) {
            try stream.append(frame, maximumFrameBytes: connection.frameLimit)
        } catch {
            if case .response(var response) = frame, !response.payload.isEmpty {
                response.payload = []
                response.status = .outOfRange
                response.message = "the answer is too large for the client: \(error.message); send less at once"
                try? stream.append(Frame.response(response), maximumFrameBytes: connection.frameLimit)
            }
        }
        mark(id, connection)
    }

    private func mark(_ id: ClientID, _ connection: Connection) {
        guard !connection.stream.isMarked else { return }
        connection.stream.isMarked = true
        toFlush.append(id)
    }

    /// Writes the output of every client that has some, with as few calls as it takes.
    ///
    /// - Returns: whether there was any.
    func flush(_ tell: Tell) -> Bool {
        let marked = toFlush
        toFlush.removeAll(keepingCapacity: true)
        for id in marked {
            guard let connection = connections[id] else { continue }
            connection.stream.isMarked = false
            tell(connection.stream.flush() ? .written(id, waiting: connection.stream.waiting) : .disconnected(id))
        }
        return !marked.isEmpty
    }

    func limitFrames(of id: ClientID, to bytes: Int) { connections[id]?.frameLimit = bytes }

    // MARK: - Leaving

    func discardInput(of id: ClientID) {
        connections[id]?.discardsInput = true
        connections[id]?.stream.discardInput()
    }

    func endOutput(of id: ClientID) { connections[id]?.stream.endOutput() }

    func disconnect(_ id: ClientID) { connections.removeValue(forKey: id)?.stream.leave() }
}
