package import CWireMessages

package struct StatusRequest: Sendable, Equatable {
    /// Adds what costs more to gather.
    package var verbose: Bool

    package init(verbose: Bool = false) {
        self.verbose = verbose
    }
}

extension StatusRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__StatusRequest>) {
        control__v1__status_request__init(structure)
    }

    package func fill(_ structure: inout Control__V1__StatusRequest, _ arena: inout EncodingArena) {
        structure.verbose = verbose ? 1 : 0
    }

    package init(_ structure: Control__V1__StatusRequest) throws(WireError) {
        self.init(verbose: structure.verbose != 0)
    }
}

package struct WorkerStatus: Sendable, Equatable {
    package var pid: Int32
    package var slot: UInt32
    package var numaNode: Int32
    /// A CPU list: "0-3,8".
    package var cpus: String
    /// STARTING LOADING READY DRAINING BACKOFF FAILED.
    package var state: String
    package var restarts: UInt32
    package var rssBytes: UInt64
    package var pssBytes: UInt64
    /// "killed by SIGKILL", "exit 78: ...".
    package var lastExit: String
    package var requests: UInt64
    package var generation: UInt64

    package init(
        pid: Int32 = 0,
        slot: UInt32 = 0,
        numaNode: Int32 = 0,
        cpus: String = "",
        state: String = "",
        restarts: UInt32 = 0,
        rssBytes: UInt64 = 0,
        pssBytes: UInt64 = 0,
        lastExit: String = "",
        requests: UInt64 = 0,
        generation: UInt64 = 0
    ) {
        self.pid = pid
        self.slot = slot
        self.numaNode = numaNode
        self.cpus = cpus
        self.state = state
        self.restarts = restarts
        self.rssBytes = rssBytes
        self.pssBytes = pssBytes
        self.lastExit = lastExit
        self.requests = requests
        self.generation = generation
    }
}

extension WorkerStatus: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__WorkerStatus>) {
        control__v1__worker_status__init(structure)
    }

    package func fill(_ structure: inout Control__V1__WorkerStatus, _ arena: inout EncodingArena) {
        structure.pid = pid
        structure.slot = slot
        structure.numa_node = numaNode
        structure.cpus = arena.text(cpus)
        structure.state = arena.text(state)
        structure.restarts = restarts
        structure.rss_bytes = rssBytes
        structure.pss_bytes = pssBytes
        structure.last_exit = arena.text(lastExit)
        structure.requests = requests
        structure.generation = generation
    }

    package init(_ structure: Control__V1__WorkerStatus) throws(WireError) {
        self.init(
            pid: structure.pid,
            slot: structure.slot,
            numaNode: structure.numa_node,
            cpus: try decodeText(structure.cpus, "cpus"),
            state: try decodeText(structure.state, "state"),
            restarts: structure.restarts,
            rssBytes: structure.rss_bytes,
            pssBytes: structure.pss_bytes,
            lastExit: try decodeText(structure.last_exit, "last_exit"),
            requests: structure.requests,
            generation: structure.generation
        )
    }
}

package struct ModelStatus: Sendable, Equatable {
    package var name: String
    package var version: UInt64
    /// As in `fp32`.
    package var variant: String
    /// UNKNOWN LOADING READY UNLOADING UNAVAILABLE.
    package var state: String
    /// Why it is not READY, or why the last reload failed.
    package var reason: String
    package var workers: [WorkerStatus]
    package var generation: UInt64
    /// Classify embed features tokenize.
    package var tasks: [String]
    package var packBytes: UInt64
    package var maxTokens: UInt32
    /// Answered with OK.
    package var requests: UInt64
    /// Answered with anything else.
    package var failures: UInt64
    package var queued: UInt32
    package var computing: UInt32
    package var replays: UInt64
    /// DistilBertForSequenceClassification.
    package var architecture: String
    /// How the weights are placed, and why.
    package var numa: String
    package var path: String
    /// Of a variant of less precision than fp32.
    package var quality: ModelQuality?
    /// `avx512bf16`: what its products are computed with.
    package var instructionSet: String
    /// Better instruction sets of this CPU, and what they compute wrongly here.
    package var failedProofs: [String]

    package init(
        name: String = "",
        version: UInt64 = 0,
        variant: String = "",
        state: String = "",
        reason: String = "",
        workers: [WorkerStatus] = [],
        generation: UInt64 = 0,
        tasks: [String] = [],
        packBytes: UInt64 = 0,
        maxTokens: UInt32 = 0,
        requests: UInt64 = 0,
        failures: UInt64 = 0,
        queued: UInt32 = 0,
        computing: UInt32 = 0,
        replays: UInt64 = 0,
        architecture: String = "",
        numa: String = "",
        path: String = "",
        quality: ModelQuality? = nil,
        instructionSet: String = "",
        failedProofs: [String] = []
    ) {
        self.name = name
        self.version = version
        self.variant = variant
        self.state = state
        self.reason = reason
        self.workers = workers
        self.generation = generation
        self.tasks = tasks
        self.packBytes = packBytes
        self.maxTokens = maxTokens
        self.requests = requests
        self.failures = failures
        self.queued = queued
        self.computing = computing
        self.replays = replays
        self.architecture = architecture
        self.numa = numa
        self.path = path
        self.quality = quality
        self.instructionSet = instructionSet
        self.failedProofs = failedProofs
    }
}

extension ModelStatus: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__ModelStatus>) {
        control__v1__model_status__init(structure)
    }

    package func fill(_ structure: inout Control__V1__ModelStatus, _ arena: inout EncodingArena) {
        structure.name = arena.text(name)
        structure.version = version
        structure.variant = arena.text(variant)
        structure.state = arena.text(state)
        structure.reason = arena.text(reason)
        (structure.n_workers, structure.workers) = arena.messages(workers)
        structure.generation = generation
        (structure.n_tasks, structure.tasks) = arena.texts(tasks)
        structure.pack_bytes = packBytes
        structure.max_tokens = maxTokens
        structure.requests = requests
        structure.failures = failures
        structure.queued = queued
        structure.computing = computing
        structure.replays = replays
        structure.architecture = arena.text(architecture)
        structure.numa = arena.text(numa)
        structure.path = arena.text(path)
        if let quality { structure.quality = arena.message(quality) }
        structure.instruction_set = arena.text(instructionSet)
        (structure.n_failed_proofs, structure.failed_proofs) = arena.texts(failedProofs)
    }

    package init(_ structure: Control__V1__ModelStatus) throws(WireError) {
        self.init(
            name: try decodeText(structure.name, "name"),
            version: structure.version,
            variant: try decodeText(structure.variant, "variant"),
            state: try decodeText(structure.state, "state"),
            reason: try decodeText(structure.reason, "reason"),
            workers: try decodeMessages(structure.n_workers, structure.workers, "workers"),
            generation: structure.generation,
            tasks: try decodeTexts(structure.n_tasks, structure.tasks, "tasks"),
            packBytes: structure.pack_bytes,
            maxTokens: structure.max_tokens,
            requests: structure.requests,
            failures: structure.failures,
            queued: structure.queued,
            computing: structure.computing,
            replays: structure.replays,
            architecture: try decodeText(structure.architecture, "architecture"),
            numa: try decodeText(structure.numa, "numa"),
            path: try decodeText(structure.path, "path"),
            quality: try decodeMessage(structure.quality, "quality"),
            instructionSet: try decodeText(structure.instruction_set, "instruction_set"),
            failedProofs: try decodeTexts(structure.n_failed_proofs, structure.failed_proofs, "failed_proofs")
        )
    }
}

package struct StatusResponse: Sendable, Equatable {
    /// STARTING READY DEGRADED NOT_SERVING DRAINING.
    package var state: String
    package var version: String
    package var pid: Int32
    package var uptimeSeconds: UInt64
    package var models: [ModelStatus]
    package var connections: UInt32
    /// Of modeld itself.
    package var pssBytes: UInt64

    package init(
        state: String = "",
        version: String = "",
        pid: Int32 = 0,
        uptimeSeconds: UInt64 = 0,
        models: [ModelStatus] = [],
        connections: UInt32 = 0,
        pssBytes: UInt64 = 0
    ) {
        self.state = state
        self.version = version
        self.pid = pid
        self.uptimeSeconds = uptimeSeconds
        self.models = models
        self.connections = connections
        self.pssBytes = pssBytes
    }
}

extension StatusResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__StatusResponse>) {
        control__v1__status_response__init(structure)
    }

    package func fill(_ structure: inout Control__V1__StatusResponse, _ arena: inout EncodingArena) {
        structure.state = arena.text(state)
        structure.version = arena.text(version)
        structure.pid = pid
        structure.uptime_seconds = uptimeSeconds
        (structure.n_models, structure.models) = arena.messages(models)
        structure.connections = connections
        structure.pss_bytes = pssBytes
    }

    package init(_ structure: Control__V1__StatusResponse) throws(WireError) {
        self.init(
            state: try decodeText(structure.state, "state"),
            version: try decodeText(structure.version, "version"),
            pid: structure.pid,
            uptimeSeconds: structure.uptime_seconds,
            models: try decodeMessages(structure.n_models, structure.models, "models"),
            connections: structure.connections,
            pssBytes: structure.pss_bytes
        )
    }
}

package struct WatchRequest: Sendable, Equatable {
    /// 0: 1000.
    package var intervalMilliseconds: UInt32

    package init(intervalMilliseconds: UInt32 = 0) {
        self.intervalMilliseconds = intervalMilliseconds
    }
}

extension WatchRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__WatchRequest>) {
        control__v1__watch_request__init(structure)
    }

    package func fill(_ structure: inout Control__V1__WatchRequest, _ arena: inout EncodingArena) {
        structure.interval_milliseconds = intervalMilliseconds
    }

    package init(_ structure: Control__V1__WatchRequest) throws(WireError) {
        self.init(intervalMilliseconds: structure.interval_milliseconds)
    }
}
