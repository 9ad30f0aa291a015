import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

@Suite struct SchedulerTests {
    typealias Harness = SchedulerHarness

    // MARK: - Dispatch

    @Test func aLoneRequestIsPreparedAndStartedAtOnce() {
        let harness = Harness()
        harness.submit(1)
        #expect(harness.decide() == [.prepare(1), .start(1, [1])])
    }

    @Test func requestsOfOneTurnAreOneBatch() {
        let harness = Harness()
        harness.submit(1, 2, 3)
        #expect(harness.decide() == [.prepare(1), .prepare(2), .prepare(3), .start(1, [1, 2, 3])])
    }

    @Test func whatArrivesDuringABatchIsPreparedAndStartedAfterIt() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        harness.submit(2, 3)
        #expect(harness.decide() == [.prepare(2), .prepare(3)])
        #expect(harness.finish(1, 1))
        #expect(harness.decide() == [.start(2, [2, 3])])
    }

    @Test func aDecentBatchIsCommittedBehindTheComputingOne() {
        // Ten tokens per request: five requests are half of 100.
        let harness = Harness(policy: Harness.policy(tokens: 100))
        harness.submit(1)
        _ = harness.decide()
        harness.submit(2, 3, 4, 5)
        #expect(harness.decide().compactMap(\.started) == [])
        harness.submit(6)
        #expect(harness.decide() == [.prepare(6), .start(2, [2, 3, 4, 5, 6])])
        harness.submit(7, 8, 9, 10, 11, 12)
        #expect(harness.decide().compactMap(\.started) == [], "only one batch waits")
        #expect(harness.finish(1, 1))
        #expect(harness.decide() == [.start(3, [7, 8, 9, 10, 11, 12])])
    }

    @Test func aBatchHoldsAtMostMaxBatchTokensOrOneRequest() {
        let harness = Harness(policy: Harness.policy(tokens: 25))
        harness.submit(1, 2, 3)
        harness.submit(4, bytes: 3000)
        let started = harness.decide().compactMap(\.started)
        #expect(started == [[1, 2], [3]])
        #expect(harness.finish(1, 1, 2))
        #expect(harness.decide().compactMap(\.started) == [[4]])
    }

    @Test func trueTokenCountsReplaceEstimates() {
        let harness = Harness(policy: Harness.policy(tokens: 100))
        harness.submit(1)
        _ = harness.decide()
        harness.submit(2, 3)
        _ = harness.decide()
        for id: UInt64 in [2, 3] { harness.scheduler.prepared(RequestID(id), tokens: 60, by: WorkerID(1)) }
        #expect(harness.decide().compactMap(\.started) == [[2]], "60 tokens are more than half, 120 too many")
    }

    @Test func atMostTwoBatchesAreSentAhead() {
        let harness = Harness(policy: Harness.policy(tokens: 100))
        for id in 1...60 { harness.submit(UInt64(id)) }
        let prepared = harness.decide().filter { if case .prepare = $0 { true } else { false } }
        #expect(prepared.count == 30, "one batch computes, one is committed, one is ahead")
    }

    @Test func theMostUrgentGoesFirst() {
        let harness = Harness(policy: Harness.policy(tokens: 20))
        harness.submit(1, deadline: .at(.start + .milliseconds(10)))
        harness.submit(2, deadline: .at(.start + .milliseconds(9)))
        harness.submit(3, deadline: .at(.start + .milliseconds(8)))
        #expect(harness.decide().compactMap(\.started).first == [3, 2])
    }

    @Test func requestsGoToTheLeastLoadedSlot() {
        let harness = Harness(slots: 2, workers: 2)
        harness.submit(1, 2, 3)
        let prepared = harness.decide().filter { if case .prepare = $0 { true } else { false } }
        #expect(prepared == [.prepare(1, on: 1), .prepare(2, on: 2), .prepare(3, on: 1)])
    }

    @Test func instancesOnOneSlotTakeTurns() {
        let harness = Harness(slots: 1, workers: 2)
        harness.submit(1, 2)
        #expect(harness.decide().compactMap(\.started).count == 1)
        #expect(harness.finish(1, 1, by: 1))
        #expect(harness.decide() == [.start(2, [2], on: 2)])
    }

    @Test func anIdleSlotWaitsForCompanyOnlyWhenTold() {
        let harness = Harness(policy: Harness.policy(tokens: 30, delay: .nanoseconds(500)))
        harness.submit(1)
        #expect(harness.decide() == [.prepare(1)])
        #expect(harness.scheduler.deadline == .at(harness.now + .nanoseconds(500)))
        harness.now += .nanoseconds(499)
        #expect(harness.decide() == [])
        harness.now += .nanoseconds(1)
        #expect(harness.decide() == [.start(1, [1])])
        #expect(harness.finish(1, 1))
        harness.submit(2, 3, 4)
        #expect(harness.decide().compactMap(\.started) == [[2, 3, 4]], "a full batch does not wait")
    }

    @Test func modelsShareASlotByWeight() {
        let scheduler = Scheduler()
        var heavy = Harness.policy(tokens: 10, size: 10_000)
        heavy.weight = 3
        scheduler.addQueue(QueueID(1), policy: heavy)
        scheduler.addQueue(QueueID(2), policy: Harness.policy(tokens: 10, size: 10_000))
        scheduler.workerReady(WorkerID(1), queue: QueueID(1), slot: 0, at: .start)
        scheduler.workerReady(WorkerID(2), queue: QueueID(2), slot: 0, at: .start)
        for id in 0..<800 {
            let queue = QueueID(UInt64(id % 2 + 1))
            scheduler.submit(
                RequestID(UInt64(id)),
                Submission(bytes: 30, from: Harness.client(1)),
                to: queue,
                at: .start
            )
        }
        var batches: [UInt64: Int] = [:]
        var computing: [(batch: BatchID, worker: WorkerID)] = []
        for _ in 0..<400 {
            var actions: [Scheduler.Action] = []
            scheduler.decide(at: .soon, into: &actions)
            for case .start(let batch, _, let worker) in actions {
                computing.append((batch, worker))
                batches[worker.value, default: 0] += 1
            }
            let next = computing.removeFirst()
            #expect(scheduler.batchDone(next.batch, tokens: 9, by: next.worker, at: .soon))
        }
        #expect((295...305).contains(batches[1] ?? 0), "three quarters of 400 batches, not \(batches)")
    }

    // MARK: - Refusals

    @Test func aFullQueueRefusesWithAHint() throws {
        let harness = Harness(policy: Harness.policy(size: 2), workers: 0)
        harness.submit(1, 2, 3)
        let actions = harness.decide()
        #expect(actions.count == 1)
        guard case .refuse(RequestID(3), let refusal) = try #require(actions.first) else {
            Issue.record("\(actions)")
            return
        }
        #expect(refusal.code == .resourceExhausted)
        #expect(refusal.retryAfter == .milliseconds(100))
        #expect(refusal.message.contains("max_queue_size"))
    }

    @Test func aDeadlineInTheQueueIsAnsweredInTime() {
        let harness = Harness(workers: 0)
        let deadline = harness.now + .microseconds(4)
        harness.submit(1, deadline: .at(deadline))
        _ = harness.decide()
        #expect(harness.scheduler.deadline == .at(deadline))
        harness.now = deadline
        #expect(harness.decide().map { $0.refusal?.code } == [.deadlineExceeded])
        harness.scheduler.workerReady(WorkerID(9), queue: Harness.model, slot: 0, at: harness.now)
        #expect(harness.decide() == [], "an answered request is not dispatched")
    }

    @Test func aDeadlineWhileComputingIsAnsweredInTimeAndTheResultDropped() {
        let harness = Harness()
        harness.submit(1, deadline: .at(harness.now + .microseconds(4)))
        _ = harness.decide()
        harness.now += .microseconds(4)
        let actions = harness.decide()
        #expect(actions.first == .revoke(1))
        #expect(actions.last?.refusal?.code == .deadlineExceeded)
        #expect(harness.scheduler.result(RequestID(1), ok: true, by: WorkerID(1)) == nil)
        #expect(harness.finish(1))
    }

    @Test func aCancelledRequestIsTakenOutWhereverItIs() {
        let harness = Harness(policy: Harness.policy(tokens: 20))
        harness.submit(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
        _ = harness.decide()
        for id: UInt64 in [1, 5, 10] { harness.scheduler.cancel(RequestID(id)) }
        let actions = harness.decide()
        #expect(actions.compactMap { $0.refusal?.id } == [1, 5, 10])
        #expect(actions.contains(.revoke(1)) && actions.contains(.revoke(5)))
        #expect(!actions.contains(.revoke(10)), "it had not been sent")
        #expect(harness.scheduler.unanswered == 7)
    }

    @Test func aClosedModelRefusesWhatWaitsAndWhatComes() {
        let harness = Harness(workers: 0)
        harness.submit(1)
        _ = harness.decide()
        harness.scheduler.close(Harness.model, Refusal(.unavailable, "no worker"))
        harness.submit(2)
        #expect(harness.decide().map { $0.refusal?.code } == [.unavailable, .unavailable])
        harness.scheduler.open(Harness.model)
        harness.submit(3)
        #expect(harness.decide() == [])
    }

    @Test func batchDoneOfAnUnknownBatchIsAViolation() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        #expect(!harness.finish(7))
        #expect(!harness.finish(1, by: 2))
        #expect(harness.finish(1, 1))
    }

    @Test func aBatchThatEndsWithoutAnAnswerIsAnErrorOfThatRequest() {
        let harness = Harness()
        harness.submit(1, 2)
        _ = harness.decide()
        #expect(harness.finish(1, 1))
        #expect(harness.decide().compactMap { $0.refusal?.code } == [.internal])
    }
}
