import Configuration
import Foundation
import Messages
import Supervisor
import Testing
import Time
import Wire

/// How many times its usual work a randomised test does; `ops/nightly` asks for more.
private let effort = ProcessInfo.processInfo.environment["DISTILLERY_FUZZ_FACTOR"].flatMap { Int($0) } ?? 1

/// Random sequences of events against a model of the workers, with the promises checked after each turn.
@Suite struct SchedulerFuzzTests {
    struct Worker {
        var queue: QueueID
        var slot: Int
        /// Batches sent and not done, in order; the first computes.
        var batches: [(id: BatchID, requests: [RequestID])] = []
        var prepared: Set<RequestID> = []
        var draining = false
        /// It does nothing any more, as a stopped process.
        var hangs = false
        /// When it last did something, or had nothing to do.
        var heardAt = Instant.start
        /// Since when it computes, one batch after the other.
        var busySince = Instant.start
    }

    /// Longer than what passes in a few turns, so that workers which go on are seldom given up.
    static let stallLimit = Duration.milliseconds(400)

    @Test(arguments: 1...UInt64(60 * effort)) func everyRequestHasExactlyOneAnswer(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let slots = Int.random(in: 1...3, using: &random)
        let scheduler = Scheduler(stallLimit: Self.stallLimit)
        let queues = (1...Int.random(in: 1...3, using: &random)).map { QueueID(UInt64($0)) }
        for queue in queues {
            var policy = QueuePolicy()
            policy.maxBatchTokens = Int.random(in: 10...200, using: &random)
            policy.maxQueueSize = Int.random(in: 5...60, using: &random)
            policy.maxQueueDelay = Bool.random(using: &random) ? .zero : .milliseconds(50)
            scheduler.addQueue(queue, policy: policy)
        }
        var now = Instant.start
        var nextRequest: UInt64 = 0
        var nextWorker: UInt64 = 0
        var workers: [WorkerID: Worker] = [:]
        var open: Set<RequestID> = []
        var answered: Set<RequestID> = []

        func answer(_ id: RequestID) {
            #expect(open.remove(id) != nil, "request \(id.value) was answered twice, or never sent")
            answered.insert(id)
        }
        func turn() {
            var actions: [Scheduler.Action] = []
            scheduler.decide(at: now, into: &actions)
            var hasBlamed = false
            for action in actions {
                switch action {
                case .prepare(let id, let worker):
                    #expect(open.contains(id) && workers[worker] != nil && workers[worker]?.draining == false)
                    #expect(!workers.values.contains { $0.prepared.contains(id) }, "prepared twice at a time")
                    workers[worker]?.prepared.insert(id)
                case .start(let batch, let ids, let worker):
                    #expect(!ids.isEmpty)
                    for id in ids { #expect(workers[worker]?.prepared.contains(id) == true) }
                    if workers[worker]?.batches.isEmpty == true {
                        workers[worker]?.heardAt = now
                        workers[worker]?.busySince = now
                    }
                    workers[worker]?.batches.append((batch, ids))
                    #expect((workers[worker]?.batches.count ?? 0) <= 2)
                case .revoke(let id, let worker):
                    #expect(workers[worker]?.prepared.remove(id) != nil)
                case .refuse(let id, _):
                    answer(id)
                case .replayed(let id, _):
                    #expect(open.contains(id))
                case .blamed(let blames, _):
                    #expect(Set(blames.map(\.request)).count == blames.count)
                    #expect(blames.allSatisfy { $0.faults > 0 && (blames.count == 1 || !$0.isCertain) })
                    hasBlamed = true
                case .drained(let worker):
                    #expect(workers.removeValue(forKey: worker)?.batches.isEmpty == true)
                case .stalled(let worker, _, _):
                    // Its death is reported when it has been reaped, and changes nothing.
                    #expect(workers.removeValue(forKey: worker) != nil)
                    scheduler.workerGone(worker, .external)
                }
            }
            if hasBlamed {
                #expect(!actions.contains { if case .prepare = $0 { true } else { $0.started != nil } })
                turn()
            }
            for slot in 0..<slots {
                let busy = workers.values.filter { $0.slot == slot && !$0.batches.isEmpty }
                // Beside one that has taken too long another model goes on.
                #expect(
                    busy.count <= 2 && Set(busy.map(\.queue)).count == busy.count,
                    "too many compute on slot \(slot)"
                )
                let longest = busy.map { now - $0.busySince }.max() ?? .zero
                #expect(busy.count < 2 || longest >= .milliseconds(250), "two workers compute on slot \(slot)")
                for worker in busy {
                    #expect(now - worker.heardAt < Self.stallLimit, "slot \(slot) is busy for longer than the limit")
                }
            }
            #expect(scheduler.unanswered == open.count)
        }
        func heard(from id: WorkerID) {
            workers[id]?.heardAt = now
            scheduler.progressed(id, at: now)
        }
        func progress(_ id: WorkerID) {
            guard workers[id]?.hangs == false else { return }
            heard(from: id)
            for request in workers[id]?.prepared.sorted() ?? [] { scheduler.prepared(request, tokens: 20, by: id) }
            guard let batch = workers[id]?.batches.first else { return }
            for request in batch.requests where workers[id]?.prepared.remove(request) != nil {
                #expect(scheduler.result(request, ok: true, by: id) != nil)
                answer(request)
            }
            workers[id]?.batches.removeFirst()
            #expect(scheduler.batchDone(batch.id, tokens: 20 * batch.requests.count, by: id, at: now))
        }

        for _ in 0..<400 {
            now += .random(upTo: .milliseconds(40), using: &random)
            let worker = workers.keys.sorted().randomElement(using: &random)
            switch Int.random(in: 0..<22, using: &random) {
            case 0..<7:
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    nextRequest += 1
                    let id = RequestID(nextRequest)
                    open.insert(id)
                    let timeout = Duration.milliseconds(Int.random(in: 1...800, using: &random))
                    let queue = queues.randomElement(using: &random) ?? queues[0]
                    let connection = UInt64.random(in: 1...5, using: &random)
                    let submission = Submission(
                        bytes: Int.random(in: 0...300, using: &random),
                        claim: Int.random(in: 0...2, using: &random) * Int.random(in: 0...1000, using: &random),
                        from: SchedulerHarness.client(connection, user: UInt32(connection % 2)),
                        priority: Priority.allCases.randomElement(using: &random) ?? .normal,
                        deadline: .after(Bool.random(using: &random) ? nil : timeout, from: now)
                    )
                    scheduler.submit(id, submission, to: queue, at: now)
                }
            case 7..<12:
                if let worker { progress(worker) }
            case 12, 13:
                if let worker, workers[worker]?.hangs == false,
                    let id = workers[worker]?.prepared.sorted().randomElement(using: &random)
                {
                    heard(from: worker)
                    scheduler.prepared(id, tokens: Int.random(in: 2...120, using: &random), by: worker)
                }
            case 14:
                if let id = open.sorted().randomElement(using: &random) { scheduler.cancel(id) }
            case 15:
                // A worker may refuse a request while it prepares it.
                if let worker, workers[worker]?.hangs == false,
                    let id = workers[worker]?.prepared.sorted().randomElement(using: &random)
                {
                    heard(from: worker)
                    workers[worker]?.prepared.remove(id)
                    #expect(scheduler.result(id, ok: false, by: worker) != nil)
                    answer(id)
                }
            case 16:
                if let worker {
                    workers[worker] = nil
                    scheduler.workerGone(worker, Bool.random(using: &random) ? .external : .ownFault("SIGSEGV"))
                }
            case 17:
                if let worker, workers[worker]?.draining == false {
                    workers[worker]?.draining = true
                    scheduler.drain(worker, at: now)
                }
            case 18:
                if let worker, Bool.random(using: &random) { workers[worker]?.hangs = true }
            default:
                nextWorker += 1
                let new = WorkerID(nextWorker)
                let queue = queues.randomElement(using: &random) ?? queues[0]
                let slot = Int.random(in: 0..<slots, using: &random)
                workers[new] = Worker(queue: queue, slot: slot)
                scheduler.workerReady(new, queue: queue, slot: slot, at: now)
            }
            turn()
        }
        // With a worker for each model and time, everything is answered: nothing was lost.
        for queue in queues {
            nextWorker += 1
            workers[WorkerID(nextWorker)] = Worker(queue: queue, slot: 0)
            scheduler.workerReady(WorkerID(nextWorker), queue: queue, slot: 0, at: now)
        }
        for _ in 0..<2000 where !open.isEmpty {
            now += .milliseconds(100)
            turn()
            for worker in workers.keys.sorted() { progress(worker) }
        }
        turn()
        #expect(open.isEmpty, "\(open.count) requests were lost")
        #expect(answered.count == Int(nextRequest))
    }
}
