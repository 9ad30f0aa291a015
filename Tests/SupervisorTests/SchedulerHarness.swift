import Configuration
import Messages
import Supervisor
import Time
import Wire

/// A scheduler with one model, short names for events, and the actions of each decision.
final class SchedulerHarness {
    static let model = QueueID(1)
    let scheduler: Scheduler
    var now = Instant.start + .microseconds(1)

    init(slots: Int = 1, policy: QueuePolicy = QueuePolicy(), workers: Int = 1, stallLimit: Duration? = nil) {
        scheduler = Scheduler(stallLimit: stallLimit)
        scheduler.addQueue(Self.model, policy: policy)
        for worker in 0..<workers {
            scheduler.workerReady(WorkerID(UInt64(worker + 1)), queue: Self.model, slot: worker % slots, at: now)
        }
        _ = decide()
    }

    static func policy(tokens: Int = 100, size: Int = 1000, delay: Duration = .zero) -> QueuePolicy {
        var policy = QueuePolicy()
        policy.maxBatchTokens = tokens
        policy.maxQueueSize = size
        policy.maxQueueDelay = delay
        return policy
    }

    /// Submits requests of ten tokens each.
    func submit(
        _ ids: UInt64...,
        to queue: QueueID = model,
        from client: ClientKey = client(1),
        priority: Priority = .normal,
        deadline: Deadline = .never,
        bytes: Int = 33
    ) {
        let submission = Submission(bytes: bytes, from: client, priority: priority, deadline: deadline)
        for id in ids { scheduler.submit(RequestID(id), submission, to: queue, at: now) }
    }

    static func client(_ connection: UInt64, user: UInt32 = 7) -> ClientKey {
        ClientKey(.user(user), ClientID(connection))
    }

    /// Until it comes to rest, as it must be asked.
    func decide() -> [Scheduler.Action] {
        var (actions, last): ([Scheduler.Action], Int) = ([], -1)
        while actions.count > last {
            last = actions.count
            scheduler.decide(at: now, into: &actions)
        }
        return actions
    }

    /// Answers requests, then reports the batch as done.
    func finish(_ batch: UInt64, _ ids: UInt64..., by worker: UInt64 = 1) -> Bool {
        for id in ids { _ = scheduler.result(RequestID(id), ok: true, by: WorkerID(worker)) }
        return scheduler.batchDone(BatchID(batch), tokens: 10 * ids.count, by: WorkerID(worker), at: now)
    }
}

extension Scheduler.Action {
    static func prepare(_ id: UInt64, on worker: UInt64 = 1) -> Scheduler.Action {
        .prepare(RequestID(id), on: WorkerID(worker))
    }

    static func start(_ batch: UInt64, _ ids: [UInt64], on worker: UInt64 = 1) -> Scheduler.Action {
        .start(BatchID(batch), ids.map { RequestID($0) }, on: WorkerID(worker))
    }

    static func revoke(_ id: UInt64, on worker: UInt64 = 1) -> Scheduler.Action {
        .revoke(RequestID(id), on: WorkerID(worker))
    }

    /// The request and code of a refusal.
    var refusal: (id: UInt64, code: StatusCode)? {
        if case .refuse(let id, let refusal) = self { (id.value, refusal.code) } else { nil }
    }

    var blames: [Scheduler.Blame] {
        if case .blamed(let blames, _) = self { blames } else { [] }
    }

    /// The requests of a Start.
    var started: [UInt64]? {
        if case .start(_, let ids, _) = self { ids.map(\.value) } else { nil }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): a seeded generator, so that a failing sequence can be run again.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
