import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

@Suite struct SchedulerDeathTests {
    typealias Harness = SchedulerHarness

    @Test func whatWasComputingIsRetriedOneByOneAndTheRestTogether() {
        let harness = Harness(policy: Harness.policy(tokens: 40))
        harness.submit(1, 2, 3, 4)
        harness.submit(5, 6)
        #expect(harness.decide().compactMap(\.started) == [[1, 2, 3, 4], [5, 6]])
        _ = harness.scheduler.result(RequestID(1), ok: true, by: WorkerID(1))
        harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        harness.scheduler.workerReady(WorkerID(2), queue: Harness.model, slot: 0, at: harness.now)
        // 2, 3 and 4 are suspects; 5 and 6 had not begun.
        var batches: [[UInt64]] = []
        var actions = harness.decide()
        while let index = actions.firstIndex(where: { $0.started != nil }) {
            guard case .start(let batch, let ids, let worker) = actions.remove(at: index) else { break }
            batches.append(ids.map(\.value))
            for id in ids { #expect(harness.scheduler.result(id, ok: true, by: worker) != nil) }
            #expect(harness.scheduler.batchDone(batch, tokens: 9, by: worker, at: harness.now))
            actions += harness.decide()
        }
        #expect(batches == [[2], [3], [4], [5, 6]])
        #expect(harness.scheduler.unanswered == 0)
    }

    @Test func aReplayIsReportedWithTheAnswer() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        harness.scheduler.workerGone(WorkerID(1), .external)
        harness.scheduler.workerReady(WorkerID(2), queue: Harness.model, slot: 0, at: harness.now)
        let replayed = Scheduler.Action.replayed(RequestID(1), "it was ended from outside")
        #expect(harness.decide() == [replayed, .prepare(1, on: 2), .start(2, [1], on: 2)])
        #expect(harness.scheduler.result(RequestID(1), ok: true, by: WorkerID(2))?.replays == 1)
        #expect(harness.scheduler.status(of: Harness.model).replays == 1)
    }

    @Test func aLateResultOfAnEarlierWorkerIsDropped() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        harness.scheduler.workerGone(WorkerID(1), .external)
        harness.scheduler.workerReady(WorkerID(2), queue: Harness.model, slot: 0, at: harness.now)
        _ = harness.decide()
        #expect(harness.scheduler.result(RequestID(1), ok: true, by: WorkerID(1)) == nil)
        #expect(harness.scheduler.unanswered == 1)
    }

    @Test func aRequestThatEndsItsWorkerAloneIsNotSentAThirdTime() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        for worker: UInt64 in 1...2 {
            harness.scheduler.workerGone(WorkerID(worker), .ownFault("SIGSEGV"))
            harness.scheduler.workerReady(WorkerID(worker + 1), queue: Harness.model, slot: 0, at: harness.now)
            let actions = harness.decide()
            if worker == 1 {
                #expect(actions.compactMap(\.started) == [[1]])
            } else {
                #expect(actions.first?.blames.map { $0.request } == [RequestID(1)])
                #expect(actions.first?.blames.map { $0.isCertain } == [true])
                #expect(actions.compactMap { $0.refusal?.code } == [.failedPrecondition])
            }
        }
    }

    /// A kill from outside before it, or in a batch with others, does not make a request the one to blame.
    @Test func onlyFaultsOfAWorkersOwnBlameARequest() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        let deaths: [Scheduler.Death] = [.external, .ownFault("SIGSEGV"), .external, .ownFault("SIGSEGV")]
        for (index, death) in deaths.enumerated() {
            let worker = UInt64(index + 1)
            let loss = harness.scheduler.workerGone(WorkerID(worker), death)
            #expect(loss.wasWorking && loss.batches.map { $0.requests } == [1])
            harness.scheduler.workerReady(WorkerID(worker + 1), queue: Harness.model, slot: 0, at: harness.now)
            let codes = harness.decide().compactMap { $0.refusal?.code }
            #expect(codes == (index == 3 ? [.failedPrecondition] : []))
        }
        let loss = harness.scheduler.workerGone(WorkerID(5), .ownFault("SIGSEGV"))
        #expect(!loss.wasWorking && loss.batches.isEmpty, "nothing is left that could be to blame")
        #expect(harness.decide().allSatisfy { $0.blames.isEmpty })
    }

    /// A worker prepares between two pieces of computing, and may fail at either: neither request is condemned for it, and from
    /// then on each has a worker to itself.
    @Test func whatIsPreparedBesideAnotherIsToBlameToo() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        harness.submit(2)
        #expect(harness.decide().contains(.prepare(2)))
        harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        harness.scheduler.workerReady(WorkerID(2), queue: Harness.model, slot: 0, at: harness.now)
        func prepared(_ actions: [Scheduler.Action]) -> [UInt64] {
            actions.compactMap { if case .prepare(let id, _) = $0 { id.value } else { nil } }
        }
        var actions = harness.decide()
        let first = prepared(actions)
        #expect(first.count == 1 && !actions.contains { $0.refusal != nil }, "\(actions)")
        harness.scheduler.prepared(RequestID(first[0]), tokens: 10, by: WorkerID(2))
        actions += harness.decide()
        for case .start(let batch, let ids, _) in actions {
            #expect(ids.map(\.value) == first)
            #expect(harness.finish(batch.value, first[0], by: 2))
        }
        #expect(prepared(harness.decide()) == [3 - first[0]])
    }

    /// Its client has left, and it computes on.
    @Test func aCancelledRequestIsToBlameToo() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        harness.scheduler.cancel(RequestID(1))
        _ = harness.decide()
        let loss = harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        #expect(loss.wasWorking)
        #expect(harness.decide().flatMap(\.blames).map { $0.request } == [RequestID(1)])
    }

    /// Its neighbours, which wait for their answers, are blamed beside it, and not in its place. One that was answered is not.
    @Test func aCancelledRequestIsBlamedBesideItsNeighbours() {
        let harness = Harness()
        harness.submit(1, 2, 3)
        #expect(harness.decide().compactMap(\.started) == [[1, 2, 3]])
        _ = harness.scheduler.result(RequestID(1), ok: true, by: WorkerID(1))
        harness.scheduler.cancel(RequestID(2))
        _ = harness.decide()
        harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        #expect(harness.decide().flatMap(\.blames).map { $0.request } == [RequestID(2), RequestID(3)])
    }

    /// What is over is blamed for nothing.
    @Test func aCancelledRequestIsNotBlamedWhenItsBatchIsOver() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        harness.scheduler.cancel(RequestID(1))
        _ = harness.decide()
        #expect(harness.finish(1))
        let loss = harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        #expect(!loss.wasWorking && harness.decide().allSatisfy { $0.blames.isEmpty })
    }

    /// It is taken back while it is prepared, as its client has left or the worker is to end, and the worker fails at it. Once the
    /// worker has gone on, it cannot be.
    @Test(arguments: [false, true], [0, 1, 2]) func whatIsTakenBackWhileItIsPreparedIsToBlame(drains: Bool, signs: Int)
    {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        harness.submit(2, 3)
        #expect(harness.decide() == [.prepare(2), .prepare(3)])
        if drains {
            harness.scheduler.drain(WorkerID(1), at: harness.now)
        } else {
            harness.scheduler.cancel(RequestID(2))
        }
        _ = harness.decide()
        for _ in 0..<signs {
            harness.now += .seconds(1)
            harness.scheduler.progressed(WorkerID(1), at: harness.now)
        }
        harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        let blamed = harness.decide().flatMap(\.blames).map { $0.request.value }
        // One that is not to end may prepare the next one by now.
        #expect(blamed == [1] + (drains ? [] : [3]) + (signs == 2 ? [] : [2]))
    }

    /// Workers have failed at one that was like it.
    @Test func aSuspectIsComputedAlone() {
        let harness = Harness()
        harness.submit(1, 2, 3)
        harness.scheduler.suspect(RequestID(2), faults: 1)
        #expect(harness.decide().compactMap(\.started) == [[1]])
        #expect(harness.finish(1, 1))
        #expect(harness.decide().compactMap(\.started) == [[2]])
        harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        let actions = harness.decide()
        #expect(actions.flatMap(\.blames).map { $0.isCertain } == [true])
        #expect(actions.compactMap { $0.refusal?.id } == [2])
    }

    @Test func killsFromOutsideNeverBlameARequestButSpendTheBudget() {
        let harness = Harness()
        harness.submit(1)
        _ = harness.decide()
        var deaths = 0
        while harness.scheduler.unanswered == 1, deaths < 100 {
            deaths += 1
            harness.scheduler.workerGone(WorkerID(UInt64(deaths)), .external)
            harness.scheduler.workerReady(WorkerID(UInt64(deaths + 1)), queue: Harness.model, slot: 0, at: harness.now)
            let codes = harness.decide().compactMap { $0.refusal?.code }
            #expect(codes.allSatisfy { $0 == .unavailable })
        }
        #expect(deaths == 5, "10 tokens, one a death, off at 5")
    }

    @Test func notStartedRequestsGoBackFreeEvenWithoutABudget() {
        let harness = Harness(policy: Harness.policy(tokens: 20))
        harness.submit(1, 2, 3)
        _ = harness.decide()
        var worker: UInt64 = 1
        // Ends when the suspects 1 and 2 have used the budget up.
        while harness.scheduler.unanswered > 1, worker < 50 {
            harness.scheduler.workerGone(WorkerID(worker), .external)
            worker += 1
            harness.scheduler.workerReady(WorkerID(worker), queue: Harness.model, slot: 0, at: harness.now)
            let refused = harness.decide().compactMap { $0.refusal?.id }
            #expect(!refused.contains(3))
        }
        #expect(worker < 50)
        #expect(harness.scheduler.unanswered == 1)
    }

    @Test func anAnsweredFirstBatchMakesTheCommittedOneSuspect() {
        let harness = Harness(policy: Harness.policy(tokens: 20))
        harness.submit(1, 2, 3)
        #expect(harness.decide().compactMap(\.started) == [[1, 2], [3]])
        for id: UInt64 in [1, 2] { _ = harness.scheduler.result(RequestID(id), ok: true, by: WorkerID(1)) }
        harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGABRT"))
        harness.scheduler.workerReady(WorkerID(2), queue: Harness.model, slot: 0, at: harness.now)
        _ = harness.decide()
        #expect(harness.scheduler.result(RequestID(3), ok: true, by: WorkerID(2))?.replays == 1)
    }

    @Test func drainingReturnsWhatHasNotStartedAndEndsWithTheBatch() {
        let harness = Harness(policy: Harness.policy(tokens: 20))
        harness.submit(1, 2, 3, 4, 5, 6)
        #expect(harness.decide().compactMap(\.started) == [[1, 2], [3, 4]])
        harness.scheduler.workerReady(WorkerID(2), queue: Harness.model, slot: 0, at: harness.now)
        harness.scheduler.drain(WorkerID(1), at: harness.now)
        let actions = harness.decide()
        #expect(actions.contains(.revoke(5)) && actions.contains(.revoke(6)))
        #expect(actions.contains(.prepare(5, on: 2)) && actions.contains(.prepare(6, on: 2)))
        #expect(!actions.contains(.drained(WorkerID(1))))
        #expect(harness.finish(1, 1, 2))
        #expect(harness.decide().compactMap(\.started) == [])
        #expect(harness.finish(2, 3, 4))
        let last = harness.decide()
        #expect(last.contains(.drained(WorkerID(1))))
        #expect(last.compactMap(\.started) == [[5, 6]])
    }

    @Test func anIdleWorkerIsDrainedAtOnce() {
        let harness = Harness()
        harness.scheduler.drain(WorkerID(1), at: harness.now)
        #expect(harness.decide() == [.drained(WorkerID(1))])
    }
}
