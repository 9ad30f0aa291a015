import Configuration
import Foundation
import Messages
import Supervisor
import Time

/// A scheduler with made-up workers, requests and time: what becomes of a load, in a fraction of the time that it would take.
final class Simulation {
    struct Request {
        var at: Instant
        var client = SchedulerHarness.client(1)
        var tokens: Int
        /// Of its payload; else four per token.
        var bytes: Int?
        var priority = Priority.normal
        var timeout: Duration?
    }

    struct Outcome {
        var status: StatusCode
        var at: Instant
        var retryAfter: Duration?
    }

    private struct Worker {
        let id: WorkerID
        /// Batches that were sent; the first computes, until `end`.
        var batches: [(id: BatchID, requests: [RequestID])] = []
        var end = Deadline.never
    }

    let scheduler = Scheduler()
    /// How long a batch of so many tokens takes.
    var batchTime: (_ tokens: Int) -> Duration = { .microseconds(2000 + 100 * $0) }
    private(set) var now = Instant.start
    private(set) var requests: [Request] = []
    /// By the requests' places.
    private(set) var outcomes: [Int: Outcome] = [:]
    /// Requests that were refused at another moment than that of their arrival, and before their deadlines.
    private(set) var refusedLate = 0
    private var workers: [Worker] = []
    private var next = 0

    /// - Parameter workers: each on a slot of its own.
    init(workers count: Int = 1, policy: QueuePolicy = SchedulerHarness.policy(tokens: 512, size: 100_000)) {
        scheduler.addQueue(SchedulerHarness.model, policy: policy)
        for number in 1...count {
            workers.append(Worker(id: WorkerID(UInt64(number))))
            scheduler.workerReady(WorkerID(UInt64(number)), queue: SchedulerHarness.model, slot: number, at: now)
        }
    }

    /// Further requests, in the order of their times, and what becomes of all until then.
    func run(_ more: [Request], until end: Instant) {
        requests += more
        while true {
            turn()
            let arrival = next < requests.count ? Deadline.at(requests[next].at) : .never
            let due = workers.reduce(min(arrival, scheduler.deadline)) { min($0, $1.end) }
            guard case .at(let time) = due, time <= end else { break }
            now = max(now, time)
            for index in workers.indices where workers[index].end.isDue(at: now) { finish(index) }
            while next < requests.count, requests[next].at <= now {
                let request = requests[next]
                let submission = Submission(
                    bytes: request.bytes ?? 4 * request.tokens,
                    from: request.client,
                    priority: request.priority,
                    deadline: .after(request.timeout, from: now)
                )
                scheduler.submit(RequestID(UInt64(next)), submission, to: SchedulerHarness.model, at: now)
                next += 1
            }
        }
        now = end
    }

    private func turn() {
        var actions: [Scheduler.Action] = []
        scheduler.decide(at: now, into: &actions)
        for action in actions {
            switch action {
            case .prepare(let id, let worker):
                scheduler.prepared(id, tokens: requests[Int(id.value)].tokens, by: worker)
            case .start(let batch, let ids, let worker):
                let index = Int(worker.value) - 1
                workers[index].batches.append((batch, ids))
                if workers[index].batches.count == 1 { begin(index) }
            case .refuse(let id, let refusal):
                let request = Int(id.value)
                outcomes[request] = Outcome(status: refusal.code, at: now, retryAfter: refusal.retryAfter)
                if refusal.code == .resourceExhausted, requests[request].at != now { refusedLate += 1 }
            default: break
            }
        }
        // What was prepared may be started at once.
        if !actions.isEmpty { turn() }
    }

    private func begin(_ index: Int) {
        guard let batch = workers[index].batches.first else { return workers[index].end = .never }
        let tokens = batch.requests.reduce(0) { $0 + requests[Int($1.value)].tokens }
        workers[index].end = .at(now + batchTime(tokens))
    }

    private func finish(_ index: Int) {
        let batch = workers[index].batches.removeFirst()
        let tokens = batch.requests.reduce(0) { $0 + requests[Int($1.value)].tokens }
        for id in batch.requests where scheduler.result(id, ok: true, by: workers[index].id) != nil {
            outcomes[Int(id.value)] = Outcome(status: .ok, at: now)
        }
        _ = scheduler.batchDone(batch.id, tokens: tokens, by: workers[index].id, at: now)
        begin(index)
    }

    // MARK: - What came of it

    func count(_ status: StatusCode) -> Int { outcomes.values.count { $0.status == status } }

    /// Tokens that were answered, of these requests.
    func tokens(where isCounted: (Request) -> Bool = { _ in true }) -> Int {
        outcomes.reduce(0) { sum, outcome in
            let request = requests[outcome.key]
            return sum + (outcome.value.status == .ok && isCounted(request) ? request.tokens : 0)
        }
    }

    /// How long a request has waited for its answer; nil when it has none.
    func wait(of request: Int) -> Duration? { outcomes[request].map { $0.at - requests[request].at } }
}

extension Simulation {
    /// Requests that come at random, so many tokens per second, most of them short and some long.
    static func load(
        tokensPerSecond: Double,
        from start: Instant = .start,
        lasting duration: Duration,
        timeout: Duration?,
        clients: Int = 1,
        seed: UInt64 = 1
    ) -> [Request] {
        var random = SeededGenerator(state: seed)
        var requests: [Request] = []
        var time = start
        while time < start + duration {
            let longest = [40, 40, 40, 40, 40, 40, 200, 200, 200, 500].randomElement(using: &random) ?? 40
            let tokens = Int.random(in: 5...longest, using: &random)
            let client = SchedulerHarness.client(UInt64.random(in: 1...UInt64(clients), using: &random))
            requests.append(Request(at: time, client: client, tokens: tokens, timeout: timeout))
            // As long as it takes on average until another one comes: those of 5 to 40 have 22.5 tokens on average.
            let mean = 0.6 * 22.5 + 0.3 * 102.5 + 0.1 * 252.5
            let pause = -log(Double.random(in: 1e-9..<1, using: &random)) * mean / tokensPerSecond
            time += .seconds(pause)
        }
        return requests
    }
}
