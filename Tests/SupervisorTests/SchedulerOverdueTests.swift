import Messages
import Supervisor
import Testing
import Time

/// A batch that computes for far longer than it should frees its slot for the other models.
@Suite struct SchedulerOverdueTests {
    static let second = QueueID(2)
    static let third = QueueID(3)
    static let patience = Duration.milliseconds(250)

    /// A slot with a worker of each of three models, numbered as they are; a request of ten tokens fills a batch.
    let harness: SchedulerHarness

    init() {
        harness = SchedulerHarness(policy: SchedulerHarness.policy(tokens: 10))
        for queue in [Self.second, Self.third] {
            harness.scheduler.addQueue(queue, policy: SchedulerHarness.policy(tokens: 10))
            harness.scheduler.workerReady(WorkerID(queue.value), queue: queue, slot: 0, at: harness.now)
        }
        _ = harness.decide()
    }

    private func decide(after time: Duration) -> [[UInt64]] {
        harness.now += time
        return harness.decide().compactMap(\.started)
    }

    @Test func theOtherModelsGoOnBesideIt() {
        harness.submit(1)
        #expect(decide(after: .zero) == [[1]])
        #expect(harness.scheduler.deadline == .never, "nobody waits for the slot")
        harness.submit(2, 3, to: Self.second)
        #expect(decide(after: .milliseconds(100)) == [])
        #expect(harness.scheduler.deadline == .at(harness.now + Self.patience - .milliseconds(100)))
        #expect(decide(after: Self.patience - .milliseconds(101)) == [])
        #expect(decide(after: .milliseconds(1)) == [[2], [3]], "one computes, and one is committed")
        #expect(harness.finish(2, 2, by: 2))
        #expect(harness.finish(3, 3, by: 2))
        harness.submit(4, to: Self.third)
        #expect(decide(after: .zero) == [[4]])
        // Its own model waits until it is done, and then for the slot.
        harness.submit(5)
        #expect(decide(after: .milliseconds(10)) == [])
        #expect(harness.finish(1, 1))
        #expect(decide(after: .milliseconds(10)) == [])
        #expect(harness.finish(4, 4, by: 3))
        #expect(decide(after: .zero) == [[5]])
    }

    @Test func whatUsuallyTakesLongIsGivenFourTimesAsLong() {
        for batch in 1...20 as ClosedRange<UInt64> {
            harness.submit(batch)
            #expect(decide(after: .zero) == [[batch]])
            harness.now += .milliseconds(200)
            #expect(harness.finish(batch, batch))
        }
        harness.submit(21)
        #expect(decide(after: .zero) == [[21]])
        harness.submit(22, to: Self.second)
        #expect(decide(after: .milliseconds(799)) == [])
        #expect(decide(after: .milliseconds(2)) == [[22]])
    }

    @Test func atMostOneComputesBeside() {
        harness.submit(1)
        harness.submit(2, to: Self.second)
        #expect(decide(after: .zero) == [[1]])
        #expect(decide(after: Self.patience) == [[2]])
        harness.submit(3, to: Self.third)
        #expect(decide(after: .seconds(5)) == [])
        #expect(harness.scheduler.deadline == .never)
        #expect(harness.finish(1, 1))
        #expect(decide(after: .zero) == [[3]], "the other one is overdue as well")
    }

    @Test func whatIsCommittedBehindItFollowsIt() {
        harness.submit(1, 2, 3)
        #expect(decide(after: .zero) == [[1], [2]])
        harness.submit(4, 5, to: Self.second)
        #expect(decide(after: Self.patience) == [[4], [5]])
        #expect(harness.finish(1, 1))
        #expect(decide(after: .zero) == [], "2 computes, and 3 waits for its turn on the slot")
        #expect(harness.finish(3, 4, by: 2))
        #expect(harness.finish(4, 5, by: 2))
        #expect(decide(after: .zero) == [], "nobody else wants the slot")
        #expect(harness.finish(2, 2))
        #expect(decide(after: .zero) == [[3]])
    }

    @Test func itsDeathFreesTheSlotForGood() {
        harness.submit(1)
        harness.submit(2, to: Self.second)
        #expect(decide(after: .zero) == [[1]])
        #expect(decide(after: Self.patience) == [[2]])
        harness.scheduler.workerGone(WorkerID(1), .ownFault("SIGSEGV"))
        harness.scheduler.workerReady(WorkerID(4), queue: SchedulerHarness.model, slot: 0, at: harness.now)
        #expect(decide(after: .zero) == [])
        harness.submit(3, to: Self.third)
        #expect(decide(after: Self.patience - .nanoseconds(1)) == [])
        #expect(decide(after: .nanoseconds(1)).count == 1)
        #expect(harness.finish(2, 2, by: 2))
        #expect(decide(after: .zero) == [], "one of the two others computes")
    }

    /// Another instance of its model has no turn while it computes.
    @Test func itsOwnModelGainsNothing() {
        harness.scheduler.workerReady(WorkerID(4), queue: SchedulerHarness.model, slot: 0, at: harness.now)
        harness.submit(1, 2)
        #expect(decide(after: .zero) == [[1]])
        #expect(decide(after: .seconds(2)) == [])
        harness.submit(3, to: Self.second)
        #expect(decide(after: .zero) == [[3]])
        #expect(harness.finish(2, 3, by: 2))
        #expect(decide(after: .seconds(2)) == [])
        #expect(harness.finish(1, 1))
        #expect(decide(after: .zero) == [[2]])
    }
}
