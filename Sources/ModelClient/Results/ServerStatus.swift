package import Messages
import Wire

/// What the server is doing.
public struct ServerStatus: Sendable, Hashable {
    /// `STARTING`, `READY`, `DEGRADED`, `NOT_SERVING`, `DRAINING` when it ends, or `DRAINED` by the operator.
    public var state: String
    /// The server's version.
    public var version: String
    /// The server's process.
    public var pid: Int
    /// Since when it runs.
    public var uptime: Duration
    /// Every model version and variant in the repository.
    public var models: [ModelStatus]
    /// How many clients are connected.
    public var connections: Int
    /// The server's own memory, with shared pages divided among those who share them; 0 when it was not asked for.
    public var pssBytes: Int
    /// Bytes of clients' requests and answers on their way, which the server holds.
    public var bufferedBytes: Int
    /// The most of these, by its setting `memory_budget`.
    public var memoryBudget: Int
    /// Requests that have ended two workers, and are refused when they come again.
    public var quarantined: Int
    /// The references of what is in the repository, and not loaded, as the operator wants it.
    public var held: [String]

    /// Makes a status, as a test double does.
    public init(
        state: String,
        version: String = "",
        pid: Int = 0,
        uptime: Duration = .zero,
        models: [ModelStatus] = [],
        connections: Int = 0,
        pssBytes: Int = 0,
        bufferedBytes: Int = 0,
        memoryBudget: Int = 0,
        quarantined: Int = 0,
        held: [String] = []
    ) {
        self.state = state
        self.version = version
        self.pid = pid
        self.uptime = uptime
        self.models = models
        self.connections = connections
        self.pssBytes = pssBytes
        self.bufferedBytes = bufferedBytes
        self.memoryBudget = memoryBudget
        self.quarantined = quarantined
        self.held = held
    }

    init(_ message: StatusResponse) {
        state = message.state
        version = message.version
        pid = Int(message.pid)
        uptime = .seconds(Int64(clamping: message.uptimeSeconds))
        models = message.models.map(ModelStatus.init)
        connections = Int(message.connections)
        pssBytes = Int(clamping: message.pssBytes)
        bufferedBytes = Int(clamping: message.bufferedBytes)
        memoryBudget = Int(clamping: message.memoryBudget)
        quarantined = Int(message.quarantined)
        held = message.held
    }
}

/// One version and variant of a model.
public struct ModelStatus: Sendable, Hashable {
    /// The model's name.
    public var name: String
    /// Its version, from 1.
    public var version: UInt64
    /// Its precision, as in `fp32`.
    public var variant: String
    /// `UNKNOWN`, `LOADING`, `READY`, `UNLOADING` or `UNAVAILABLE`.
    public var state: String
    /// Why it is not ready, or why its last reload failed; else empty.
    public var reason: String
    /// Its processes.
    public var workers: [WorkerStatus]
    /// How often it was loaded anew: the number of the generation that serves.
    public var generation: UInt64
    /// What it can be asked, as `modelctl` names it: `embed`, `features`, `tokenize`, `infer`, and what its head answers.
    public var tasks: [String]
    /// The size of its packed weights.
    public var packBytes: Int
    /// The longest text it takes, in tokens.
    public var maximumTokens: Int
    /// Requests answered with OK.
    public var requests: UInt64
    /// Requests answered with anything else.
    public var failures: UInt64
    /// Requests that wait.
    public var queued: Int
    /// Requests that are being computed.
    public var computing: Int
    /// Requests that were computed anew because a worker had died.
    public var replays: UInt64
    /// The checkpoint's architecture, as in `DistilBertForSequenceClassification`.
    public var architecture: String
    /// How its weights are placed on the machine's memory nodes, and why.
    public var numa: String
    /// The checkpoint's folder.
    public var path: String
    /// What a variant of less precision kept of fp32, measured when it was packed; nil for fp32.
    public var quality: VariantQuality?
    /// The instruction set that it computes with, such as `avx512bf16`; empty before it is ready.
    public var instructionSet: String
    /// Better instruction sets of the machine's CPU that the model does not use, as they did not compute what its
    /// checkpoint says, and what was wrong. Empty on a machine in order.
    public var failedProofs: [String]
    /// Whether the operator has drained it, so that it takes no new requests.
    public var isDrained: Bool

    /// `name@version:variant`, as a call may name it.
    public var reference: String { "\(name)@\(version):\(variant)" }

    init(_ message: Messages.ModelStatus) {
        name = message.name
        version = message.version
        variant = message.variant
        state = message.state
        reason = message.reason
        workers = message.workers.map(WorkerStatus.init)
        generation = message.generation
        tasks = message.tasks
        packBytes = Int(clamping: message.packBytes)
        maximumTokens = Int(message.maxTokens)
        requests = message.requests
        failures = message.failures
        queued = Int(message.queued)
        computing = Int(message.computing)
        replays = message.replays
        architecture = message.architecture
        numa = message.numa
        path = message.path
        quality = message.quality.map(VariantQuality.init)
        instructionSet = message.instructionSet
        failedProofs = message.failedProofs
        isDrained = message.drained
    }
}

/// How the answers of a variant compare with those of fp32, on the texts that it was calibrated on.
public struct VariantQuality: Sendable, Hashable {
    /// How many texts were compared.
    public var texts: Int
    /// The mean of the cosines between both embeddings of a text.
    public var meanCosine: Double
    /// The least of them.
    public var leastCosine: Double
    /// The share of predictions whose best label is the same; nil for a model without a head.
    public var agreement: Double?
    /// The largest change of a probability; nil for a model without a head.
    public var largestScoreChange: Double?
    /// The weights that were kept in bf16 because int8 would have lost too much, as in `layer.5.output`.
    public var exceptions: [String]
    /// The instruction set that it was measured with.
    public var instructionSet: String

    package init(_ message: ModelQuality) {
        texts = Int(message.texts)
        meanCosine = message.meanCosine
        leastCosine = message.leastCosine
        agreement = message.predictions > 0 ? message.agreement : nil
        largestScoreChange = message.predictions > 0 ? message.largestScoreChange : nil
        exceptions = message.exceptions
        instructionSet = message.instructionSet
    }
}

/// One process that computes a model.
public struct WorkerStatus: Sendable, Hashable {
    /// The process; 0 while there is none.
    public var pid: Int
    /// The slot of CPUs that it is pinned to.
    public var slot: Int
    /// The memory node of these CPUs; -1 when unknown.
    public var numaNode: Int
    /// The CPUs, as a list such as `0-3,8`.
    public var cpus: String
    /// `STARTING`, `LOADING`, `READY`, `DRAINING`, `BACKOFF`, `FAILED` or `STOPPED`.
    public var state: String
    /// How often it was started again.
    public var restarts: Int
    /// Its resident memory, shared pages counted whole.
    public var rssBytes: Int
    /// Its memory, with shared pages divided among those who share them.
    public var pssBytes: Int
    /// How the process before it ended, as in `killed by SIGKILL`; empty for the first.
    public var lastExit: String
    /// Requests that it answered.
    public var requests: UInt64
    /// The generation of the model that it serves.
    public var generation: UInt64
    /// Where there is no process, how long it is until the next one is started; nil when there will be none.
    public var nextStart: Duration?
    /// On which memory node its pages lie; nil where the kernel does not say, or the status is not verbose.
    public var memory: Memory?
    /// What the kernel holds it to, such as `landlock 7, seccomp`; empty: nothing, or it has not said.
    public var sandbox: String

    /// Pages in memory, in bytes.
    public struct Memory: Sendable, Hashable {
        /// Of the weights, as far as they were touched.
        public var weights: Int
        /// Of these, on the node of the worker's CPUs.
        public var weightsOnNode: Int
        /// Of what the worker has for itself: heap, arenas, stacks.
        public var own: Int
        /// Of these, on the node of the worker's CPUs.
        public var ownOnNode: Int
        /// Of all, in huge pages.
        public var huge: Int

        init(_ message: Messages.MemoryPlacement) {
            weights = Int(clamping: message.weights)
            weightsOnNode = Int(clamping: message.weightsOnNode)
            own = Int(clamping: message.own)
            ownOnNode = Int(clamping: message.ownOnNode)
            huge = Int(clamping: message.huge)
        }
    }

    init(_ message: Messages.WorkerStatus) {
        pid = Int(message.pid)
        slot = Int(message.slot)
        numaNode = Int(message.numaNode)
        cpus = message.cpus
        state = message.state
        restarts = Int(message.restarts)
        rssBytes = Int(clamping: message.rssBytes)
        pssBytes = Int(clamping: message.pssBytes)
        lastExit = message.lastExit
        requests = message.requests
        generation = message.generation
        nextStart = message.nextStartMicroseconds > 0 ? .microseconds(message.nextStartMicroseconds) : nil
        memory = message.memory.map(Memory.init)
        sandbox = message.sandbox
    }
}

/// What reloading did to one model.
public struct ReloadOutcome: Sendable, Hashable {
    /// `name@version:variant`.
    public var model: String
    /// Why the new generation was refused; nil when it serves. The old generation serves on after a failure.
    public var failure: Failure?
    /// The generation that serves now.
    public var generation: UInt64

    /// Why a new generation was refused.
    public struct Failure: Sendable, Hashable {
        /// The kind of failure.
        public var code: ModelClientError.Code
        /// What is wrong with the new checkpoint, for people.
        public var message: String
    }

    init(_ message: ReloadResult) {
        model = message.model
        failure = message.status == .ok ? nil : Failure(code: .init(message.status), message: message.message)
        generation = message.generation
    }
}
