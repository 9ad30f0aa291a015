import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// Workers that do not go on: the slot is freed, and the other models of it are answered.
@Suite struct SchedulerStallTests {
    static let limit = Duration.microseconds(10)
    static let other = QueueID(2)

    /// A slot with worker 1 of the usual model and worker 2 of another.
    let harness: SchedulerHarness

    init() {
        harness = SchedulerHarness(policy: SchedulerHarness.policy(tokens: 20), stallLimit: Self.limit)
        harness.scheduler.addQueue(Self.other, policy: SchedulerHarness.policy())
        harness.scheduler.workerReady(WorkerID(2), queue: Self.other, slot: 0, at: harness.now)
        _ = harness.decide()
    }

    private func stalled(_ actions: [Scheduler.Action]) -> [WorkerID] {
        actions.compactMap { if case .stalled(let worker, _, _) = $0 { worker } else { nil } }
    }

    @Test func aSilentWorkerIsGivenUpAndTheSlotGoesOn() {
        harness.submit(1, deadline: .at(harness.now + .nanoseconds(500)))
        harness.submit(2, to: Self.other)
        #expect(harness.decide().compactMap(\.started) == [[1]])
        harness.scheduler.prepared(RequestID(2), tokens: 10, by: WorkerID(2))
        // Its only request ends; the worker still owes the batch.
        harness.now += .nanoseconds(500)
        #expect(harness.decide().compactMap { $0.refusal?.code } == [.deadlineExceeded])
        let end = harness.now - .nanoseconds(500) + Self.limit
        #expect(harness.scheduler.deadline == .at(end))
        harness.now = end - .nanoseconds(1)
        #expect(harness.decide() == [])
        harness.now += .nanoseconds(1)
        let actions = harness.decide()
        #expect(stalled(actions) == [WorkerID(1)])
        #expect(actions.compactMap(\.started) == [[2]])
        #expect(harness.finish(2, 2, by: 2))
        // The shell reports its death later, when nobody knows it any more.
        harness.scheduler.workerGone(WorkerID(1), .external)
        #expect(harness.decide() == [])
    }

    @Test func whatItOwedIsSentAgainAloneAndTheSecondTimeRefused() {
        harness.submit(1, 2)
        #expect(harness.decide().compactMap(\.started) == [[1, 2]])
        harness.now += Self.limit
        #expect(stalled(harness.decide()) == [WorkerID(1)])
        harness.scheduler.workerReady(WorkerID(3), queue: SchedulerHarness.model, slot: 0, at: harness.now)
        #expect(harness.decide().compactMap(\.started) == [[1]])
        harness.now += Self.limit
        let actions = harness.decide()
        #expect(stalled(actions) == [WorkerID(3)])
        #expect(actions.compactMap { $0.refusal?.id } == [1])
        #expect(actions.compactMap { $0.refusal?.code } == [.failedPrecondition])
        harness.scheduler.workerReady(WorkerID(4), queue: SchedulerHarness.model, slot: 0, at: harness.now)
        #expect(harness.decide().compactMap(\.started) == [[2]])
    }

    @Test func eachSignOfProgressStartsTheClockAnew() {
        harness.submit(1)
        _ = harness.decide()
        for _ in 0..<5 {
            harness.now += Self.limit - .nanoseconds(1)
            harness.scheduler.progressed(WorkerID(1), at: harness.now)
            #expect(harness.decide() == [])
        }
        harness.now += Self.limit
        #expect(stalled(harness.decide()) == [WorkerID(1)])
    }

    /// How much longer than the limit an idle worker may be silent.
    static let idle = Duration.seconds(2)

    @Test func anIdleWorkerIsGivenUpALittleLater() {
        harness.submit(1)
        _ = harness.decide()
        #expect(harness.finish(1, 1))
        harness.scheduler.progressed(WorkerID(1), at: harness.now)
        let end = harness.now + Self.limit + Self.idle
        harness.now = end - .nanoseconds(1)
        #expect(harness.decide() == [])
        harness.scheduler.progressed(WorkerID(2), at: harness.now)
        #expect(harness.scheduler.deadline == .at(end))
        harness.now = end
        #expect(silent(harness.decide()) == ["no sign of life for 2000 ms"])
        // The other one has said that it is there.
        harness.now += Self.idle
        harness.scheduler.progressed(WorkerID(2), at: harness.now)
        #expect(harness.decide() == [])
    }

    @Test func aRequestGivesASilentWorkerNoMoreTime() {
        // It has said that it is there a second ago, as it should: all of the limit is left.
        harness.now += .seconds(1)
        harness.submit(1)
        #expect(harness.decide().compactMap(\.started) == [[1]])
        harness.now += Self.limit - .nanoseconds(1)
        #expect(harness.decide() == [])
        #expect(harness.finish(1, 1))
        harness.scheduler.progressed(WorkerID(1), at: harness.now)
        harness.scheduler.progressed(WorkerID(2), at: harness.now)
        // It has not, and is given up when it would have been without the request.
        let end = harness.now + Self.limit + Self.idle
        harness.now = end - .nanoseconds(1)
        harness.submit(2)
        #expect(harness.decide().compactMap(\.started) == [[2]])
        harness.now = end
        harness.scheduler.progressed(WorkerID(2), at: harness.now)
        let actions = harness.decide()
        #expect(stalled(actions) == [WorkerID(1)])
        #expect(actions.allSatisfy { $0.blames.isEmpty }, "it was silent before")
        #expect(silent(actions) == ["no progress for 0 ms"])
    }

    /// Why workers are given up, where nothing is to blame for it.
    private func silent(_ actions: [Scheduler.Action]) -> [String] {
        actions.compactMap { if case .stalled(_, let why, let loss) = $0, !loss.wasWorking { why } else { nil } }
    }

    @Test func anIdleWorkerThatIsSilentIsNotAskedToExit() {
        harness.now += Self.idle - .nanoseconds(1)
        harness.scheduler.drain(WorkerID(1), at: harness.now)
        #expect(harness.decide() == [.drained(WorkerID(1))])
        harness.now += .nanoseconds(1)
        harness.scheduler.drain(WorkerID(2), at: harness.now)
        #expect(silent(harness.decide()) == ["no sign of life for 2000 ms"])
    }

    @Test func aWorkerThatDoesNotPrepareIsGivenUpToo() {
        // Another model computes, so this one is only sent the Prepare.
        harness.submit(1, to: Self.other)
        _ = harness.decide()
        harness.submit(2)
        #expect(harness.decide() == [.prepare(2)])
        harness.now += Self.limit
        harness.scheduler.progressed(WorkerID(2), at: harness.now)
        #expect(stalled(harness.decide()) == [WorkerID(1)])
        // The request is to blame when the next worker does not get over it either.
        harness.scheduler.workerReady(WorkerID(3), queue: SchedulerHarness.model, slot: 0, at: harness.now)
        #expect(harness.decide() == [.prepare(2, on: 3)])
        harness.scheduler.workerGone(WorkerID(3), .ownFault("SIGSEGV"))
        #expect(harness.decide().compactMap { $0.refusal?.code } == [.failedPrecondition])
    }

    @Test func aPreparedRequestThatWaitsForTheSlotIsNoDebt() {
        harness.submit(1, to: Self.other)
        _ = harness.decide()
        harness.submit(2)
        _ = harness.decide()
        harness.scheduler.prepared(RequestID(2), tokens: 10, by: WorkerID(1))
        harness.now += Self.limit
        harness.scheduler.progressed(WorkerID(2), at: harness.now)
        #expect(harness.decide() == [])
        harness.now += Self.limit - .nanoseconds(1)
        #expect(harness.finish(1, 1, by: 2))
        #expect(harness.decide().compactMap(\.started) == [[2]])
        harness.now += Self.limit - .nanoseconds(1)
        #expect(harness.decide() == [])
    }

    @Test func whatALateWakeUpMissedIsNotHeldAgainstTheWorkers() {
        harness.submit(1)
        _ = harness.decide()
        // The whole machine stood still for a minute.
        harness.now += Self.limit + .seconds(60)
        #expect(harness.decide() == [])
        harness.now += Self.limit
        #expect(stalled(harness.decide()) == [WorkerID(1)])
    }

    @Test func aDrainingWorkerIsWatchedAsWell() {
        harness.submit(1)
        _ = harness.decide()
        harness.scheduler.drain(WorkerID(1), at: harness.now)
        harness.now += Self.limit
        let actions = harness.decide()
        #expect(stalled(actions) == [WorkerID(1)])
        #expect(!actions.contains(.drained(WorkerID(1))))
    }

    @Test func withoutALimitNobodyIsGivenUp() {
        let patient = SchedulerHarness()
        patient.submit(1)
        _ = patient.decide()
        #expect(patient.scheduler.deadline == .never)
        patient.now += .seconds(500)
        #expect(patient.decide() == [])
    }
}
