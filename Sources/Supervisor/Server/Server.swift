package import LinuxSystem
package import Logging
import Messages
import Topology
import Wire

/// The supervisor: one thread, one epoll loop. Decisions are made by the state machines of `Scheduling`, `Lifecycle`
/// and `Packs`; what is here reads and writes sockets, starts and reaps processes, and does as they say.
///
/// A turn of the loop handles every event that is ready, then the timers that are due, then all decisions at once, and
/// then writes each stream's output with one call.
package final class Server {
    /// The version that Hello and Status name.
    package static let version = WireProtocol.softwareVersion

    let configuration: ServerConfiguration
    let logger: Logger
    let repository: ModelRepository
    let packFolder: PackFolder
    let workerExecutable: String
    let workerEnvironment: [String: String]
    let slots: [Slot]
    let startedAt = MonotonicClock.now
    let userID: UInt32

    let epoll: Epoll
    /// Nil once the server shuts down.
    var listening: Listening?
    let signals: SignalDescriptor

    var scheduler: Scheduler
    var packs: PackCoordinator
    var limiter = SpawnLimiter()
    var models = ModelDirectory()
    var packJobs: [PackJobID: (model: ServedModel, generation: UInt64)] = [:]

    var clients: [UInt64: ClientConnection] = [:]
    /// Clients that are not open: they have a deadline.
    var transient: Set<UInt64> = []
    var workers: [WorkerID: WorkerProcess] = [:]
    var pending: [RequestID: PendingRequest] = [:]
    var pendingBytes = 0
    var watches: [Watch] = []
    /// What the log has said already.
    var toldSkipped: Set<SkippedEntry> = []
    /// Models that others have replaced, and that still have something to answer.
    var retiring: [ServedModel] = []
    /// What the state machines have decided and is not yet done.
    var todo: [Todo] = []
    var toFlush: [FramedStream] = []

    var shutdown = Shutdown.serving
    /// When accepting goes on after the process ran out of descriptors.
    var acceptAt = Int64.max
    /// The earliest deadline of the models; nil when it has to be computed anew.
    var knownModelDeadline: Int64?
    private var lastID: UInt64 = 0
    private var events = EventBuffer(capacity: 256)

    /// What one of the state machines wants done.
    enum Todo {
        case model(ServedModel, ModelLifecycle.Action)
        case pack(PackCoordinator.Action)
        /// A process is gone. Handled after everything that its last frames have led to.
        case ended(WorkerProcess, ExitStatus)
    }

    /// Binds the socket and gets everything ready; `run` starts the workers.
    ///
    /// Make it in the first thread, before any other starts: workers die with the thread that started them, and signals
    /// are blocked in it.
    ///
    /// - Throws: `ConfigurationError`, `SystemError` or `TopologyError`, each with one clear message.
    package init(
        configuration: ServerConfiguration,
        environment: [String: String],
        userID: UInt32,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.logger = logger
        self.userID = userID
        repository = try ModelRepository(root: absolutePath(configuration.modelRepository, setting: "model_repository"))
        let names = try repository.names()
        if names.isEmpty { logger.warning("the model repository is empty", metadata: ["path": "\(repository.root)"]) }
        packFolder = try PackFolder(
            path: configuration.cacheDirectory(environment: environment, isRoot: userID == 0)
        )
        workerExecutable = try configuration.workerExecutable ?? Self.workerBesideSupervisor()
        workerEnvironment = Self.workerEnvironment(from: environment)
        slots = try Self.planSlots(configuration, logger)
        scheduler = Scheduler(slotCount: slots.count, stallLimit: configuration.stallTimeout)
        packs = PackCoordinator(limit: slots.count)
        signals = try SignalDescriptor([.terminate, .interrupt, .hangUp])
        try ProcessSelf.ignoreWriteSignals()
        _ = try? ProcessSelf.raiseOpenFileLimit()
        epoll = try Epoll()
        try epoll.add(signals.rawValue, token: Token.signals.value, interest: .readable)
        let bound = try UnixListener(path: configuration.socket, mode: configuration.socketMode)
        try epoll.add(bound.rawValue, token: Token.listener.value, interest: .readable)
        listening = Listening(bound)
    }

    /// Serves until a signal ends it. When it returns, no worker is left, and the socket is gone.
    package func run() throws(SystemError) {
        logger.info(
            "serving",
            metadata: [
                "socket": "\(configuration.socket)", "repository": "\(repository.root)",
                "slots": "\(slots.map { "\($0.cpus)" }.joined(separator: " "))",
            ]
        )
        loadRepository(at: MonotonicClock.now)
        settle(at: MonotonicClock.now)
        while !isFinished {
            let now = MonotonicClock.now
            try epoll.wait(into: &events, nanoseconds: nextDeadline().map { max(0, $0 - now) })
            turn(at: MonotonicClock.now)
        }
        listening = nil
        logger.info("stopped")
    }

    private func turn(at now: Int64) {
        for index in events.indices { handle(events[index], at: now) }
        runTimers(at: now)
        settle(at: now)
    }

    private func handle(_ event: ReadyEvent, at now: Int64) {
        switch Token(event.token) {
        case .listener: acceptClients(at: now)
        case .signals: takeSignals(at: now)
        case .client(let id): clientReady(id, event.readiness, at: now)
        case .channel(let id): channelReady(WorkerID(id), event.readiness, at: now)
        case .process(let id): processEnded(WorkerID(id), at: now)
        }
    }

    /// Does what was decided, until nothing is left, and writes the output.
    func settle(at now: Int64) {
        var actions: [Scheduler.Action] = []
        repeat {
            while !todo.isEmpty {
                let batch = todo
                todo.removeAll(keepingCapacity: true)
                for item in batch {
                    switch item {
                    case .model(let model, let action): perform(action, of: model, at: now)
                    case .pack(let action): perform(action, at: now)
                    case .ended(let process, let status): ended(process, status, at: now)
                    }
                }
            }
            actions.removeAll(keepingCapacity: true)
            scheduler.decide(at: now, into: &actions)
            for action in actions { perform(action, at: now) }
            advanceRetirements(at: now)
            flush(at: now)
            advanceShutdown(at: now)
        } while !todo.isEmpty || !actions.isEmpty
    }

    func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    /// Notes what a model's state machine wants done. Called after each of its events, also when it wants nothing.
    func enqueue(_ actions: [ModelLifecycle.Action], of model: ServedModel) {
        knownModelDeadline = nil
        for action in actions { todo.append(.model(model, action)) }
    }

    func enqueue(_ actions: [PackCoordinator.Action]) {
        for action in actions { todo.append(.pack(action)) }
    }
}

/// The listening socket; it is closed, and its path removed, with the last reference.
final class Listening {
    let listener: UnixListener

    init(_ listener: consuming UnixListener) { self.listener = listener }
}

extension Readiness {
    /// A read finds something: bytes, the end, or an error.
    static let worthReading: Readiness = [.readable, .hangUp, .error, .peerClosed]
}

/// What an epoll event is about: the kind in the highest byte, a number in the others.
enum Token {
    case listener
    case signals
    case client(UInt64)
    case channel(UInt64)
    case process(UInt64)

    private static let shift: UInt64 = 56

    var value: UInt64 {
        switch self {
        case .listener: 0
        case .signals: 1 << Self.shift
        case .client(let id): 2 << Self.shift | id
        case .channel(let id): 3 << Self.shift | id
        case .process(let id): 4 << Self.shift | id
        }
    }

    init(_ value: UInt64) {
        let id = value & (1 << Self.shift - 1)
        switch value >> Self.shift {
        case 0: self = .listener
        case 1: self = .signals
        case 2: self = .client(id)
        case 3: self = .channel(id)
        default: self = .process(id)
        }
    }
}
