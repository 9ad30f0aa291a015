package import Configuration
import Messages
package import Time
package import Topology
import Wire

/// Decides everything that the supervisor does: who is served by which process, what is loaded, started again, given up,
/// answered and refused.
///
/// Pure: what happens is told to `handle` with the time, and once a turn `decide` draws the consequences of all of it and
/// hands out what is to be done, in order. What comes of that is told as events again. `deadline` is when `decide` must be
/// asked if nothing else happens. The core knows numbers and frames, no descriptors; the shell has those.
///
/// Its parts decide each for one matter and know nothing of each other: `Clients`, `Catalogue`, `ModelLifecycle`,
/// `PackCoordinator`, `Scheduler`, `Quarantine`, `Reload`, `Shutdown`, `Announcer`. Here they are connected, an extension for each matter.
package struct Core: ~Copyable {
    package private(set) var configuration: ServerConfiguration {
        didSet {
            clients.limits = configuration
            scheduler.stallLimit = configuration.stallTimeout
        }
    }
    /// The folder of the models' folders.
    let repository: String
    let ownProcessID: Int32
    /// What the names of its requests begin with, unlike those of earlier runs.
    let run: String
    let startedAt: Instant
    /// Of the event, or the decision, that is being made.
    private(set) var now: Instant
    /// Where workers may be placed.
    private(set) var slots: [Slot]
    /// Those, and those that are gone, by their numbers.
    private(set) var knownSlots: [Int: Slot] = [:]
    /// Models whose workers may be where no slot is any more, or map a pack that has changed.
    var moving: Set<QueueID> = []

    var clients: Clients
    var pending: [RequestID: PendingRequest] = [:]
    var scheduler: Scheduler
    var catalogue: Catalogue
    var limiter = SpawnLimiter()
    var quarantine: Quarantine
    var processes: [WorkerID: Supervised] = [:]
    /// What workers have warned of.
    var toldWarnings: Set<String> = []
    /// Processes that have closed their channel and not ended, and when they are killed; the first of them first.
    var exiting: [(id: WorkerID, killAt: Instant)] = []
    var packs: PackCoordinator
    var packJobs: [PackJobID: (model: QueueID, generation: UInt64)] = [:]
    var copyJobs: [PackJobID: CopyJob] = [:]
    var reloads: [ReloadID: Reload] = [:]
    /// Models that others have replaced, and that still have something to answer.
    var retiring: [QueueID] = []
    var statusCalls = StatusCalls()
    var shutdown = Shutdown.serving
    var announcer = Announcer()
    private(set) var counters = Counters()
    private(set) var crashes = CrashRecords()

    /// What the parts have decided and is not yet done.
    var todo: [Todo] = []
    /// Handled after everything that their last frames have led to, here and in the shell.
    private var endings: [Ending] = []
    var effects: [Effect] = []
    private var lastID: UInt64 = 0

    /// What one of the parts wants done.
    enum Todo {
        case model(QueueID, ModelLifecycle.Action)
        case pack(PackCoordinator.Action)
    }

    /// A process that is gone.
    struct Ending {
        let process: WorkerID
        let end: ProcessEnd
        let description: String
        let peak: UInt64
        let jitter: Double
    }

    package init(
        configuration: ServerConfiguration,
        repository: String,
        slots: [Slot],
        userID: UInt32,
        processID: Int32,
        run: String,
        quarantineKey: UInt64,
        at now: Instant
    ) {
        self.configuration = configuration
        self.repository = repository
        self.slots = slots
        for slot in slots { knownSlots[slot.id] = slot }
        ownProcessID = processID
        self.run = run
        (startedAt, self.now) = (now, now)
        clients = Clients(limits: configuration, userID: userID)
        scheduler = Scheduler(stallLimit: configuration.stallTimeout)
        packs = PackCoordinator(limit: slots.count)
        catalogue = Catalogue(orders: Orders(holdsAll: configuration.modelControl == .explicit))
        quarantine = Quarantine(key: quarantineKey)
    }

    /// Whether nothing is left to do, and the shell may end.
    package var isFinished: Bool { shutdown == .finished }

    /// Requests without a terminal answer, and the bytes that are kept of them.
    package var unanswered: (requests: Int, bytes: Int) { (pending.count, clients.memory.pending) }

    /// When something is due although nothing happens.
    package var deadline: Deadline {
        mutating get {
            let parts = min(scheduler.deadline, packs.deadline, catalogue.deadline, clients.deadline, shutdown.deadline)
            let retirement = retiring.compactMap { catalogue[$0]?.retiresBy }.min()
            return min(parts, Deadline(exiting.first?.killAt), Deadline(retirement))
        }
    }

    // MARK: - Events

    package mutating func handle(_ event: Event, at now: Instant) {
        self.now = now
        switch event {
        case .connected(let id, let user, let process):
            clients.connected(id, user: user, process: process, at: now)
            // It came in the same moment as the order to end, and was not there when all others were told.
            if shutdown != .serving { clients.sendAway(id) }
        case .frame(let id, let frame):
            switch clients.received(frame, from: id, at: now) {
            case .call(let request)?: accept(request, from: id)
            case .cancel(let request)?: scheduler.cancel(request)
            case nil: break
            }
        case .malformed(let id, let refusal, let stream):
            clients.malformed(refusal, stream: stream, from: id, at: now)
        case .broken(let id, let refusal): clients.refuse(id, refusal, at: now)
        case .unfinished(let id, let bytes, let isNew): clients.holds(id, unfinished: bytes, isNew: isNew, at: now)
        case .inputEnded(let id): clients.inputEnded(id)
        case .written(let id, let waiting): clients.wrote(id, waiting: waiting)
        case .disconnected(let id): clients.disconnect(id)
        case .spawned(let id, let process): started(id, process)
        case .notSpawned(let id, let error, let jitter): notStarted(id, error, jitter: jitter)
        // A worker has one thread: what it writes it writes between two pieces of its work.
        case .heard(let id): scheduler.progressed(id, at: now)
        case .said(let id, let frame): said(frame, by: id)
        case .garbage(let id, let message): violation(of: id, "it sent garbage: \(message)")
        case .unread(let id, let bytes): holds(unread: bytes, by: id)
        case .channelClosed(let id): channelClosed(id)
        case .ended(let id, let end, let description, let peak, let jitter):
            processes[id]?.channelClosed = true
            endings.append(Ending(process: id, end: end, description: description, peak: peak, jitter: jitter))
        case .fileRefused(let job, let message): enqueue(packs.refused(job, message, at: now))
        case .packFound(let job, let key, let bytes):
            enqueue(packs.identified(job, key: key, cachedBytes: bytes, at: now))
        case .packStored(let job, let bytes): enqueue(packs.stored(job, bytes: bytes, error: nil, at: now))
        case .packNotStored(let job, let message, let isLost):
            if isLost, packAgain(job) { return }
            enqueue(packs.stored(job, bytes: 0, error: message, at: now))
        case .packOpened(let job, let key, let bytes, let room, let own):
            packOpened(job, key: key, bytes: bytes, room: room, own: own)
        case .packChanged(let job): packChanged(job)
        case .copySealed(let job, let error): enqueue(packs.stored(job, bytes: 0, error: error, at: now))
        case .packNotOpened(let job, let error):
            packFailed(job, .unavailable, "the pack cannot be opened: \(error)")
        case .cacheListed(let purpose, let path, let packs): cacheListed(purpose, path: path, packs)
        case .cachePruned(let purpose, let removed, let bytes): cachePruned(purpose, removed, of: bytes)
        case .scanned(let id, let listing): scanned(id, listing)
        case .notScanned(let id, let error): refuseReload(id, Refusal(.failedPrecondition, error))
        case .measured(let own, let others):
            statusCalls.measurement?.own = own
            statusCalls.measurement?.others = others
        case .metricsWanted: statusCalls.waiting.append((nil, .metrics))
        case .noted(let happening, let event):
            counters.note(happening)
            crashes.note(happening, at: event?.unixMicroseconds ?? 0)
            if let event { clients.tell(event, happening.role) }
        case .slots(let new):
            slots = new
            for slot in new { knownSlots[slot.id] = slot }
            packs.limit = max(1, new.count)
            moving = Set(catalogue.all)
        case .configured(let new):
            configuration = new
            if new.quarantine == nil { quarantine.clear(at: now) }
        case .reload(let isFirst):
            if !isFirst { announce(announcer.hangUp()) }
            reload(isFirst ? nil : "")
        case .stop: stop()
        }
        clients.keepBudget(at: now)
        cancelAbandoned()
    }

    // MARK: - Consequences

    /// Draws the consequences of every event since the last call, and gives `output`, emptied before, what to do.
    ///
    /// The shell asks again after it has told what came of it, until there is nothing to do.
    package mutating func decide(at now: Instant, into output: inout [Effect]) {
        self.now = now
        runTimers()
        var actions: [Scheduler.Action] = []
        var isSettled: Bool
        repeat {
            while !todo.isEmpty {
                let batch = todo
                todo.removeAll(keepingCapacity: true)
                for item in batch {
                    switch item {
                    case .model(let id, let action): perform(action, of: id)
                    case .pack(let action): perform(action)
                    }
                }
            }
            actions.removeAll(keepingCapacity: true)
            scheduler.decide(at: now, into: &actions)
            for action in actions { perform(action) }
            cancelAbandoned()
            advanceRetirements()
            advanceMoves()
            advanceShutdown()
            advanceAnnouncements()
            isSettled = todo.isEmpty && actions.isEmpty
            if isSettled, effects.isEmpty, !endings.isEmpty {
                for ending in endings { ended(ending) }
                endings.removeAll()
                isSettled = false
            }
        } while !isSettled
        answerStatusCalls()
        clients.keepBudget(at: now)
        cancelAbandoned()
        output.removeAll(keepingCapacity: true)
        swap(&output, &clients.effects)
        output += effects
        effects.removeAll(keepingCapacity: true)
    }

    private mutating func runTimers() {
        if catalogue.deadline.isDue(at: now) {
            for (id, model) in catalogue.entries where model.lifecycle.deadline.isDue(at: now) {
                var limiter = limiter
                change(id) { $0.timer(at: $1, limiter: &limiter) }
                self.limiter = limiter
            }
        }
        if packs.deadline.isDue(at: now) { enqueue(packs.timer(at: now)) }
        while let next = exiting.first, next.killAt <= now {
            kill(exiting.removeFirst().id, because: "it closed its channel and did not end")
        }
        if clients.deadline.isDue(at: now) {
            let due = clients.dueWatches(at: now)
            for call in due { statusCalls.waiting.append((call, .verbose)) }
            clients.timer(at: now)
            cancelAbandoned()
        }
    }

    // MARK: - Helpers shared by the topics

    mutating func nextID() -> UInt64 {
        lastID += 1
        return lastID
    }

    mutating func report(_ happening: Happening) { effects.append(.happened(happening)) }

    /// Tells a model's state machine something, and notes what it wants done.
    mutating func change(_ id: QueueID, _ event: (inout ModelLifecycle, _ now: Instant) -> [ModelLifecycle.Action]) {
        for action in catalogue.update(id, { event(&$0.lifecycle, now) }) ?? [] { todo.append(.model(id, action)) }
    }

    mutating func enqueue(_ actions: [PackCoordinator.Action]) {
        for action in actions { todo.append(.pack(action)) }
    }

    /// Clients have left; nobody wants their answers.
    private mutating func cancelAbandoned() {
        guard !clients.abandoned.isEmpty else { return }
        for id in clients.abandoned { scheduler.cancel(id) }
        clients.abandoned = []
    }
}
