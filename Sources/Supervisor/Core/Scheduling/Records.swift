import Configuration
package import Messages
import Time
import Wire

/// A terminal answer that the supervisor gives by itself, without a worker's result.
package struct Refusal: Error, Equatable {
    package var code: StatusCode
    package var message: String
    /// When the same request may succeed, if that can be told.
    package var retryAfter: Duration?

    package init(_ code: StatusCode, _ message: String, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }
}

/// One unanswered request. A reference, so that the queues, batches and heaps which name it need no look-up; it
/// never leaves the scheduler.
final class RequestRecord {
    /// Where a request is. `finished` records may still be named by a heap or a batch and are skipped there.
    enum Phase {
        /// In its model's queue. → assigned, finished
        case queued
        /// Sent to `worker` with Prepare, in no batch. → started, queued (worker died or drains), finished
        case assigned
        /// In a batch sent to `worker`. → queued (worker died), finished
        case started
        /// Answered or cancelled.
        case finished
    }

    let id: RequestID
    let queue: QueueRecord
    let arrival: Instant
    /// Order within a model: the deadline, but never later than `arrival` + 30 s, so that nothing starves.
    let urgency: Deadline
    let bytes: Int
    var tokens: Int
    var phase = Phase.queued
    var worker: WorkerRecord?
    /// Whether its worker has answered the Prepare.
    var isPrepared = false
    var startedAt = Instant.start
    /// Workers that died while they computed this request.
    var deaths = 0
    /// Of these, those that brought it on themselves.
    var faults = 0
    /// Set by a death: from then on computed in a batch of its own, so that blame is certain.
    var alone = false

    init(id: RequestID, queue: QueueRecord, bytes: Int, deadline: Deadline, arrival: Instant) {
        self.id = id
        self.queue = queue
        self.bytes = bytes
        tokens = queue.costs.estimate(bytes: bytes)
        self.arrival = arrival
        self.urgency = min(deadline, .at(arrival + .seconds(30)))
    }
}

/// One batch that a worker was sent with Start.
struct Batch {
    let id: BatchID
    var requests: [RequestRecord]
    var tokens: Int
    let alone: Bool

    /// Requests that still want an answer.
    var unanswered: [RequestRecord] { requests.filter { $0.phase == .started } }
}

/// A worker as the scheduler sees it.
final class WorkerRecord {
    let id: WorkerID
    let queue: QueueRecord
    let slot: SlotRecord
    var draining = false
    /// When the worker last gave a sign of life, or began to owe one.
    var heardAt: Instant
    /// Prepared (or being prepared) and in no batch, in the order of their Prepares.
    var assigned: [RequestRecord] = []
    var assignedTokens = 0
    /// Bytes of what it was sent that it has not read.
    var unread = 0
    /// At most one computes, and at most one waits behind it.
    var computing: Batch?
    var committed: Batch?

    init(id: WorkerID, queue: QueueRecord, slot: SlotRecord, heardAt: Instant) {
        self.id = id
        self.heardAt = heardAt
        self.queue = queue
        self.slot = slot
    }

    /// Lets go of the requests, which name this worker.
    func forgetRequests() {
        assigned = []
        computing = nil
        committed = nil
    }

    /// Whether it has something to do: a batch, or a Prepare, which are answered in order.
    var owes: Bool { computing != nil || assigned.last?.isPrepared == false }

    /// Whether it has been given nothing that is not done.
    var isFree: Bool { assigned.isEmpty && computing == nil && committed == nil }

    /// Whether it has a request that is to be alone.
    var isReserved: Bool {
        computing?.alone == true || committed?.alone == true || assigned.contains { $0.alone && $0.phase == .assigned }
    }

    /// Tokens that were sent to this worker and not yet computed.
    var load: Int { assignedTokens + (computing?.tokens ?? 0) + (committed?.tokens ?? 0) }
}

/// The requests of one model variant and the workers that can take them.
final class QueueRecord {
    let id: QueueID
    var policy: QueuePolicy
    var heap = RequestHeap()
    var queued = 0
    var assigned = 0
    var started = 0
    var queuedTokens = 0
    /// In the order in which they became ready; draining ones are not here.
    var workers: [WorkerRecord] = []
    /// While set, requests are refused with it instead of queued.
    var closed: Refusal?
    var costs = CostModel()
    var budget = ReplayBudget()
    var answered: UInt64 = 0
    var failed: UInt64 = 0
    var replays: UInt64 = 0
    var dirty = false

    init(id: QueueID, policy: QueuePolicy, closed: Refusal?) {
        self.id = id
        self.policy = policy
        self.closed = closed
    }

    /// Lets go of the requests, answered ones too, which name this queue.
    func forgetRequests() { heap = RequestHeap() }
}

/// A set of CPUs on which one batch computes at a time.
final class SlotRecord {
    let id: Int
    var workers: [WorkerRecord] = []
    /// The worker that computes now.
    var busy: WorkerRecord?
    var shares = FairShare()
    var dirty = false
    /// When a batch that waits for company must start.
    var wakeAt = Deadline.never

    init(id: Int) { self.id = id }
}
