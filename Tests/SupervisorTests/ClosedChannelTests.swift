import Configuration
import Messages
import Supervisor
import Testing
import Time

/// What becomes of a worker that has closed its channel and does not end.
@Suite struct ClosedChannelTests {
    let world: CoreWorld
    let worker: WorkerID

    init() throws {
        var limits = CoreWorld.limits
        limits.stallTimeout = nil
        world = CoreWorld(seed: 1, limits: limits, isCalm: true)
        for _ in 0..<100 {
            world.now += .milliseconds(100)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
        worker = try #require(world.processes.keys.min())
        #expect(world.core.status().state == "READY")
        #expect(world.core.deadline == .never, "nothing is due while nothing is to do")
        world.tell(.channelClosed(worker))
    }

    @Test func itIsKilledAfterASecond() {
        #expect(world.core.deadline == .at(world.now + .seconds(1)))
        world.now += .nanoseconds(999_999_999)
        world.settle()
        #expect(world.processes[worker]?.end == nil)
        world.now += .nanoseconds(1)
        world.settle()
        #expect(world.processes[worker]?.end == .signalled(9))
        #expect(world.core.deadline == .never)
    }

    @Test func nobodyIsWokenForOneThatHasEnded() {
        let killAt = world.now + .seconds(1)
        world.finish(worker, .exited(0))
        #expect(world.core.deadline != .at(killAt))
    }
}
