import Configuration
import Messages
import Time
import Wire

/// One unanswered request. A reference, so that the queues, batches and heaps which name it need no look-up; it
/// never leaves the scheduler.
final class RequestRecord: Ranked {
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
    let client: ClientQueue
    let priority: Priority
    let arrival: Instant
    let deadline: Deadline
    /// Order within a client and a priority: the deadline, but never later than `arrival` + 30 s, so that nothing starves.
    let urgency: Deadline
    /// Of its payload.
    let bytes: Int
    var tokens: Int
    /// Virtual time of the queue at which it starts, once it is assigned.
    var turn = 0.0
    var phase = Phase.queued
    var worker: WorkerRecord?
    /// Whether its worker has answered the Prepare.
    var isPrepared = false
    /// Whether a worker was told to forget it while it was in a batch.
    var isRevoked = false
    var startedAt = Instant.start
    /// Workers that died while they computed this request.
    var deaths = 0
    /// Of these, those that brought it on themselves.
    var faults = 0
    /// Set by a death, of it or of one like it: from then on computed in a batch of its own, so that blame is certain.
    var alone = false
    /// Nobody waits for it any more, and its worker computes it, or did, in a batch that is not over. What remains of it then is
    /// the fingerprint.
    var isGivenUp = false
    var fingerprint: Fingerprint?

    init(_ id: RequestID, _ submission: Submission, queue: QueueRecord, at now: Instant) {
        self.id = id
        self.queue = queue
        client = queue.client(submission.client)
        priority = submission.priority
        bytes = submission.bytes
        let factor = client.factor(bytes: bytes, claim: submission.claim)
        tokens = queue.costs.estimate(bytes: bytes, factor: factor)
        arrival = now
        deadline = submission.deadline
        urgency = min(deadline, .at(now + .seconds(30)))
    }

    var rank: RequestID { id }
}

/// One batch that a worker was sent with Start.
struct Batch {
    let id: BatchID
    var requests: [RequestRecord]
    var tokens: Int
    let alone: Bool
    /// Whether it shows how fast the worker is when more than one batch waits.
    let isFull: Bool
    /// When it began to compute, or was sent, if that has not come yet.
    var startedAt: Instant

    /// Requests that still want an answer.
    var unanswered: [RequestRecord] { requests.filter { $0.phase == .started } }

    var shape: BatchShape { BatchShape(requests: requests.count, tokens: tokens) }
}

/// A worker as the scheduler sees it.
final class WorkerRecord {
    let id: WorkerID
    let queue: QueueRecord
    let slot: SlotRecord
    var draining = false
    /// When the worker last gave a sign of life, or began to owe one.
    var heardAt: Instant
    /// Whether it had said nothing for too long when it was given something: then that is not to blame for its silence.
    var wasSilent = false
    /// A request that was taken back when the worker may have been preparing it, and when it was first heard since then.
    var takenBack: (request: RequestRecord, heardAt: Instant?)?
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
        forgetBatches()
    }

    func forgetBatches() {
        computing = nil
        committed = nil
        takenBack = nil
    }

    /// It has given a sign of life. One that comes a while after a Revoke comes from a worker that has read it.
    func heard(at now: Instant) {
        heardAt = now
        wasSilent = false
        guard let takenBack else { return }
        if let first = takenBack.heardAt, now - first >= .seconds(1) { self.takenBack = nil }
        if takenBack.heardAt == nil { self.takenBack?.heardAt = now }
    }

    /// The request, one of `assigned`, is taken back by a Revoke.
    func takeBack(_ request: RequestRecord) {
        // It prepares one at a time, in order.
        guard takenBack == nil, assigned.first(where: { !$0.isPrepared }) === request else { return }
        takenBack = (request, nil)
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

/// A set of CPUs on which one batch computes at a time, or beside it one that takes too long.
final class SlotRecord {
    let id: Int
    var workers: [WorkerRecord] = []
    /// The worker that computes now.
    var busy: WorkerRecord?
    /// A worker whose batch took too long for the others to go on waiting.
    var overdue: WorkerRecord?
    var shares = FairShare()
    var dirty = false
    /// When a batch that waits for company must start, or the one that computes is overdue and others wait.
    var wakeAt = Deadline.never

    init(id: Int) { self.id = id }
}
