import Messages
import Supervisor
import Testing
import Time
import Wire

/// Random sequences of events against a model of the processes: no process is ever lost or started twice in a seat, no
/// more than two generations have processes, every load has exactly one outcome, and requests wait for a model only while
/// something may answer them.
@Suite struct ModelLifecycleFuzzTests {
    /// What the world looks like to the machine: processes, wishes for packs, and loads without an outcome.
    struct World {
        var processes: [SeatID: Phase] = [:]
        var packs: Set<UInt64> = []
        var openLoads = 0
        /// Whether requests are queued rather than refused.
        var isOpen = true
        var isUnloaded = false

        enum Phase {
            case spawned
            case greeted
            case ready
        }

        mutating func perform(_ actions: [ModelLifecycle.Action]) {
            for action in actions {
                switch action {
                case .pack(let generation): #expect(packs.insert(generation).inserted)
                case .seat(let seat, .spawn):
                    #expect(processes[seat] == nil, "two processes in one seat")
                    processes[seat] = .spawned
                case .seat(let seat, .enlist):
                    #expect(processes[seat] == .ready)
                case .seat(let seat, _):
                    #expect(processes[seat] != nil, "an order to a process that is not there")
                case .loaded:
                    openLoads -= 1
                    #expect(openLoads >= 0, "an outcome without a load")
                case .release(let generation):
                    #expect(!processes.keys.contains { $0.generation == generation })
                    packs.remove(generation)
                case .unloaded:
                    #expect(processes.isEmpty)
                    isUnloaded = true
                case .activate: isOpen = true
                case .close: isOpen = false
                case .discardPack: break
                }
            }
            #expect(Set(processes.keys.map(\.generation)).count <= 2, "more than two generations have processes")
        }
    }

    @Test(arguments: 1...80) func processesAndLoadsAreAccountedFor(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var model = ModelLifecycle()
        var limiter = SpawnLimiter()
        var world = World()
        var now = Instant.start

        func end(_ seat: SeatID) {
            let ends: [ProcessEnd] = [.exited(0), .exited(78), .signalled(9), .signalled(11)]
            let end = ends.randomElement(using: &random) ?? .exited(0)
            world.processes[seat] = nil
            let jitter = Double.random(in: 0..<1, using: &random)
            world.perform(model.ended(seat, end, description: "\(end)", jitter: jitter, at: now))
        }
        func checkQueue() {
            switch model.state {
            case .ready: #expect(world.isOpen, "requests are refused though the model serves")
            case .unavailable, .unloading: #expect(!world.isOpen, "requests wait for ever")
            case .unknown, .loading: break
            }
        }
        func elapse(_ duration: Duration) {
            now += duration
            world.perform(model.timer(at: now, limiter: &limiter))
        }

        for _ in 0..<300 {
            let seats = world.processes.keys.sorted { ($0.generation, $0.index) < ($1.generation, $1.index) }
            let seat = seats.randomElement(using: &random)
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                guard !model.isChanging else { continue }
                world.openLoads += 1
                // The shell opens the queue when nothing serves, for requests to wait.
                if model.state != .ready { world.isOpen = true }
                let count = Int.random(in: 1...3, using: &random)
                world.perform(model.load(slots: Array(0..<count), at: now).actions)
            case 1, 2:
                guard let generation = world.packs.sorted().randomElement(using: &random) else { continue }
                world.packs.remove(generation)
                if Int.random(in: 0..<8, using: &random) == 0 {
                    world.perform(model.packFailed(generation: generation, .unavailable, "no pack", at: now))
                } else {
                    world.perform(model.packed(generation: generation, key: "k", at: now))
                }
            case 3...6:
                guard let seat, let phase = world.processes[seat] else { continue }
                switch phase {
                case .spawned:
                    world.processes[seat] = .greeted
                    world.perform(model.hello(seat, at: now))
                case .greeted:
                    model.heard(seat, at: now)
                    world.processes[seat] = .ready
                    world.perform(model.ready(seat, at: now))
                case .ready:
                    model.provedUseful(seat)
                    world.perform(model.drained(seat, at: now))
                }
            case 7:
                guard let seat else { continue }
                let kinds: [FailureKind] = [.internal, .configuration, .resource, .pack]
                model.reported(seat, kinds.randomElement(using: &random) ?? .internal, "failed")
                end(seat)
            case 8:
                if let seat { end(seat) }
            case 9:
                if let seat { world.perform(model.violation(seat, "garbage", at: now)) }
            case 10: elapse(.random(upTo: .milliseconds(200), using: &random))
            default: elapse(.random(upTo: .seconds(20), using: &random))
            }
            checkQueue()
        }
        // Unloading comes to an end once the processes obey.
        world.perform(model.unload(gracefully: true, Refusal(.unavailable, "bye"), at: now))
        for _ in 0..<20 where !world.isUnloaded {
            for seat in world.processes.keys { end(seat) }
            elapse(.seconds(1))
        }
        #expect(world.isUnloaded)
        #expect(world.openLoads == 0, "a load without an outcome")
        #expect(model.state == .unloading)
    }
}
