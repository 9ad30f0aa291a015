import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// Walks the table of `Shutdown`: each order, and what time and the end of work bring, in each state, as the world sees it.
@Suite struct ShutdownTableTests {
    /// A server that serves, and a client with a request that its worker does not work on.
    struct Scene {
        let world: CoreWorld
        let client: ClientID

        init() {
            var limits = CoreWorld.limits
            limits.stallTimeout = nil
            world = CoreWorld(seed: 1, limits: limits, isCalm: true)
            client = world.connect()
            world.greet(client)
            for _ in 0..<300 where !world.core.status().models.allSatisfy({ $0.state == "READY" }) {
                work()
            }
            for id in world.processes.keys { world.processes[id]?.hangs = true }
            #expect(world.call(client, CoreHistoryTests.embed, model: "a") != nil)
        }

        var isServing: Bool { world.core.status().state == "READY" }
        var isFinished: Bool { world.core.isFinished }
        var unanswered: Int { world.core.unanswered.requests }
        /// Whether all processes have been sent that signal, and there are some.
        func areEnded(by signal: Int32) -> Bool {
            !world.processes.isEmpty && world.processes.values.allSatisfy { $0.end == .signalled(signal) }
        }

        func work() {
            pass(.milliseconds(100))
            for id in world.processes.keys.sorted() { world.work(id) }
        }

        func pass(_ duration: Duration) {
            world.now += duration
            world.settle()
        }

        /// The processes go on.
        func wake() { for id in world.processes.keys { world.processes[id]?.hangs = false } }

        /// The processes that have been killed are gone.
        func reap() {
            for (id, process) in world.processes.sorted(by: { $0.key < $1.key }) {
                if let end = process.end { world.finish(id, end) }
            }
        }
    }

    @Test func servingEndsWithTheOrderAlone() {
        let scene = Scene()
        #expect(scene.isServing && scene.unanswered == 1 && !scene.world.isStopped)
        scene.pass(.seconds(29))
        #expect(scene.isServing && scene.unanswered == 1)
        scene.world.tell(.stop)
        #expect(!scene.isServing && scene.world.isStopped && scene.unanswered == 1)
        #expect(scene.world.processes.values.allSatisfy { $0.end == nil })
        // What comes now is refused.
        #expect(scene.world.call(scene.client, CoreHistoryTests.embed, model: "b") != nil)
        #expect(scene.unanswered == 1 && scene.world.answers == [.unavailable: 1])
    }

    @Test(arguments: ["stop", "answered", "time"]) func draining(event: String) {
        let scene = Scene()
        scene.world.tell(.stop)
        switch event {
        case "stop":
            scene.world.tell(.stop)
            #expect(scene.areEnded(by: 9) && scene.world.answers == [.unavailable: 1])
        case "answered":
            scene.wake()
            for _ in 0..<20 where scene.unanswered > 0 { scene.work() }
            #expect(scene.world.answers == [.ok: 1])
            for _ in 0..<20 where !scene.isFinished { scene.work() }
            #expect(scene.isFinished && scene.world.processes.isEmpty)
        default:
            scene.pass(CoreWorld.limits.drainTimeout - .nanoseconds(1))
            #expect(scene.unanswered == 1)
            scene.pass(.nanoseconds(1))
            #expect(scene.world.answers == [.unavailable: 1])
            #expect(scene.world.processes.values.allSatisfy { $0.end == nil }, "they have time to end by themselves")
        }
        #expect(scene.unanswered == 0)
    }

    @Test(arguments: ["stop", "time", "no process"]) func stopping(event: String) {
        let scene = Scene()
        scene.world.tell(.stop)
        scene.pass(CoreWorld.limits.drainTimeout)
        switch event {
        case "stop": scene.world.tell(.stop)
        case "time": scene.pass(.seconds(8))
        default:
            for id in scene.world.processes.keys.sorted() { scene.world.finish(id, .exited(0)) }
            #expect(scene.isFinished)
            return
        }
        #expect(scene.areEnded(by: 9) && !scene.isFinished)
        // Killing: another order changes nothing, and the last process ends it.
        scene.world.tell(.stop)
        scene.pass(.seconds(60))
        #expect(scene.areEnded(by: 9) && !scene.isFinished)
        scene.reap()
        #expect(scene.isFinished)
    }

    @Test(arguments: ["stop", "read", "time"]) func flushing(event: String) {
        let scene = Scene()
        scene.world.clients[scene.client]?.isDeaf = true
        scene.world.tell(.stop, .stop)
        scene.reap()
        #expect(!scene.isFinished, "a client has not read its answer")
        switch event {
        case "stop": scene.world.tell(.stop)
        case "read":
            scene.world.clients[scene.client]?.isDeaf = false
            for _ in 0..<2 { scene.world.settle() }
        default:
            scene.pass(.nanoseconds(1_999_999_999))
            #expect(!scene.isFinished)
            scene.pass(.nanoseconds(1))
        }
        #expect(scene.isFinished == (event != "stop"))
    }
}
