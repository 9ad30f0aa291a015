package import Configuration
import Messages
package import Time
import Wire

/// Decides which request goes to which worker, when a batch starts, and when a request is answered without a result.
///
/// It performs nothing: events are told to it with the time, and once a turn of the event loop `decide` hands out what
/// to do, in order. Events of one turn are therefore decided together: 32 requests that arrive in one read are batched,
/// and a lone request on an idle slot gets its Prepare and its Start at once.
///
/// A request's states and their events:
///
/// | state    | decide                    | result    | cancel, deadline     | worker dies             | worker drains |
/// |----------|---------------------------|-----------|----------------------|-------------------------|---------------|
/// | queued   | → assigned (Prepare)      | –         | refused              | –                       | –             |
/// | assigned | → started (Start)         | delivered | refused (and Revoke) | → queued                | → queued (and Revoke) |
/// | started, batch waits | –             | delivered | refused (and Revoke) | → queued                | –             |
/// | started, batch computes | –          | delivered | refused (and Revoke) | → queued, alone; or refused | –         |
///
/// A slot is idle, or computes one batch with at most one committed behind it on the same worker. A batch is committed
/// early only when it is worth at least half of `maxBatchTokens` and its model would be served next anyway. When a batch takes
/// far longer than it should, the other models of the slot go on beside it.
///
/// The requests of a model wait for their turn, client by client, each client's by priority and by deadline. What cannot be
/// computed in time, by what the model's batches take and by what comes before it, is refused when it arrives, or when that
/// becomes clear, so that the time is left for what can.
///
/// While a worker computes, the other models of its slot wait. So a worker that owes an answer and has given no sign of
/// progress for `stallLimit` is given up, whether or not its requests still wait for it: it counts as dead by its own
/// fault, and the slot goes on. What it signs with is any frame; it sends one between two pieces of a long work.
package final class Scheduler {
    /// What the shell has to do, in order.
    package enum Action: Equatable, Sendable {
        /// Send the request to the worker with Prepare.
        case prepare(RequestID, on: WorkerID)
        /// Send Start.
        case start(BatchID, [RequestID], on: WorkerID)
        /// Send Revoke.
        case revoke(RequestID, on: WorkerID)
        /// A worker has failed by itself, by this cause, and had worked on these. Until it is settled what becomes of others like
        /// them, nothing is sent to a worker: `decide` must be called again.
        case blamed([Blame], String)
        /// Answer the request; it is no longer known here.
        case refuse(RequestID, Refusal)
        /// The request is queued again, as what computed it is gone; why.
        case replayed(RequestID, String)
        /// The draining worker has nothing left; it is no longer known here.
        case drained(WorkerID)
        /// Kill the worker, which does not go on; it is no longer known here.
        case stalled(WorkerID, String, Loss)
    }

    /// A request that a worker has failed at.
    package struct Blame: Equatable, Sendable {
        package var request: RequestID
        /// There when nobody waits for it any more.
        package var fingerprint: Fingerprint?
        /// Workers that have failed at it, this one included.
        package var faults: Int
        /// It was alone, and not for the first time: it is not computed again.
        package var isCertain: Bool
    }

    /// What a worker had when it was gone.
    package struct Loss: Equatable, Sendable {
        /// Whether it was working on a request, although that may have its answer, or nobody waits for it.
        package var wasWorking = false
        /// What it computed, and what waited behind that.
        package var batches: [BatchShape] = []
    }

    /// What the answer of a request tells about its way.
    package struct Delivery: Equatable, Sendable {
        package var arrival: Instant
        /// When its batch was sent, or `arrival` when it was answered before.
        package var startedAt: Instant
        package var replays: Int
        /// Whether workers had failed at it before.
        package var wasSuspected: Bool
    }

    /// Why a worker is gone.
    package enum Death: Equatable, Sendable {
        /// It ended on purpose, or was ended from outside (SIGKILL, SIGTERM): no request is to blame.
        case external
        /// It brought this on itself (fatal signal, abort, unexpected exit, out of memory, stalled).
        case ownFault(String)
        /// It stood still before it was given anything: no request is to blame.
        case idle(String)

        var cause: String {
            switch self {
            case .external: "it was ended from outside"
            case .ownFault(let cause), .idle(let cause): cause
            }
        }
    }

    /// Counts for the status of one model.
    package struct QueueStatus: Equatable, Sendable {
        package var queued: Int
        package var computing: Int
        package var answered: UInt64
        package var failed: UInt64
        package var replays: UInt64
    }

    var requests: [RequestID: RequestRecord] = [:]
    var workers: [WorkerID: WorkerRecord] = [:]
    var queues: [QueueID: QueueRecord] = [:]
    /// A slot is here while it has workers.
    var slots: [Int: SlotRecord] = [:]
    var deadlines = LazyHeap<Deadline, RequestRecord>()
    var actions: [Action] = []
    /// Whether a worker has failed, and it is not yet known what follows from it.
    var hasBlamed = false
    var dirtyQueues: [QueueRecord] = []
    var dirtySlots: [SlotRecord] = []
    /// How long a worker which owes something may be silent, an idle one a little longer; nil: for ever.
    package var stallLimit: Duration? { didSet { stallCheckAt = .at(.start) } }
    /// No worker is to be given up before this.
    var stallCheckAt = Deadline.never
    private var lastBatch: UInt64 = 0
    private var shuttingDown: Refusal?

    package init(stallLimit: Duration? = nil) { self.stallLimit = stallLimit }

    /// Records name each other; what is left of them would otherwise outlive the scheduler.
    deinit {
        for worker in workers.values { worker.forgetRequests() }
        for slot in slots.values { (slot.workers, slot.busy, slot.overdue) = ([], nil, nil) }
        for request in requests.values { request.client.forgetRequests() }
        for queue in queues.values {
            queue.workers = []
            queue.forgetRequests()
        }
    }

    // MARK: - What others see

    /// Requests without a terminal answer.
    package var unanswered: Int { requests.count }

    /// When `decide` must be called again if nothing else happens.
    package var deadline: Deadline {
        let next = deadlines.first { $0.element.phase != .finished }?.key ?? .never
        return slots.values.reduce(min(stallCheckAt, next)) { min($0, $1.wakeAt) }
    }

    package func status(of id: QueueID) -> QueueStatus {
        guard let queue = queues[id] else {
            return QueueStatus(queued: 0, computing: 0, answered: 0, failed: 0, replays: 0)
        }
        return QueueStatus(
            queued: queue.waiting,
            computing: queue.started,
            answered: queue.answered,
            failed: queue.failed,
            replays: queue.replays
        )
    }

    // MARK: - Models

    /// A model appears. Its requests wait for a first worker, or are refused with `closed`.
    package func addQueue(_ id: QueueID, policy: QueuePolicy, closed: Refusal? = nil) {
        guard queues[id] == nil else { return }
        queues[id] = QueueRecord(id: id, policy: policy, closed: closed)
    }

    package func updatePolicy(_ id: QueueID, policy: QueuePolicy) {
        guard let queue = queues[id] else { return }
        queue.policy = policy
        markDirty(queue)
    }

    /// Requests wait again until a worker is ready.
    package func open(_ id: QueueID) { queues[id]?.closed = nil }

    /// No worker will come: whatever has not started is refused, now and from now on.
    package func close(_ id: QueueID, _ refusal: Refusal) {
        guard let queue = queues[id] else { return }
        queue.closed = refusal
        while let request = queue.next() { refuse(request, refusal) }
        for worker in queue.workers {
            for request in worker.assigned { refuse(request, refusal) }
        }
    }

    /// The model is gone. Its workers must have been drained or reported dead.
    package func removeQueue(_ id: QueueID, _ refusal: Refusal) {
        close(id, refusal)
        guard let queue = queues.removeValue(forKey: id) else { return }
        for request in requests.values.filter({ $0.queue === queue }).sorted(by: { $0.id < $1.id }) {
            refuse(request, refusal)
        }
        for slot in slots.values { slot.shares.forget(id) }
        queue.forgetRequests()
    }

    /// Refuses every new request; those that are here are still answered.
    package func shutDown(_ refusal: Refusal) { shuttingDown = refusal }

    /// Refuses everything that is still unanswered.
    package func refuseAll(_ refusal: Refusal) {
        for id in requests.keys.sorted() {
            if let request = requests[id] { refuse(request, refusal) }
        }
    }

    // MARK: - Requests

    /// A request has arrived.
    package func submit(_ id: RequestID, _ submission: Submission, to queueID: QueueID, at now: Instant) {
        if let shuttingDown { return actions.append(.refuse(id, shuttingDown)) }
        guard let queue = queues[queueID] else {
            return actions.append(.refuse(id, Refusal(.notFound, "the model is not loaded")))
        }
        if let refusal = queue.closed {
            queue.failed += 1
            return actions.append(.refuse(id, refusal))
        }
        let request = RequestRecord(id, submission, queue: queue, at: now)
        if let refusal = lateness(of: request, isNew: true, at: now) ?? makeRoom(for: request) {
            queue.failed += 1
            return actions.append(.refuse(id, refusal))
        }
        requests[id] = request
        enqueue(request)
        if request.deadline != .never {
            deadlines.insert(request, key: request.deadline)
            deadlines.compact(live: requests.count) { $0.element.phase != .finished }
        }
    }

    /// Why the queue has no place; nil if it has one, which another request may have given up.
    private func makeRoom(for request: RequestRecord) -> Refusal? {
        let queue = request.queue
        let most = queue.policy.maxQueueSize
        guard queue.waiting >= most else { return nil }
        func refusal(_ reason: String, _ shed: Shed) -> Refusal {
            let hint = queue.costs.delay(tokens: queue.queuedTokens, workers: queue.workers.count)
            let message = "\(reason) (max_queue_size \(most)): try again later"
            return Refusal(.resourceExhausted, message, retryAfter: hint, shed: shed)
        }
        guard let other = queue.displaced(by: request.client) else { return refusal("the queue is full", .queueFull) }
        refuse(other, refusal("the queue is full, and this client has more than its share of it", .share))
        return nil
    }

    /// The client has cancelled the request.
    package func cancel(_ id: RequestID) { refuse(id, Refusal(.cancelled, "cancelled by the client")) }

    package func refuse(_ id: RequestID, _ refusal: Refusal) {
        if let request = requests[id] { refuse(request, refusal) }
    }

    /// What is kept of a request that was taken back from a worker that may yet fail at it.
    func remember(_ id: RequestID, on worker: WorkerID, _ fingerprint: () -> Fingerprint) {
        guard let worker = workers[worker] else { return }
        let taken = (worker.computing?.requests ?? []) + (worker.takenBack.map { [$0.request] } ?? [])
        taken.first { $0.id == id && $0.phase == .finished && $0.fingerprint == nil }?.fingerprint = fingerprint()
    }

    /// Workers have failed at a request like this one, so many.
    package func suspect(_ id: RequestID, faults: Int) {
        guard let request = requests[id] else { return }
        request.faults = max(request.faults, faults)
        request.alone = true
    }

    // MARK: - Helpers shared by the topics

    func nextBatch() -> BatchID {
        lastBatch += 1
        return BatchID(lastBatch)
    }

    func markDirty(_ queue: QueueRecord) {
        guard !queue.dirty else { return }
        queue.dirty = true
        dirtyQueues.append(queue)
    }

    func markDirty(_ slot: SlotRecord) {
        guard !slot.dirty else { return }
        slot.dirty = true
        dirtySlots.append(slot)
    }

    func enqueue(_ request: RequestRecord) {
        request.phase = .queued
        request.worker = nil
        request.isPrepared = false
        request.queue.enqueue(request)
        markDirty(request.queue)
    }

    /// Takes the request out of wherever it is; the caller says what becomes of it.
    func detach(_ request: RequestRecord) {
        guard request.phase != .finished else { return }
        request.queue.remove(request)
        if request.phase == .assigned, let worker = request.worker {
            worker.assigned.removeAll { $0 === request }
            worker.assignedTokens -= request.tokens
            markDirty(worker.slot)
        }
        request.phase = .finished
        markDirty(request.queue)
    }

    func refuse(_ request: RequestRecord, _ refusal: Refusal) {
        if let worker = request.worker, request.phase == .assigned || request.phase == .started {
            actions.append(.revoke(request.id, on: worker.id))
            request.isGivenUp = worker.computing?.requests.contains { $0 === request } == true
            if request.phase == .assigned { worker.takeBack(request) }
            request.isRevoked = request.phase == .started
        }
        detach(request)
        request.worker = nil
        request.queue.failed += 1
        requests[request.id] = nil
        actions.append(.refuse(request.id, refusal))
    }
}
