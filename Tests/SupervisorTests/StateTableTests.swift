import Messages
import Supervisor
import Testing
import Time
import Wire

/// Walks the state × event tables of the small machines: whatever happens in whatever state is defined, is what the table in
/// the machine's comment says, and leaves a state that keeps its promises. Those of reloads and of the shutdown
/// have their own walks, and `CoreHistoryTests` goes through all of it at random.
@Suite struct StateTableTests {
    // MARK: - WorkerLifecycle

    typealias Seat = WorkerLifecycle

    /// A seat in each state, by the state's name.
    static let seats: [String: Seat] = {
        var limiter = SpawnLimiter()
        let idle = Seat()
        var starting = idle
        _ = starting.start(at: .start)
        var loading = starting
        _ = loading.hello(at: .start)
        var ready = loading
        _ = ready.ready(at: .start)
        var draining = ready
        _ = draining.stop(gracefully: true, at: .start)
        var drained = draining
        _ = drained.drained(at: .start)
        var terminated = ready
        _ = terminated.stop(gracefully: false, at: .start)
        var killed = ready
        _ = killed.violation("garbage", at: .start)
        var stopKilled = terminated
        _ = stopKilled.timer(at: .late, limiter: &limiter)
        var backoff = ready
        backoff.ended(.signalled(11), description: "SIGSEGV", jitter: 0.5, at: .start)
        var failed = starting
        for _ in 0..<5 {
            _ = failed.timer(at: .late, limiter: &limiter)
            failed.ended(.exited(1), description: "exit 1", jitter: 0.5, at: .start)
        }
        var refused = loading
        refused.ended(.exited(78), description: "exit 78", jitter: 0.5, at: .start)
        var stopped = idle
        _ = stopped.stop(gracefully: true, at: .start)
        return [
            "idle": idle, "starting": starting, "loading": loading, "ready": ready, "draining": draining,
            "drained": drained, "terminated": terminated, "killed": killed, "stopKilled": stopKilled,
            "backoff": backoff, "failed": failed, "refused": refused, "stopped": stopped,
        ]
    }()

    static let seatEvents: [(name: String, apply: @Sendable (inout Seat) -> [Seat.Action])] = [
        ("start", { $0.start(at: .soon) }),
        ("hello", { $0.hello(at: .soon) }),
        ("ready", { $0.ready(at: .soon) }),
        ("drained", { $0.drained(at: .soon) }),
        ("stop", { $0.stop(gracefully: true, at: .soon) }),
        ("stop at once", { $0.stop(gracefully: false, at: .soon) }),
        (
            "timer",
            {
                var limiter = SpawnLimiter()
                return $0.timer(at: .late, limiter: &limiter)
            }
        ),
        (
            "heard",
            {
                _ = $0.heard(at: .soon)
                return []
            }
        ),
        ("violation", { $0.violation("garbage", at: .soon) }),
        (
            "refuse",
            {
                $0.giveUp("no pack", isFinal: true)
                return []
            }
        ),
        (
            "give up",
            {
                $0.giveUp("no pack yet", isFinal: false)
                return []
            }
        ),
        (
            "ended",
            {
                $0.ended(.signalled(11), description: "SIGSEGV", jitter: 0.5, at: .soon)
                return []
            }
        ),
    ]

    /// What is not here changes nothing and asks for nothing.
    static let seatTable: [String: [String: (state: String, actions: [Seat.Action])]] = [
        "idle": [
            "start": ("starting", [.spawn]), "stop": ("stopped", []), "stop at once": ("stopped", []),
            "refuse": ("refused", []),
        ],
        "starting": [
            "hello": ("loading", [.sendLoad]), "ready": ("killed", [.kill]), "stop": ("terminated", [.terminate]),
            "stop at once": ("terminated", [.terminate]), "timer": ("killed", [.kill]),
            "violation": ("killed", [.kill]), "ended": ("backoff", []),
        ],
        "loading": [
            "hello": ("killed", [.kill]), "ready": ("ready", [.enlist]), "stop": ("terminated", [.terminate]),
            "stop at once": ("terminated", [.terminate]), "timer": ("killed", [.kill]),
            "violation": ("killed", [.kill]), "ended": ("backoff", []),
        ],
        "ready": [
            "hello": ("killed", [.kill]), "ready": ("killed", [.kill]), "stop": ("draining", [.drain]),
            "stop at once": ("terminated", [.terminate]), "violation": ("killed", [.kill]), "ended": ("backoff", []),
        ],
        "draining": [
            "hello": ("killed", [.kill]), "ready": ("killed", [.kill]), "drained": ("drained", [.sendDrain]),
            "stop at once": ("terminated", [.terminate]), "timer": ("terminated", [.terminate]),
            "violation": ("killed", [.kill]), "ended": ("stopped", []),
        ],
        "drained": [
            "stop at once": ("terminated", [.terminate]), "timer": ("killed", [.kill]), "ended": ("stopped", []),
        ],
        "terminated": ["timer": ("killed", [.kill]), "ended": ("stopped", [])],
        "killed": ["ended": ("backoff", [])],
        "stopKilled": ["ended": ("stopped", [])],
        "backoff": [
            "stop": ("stopped", []), "stop at once": ("stopped", []), "timer": ("starting", [.spawn]),
            "refuse": ("refused", []),
        ],
        "failed": [
            "stop": ("stopped", []), "stop at once": ("stopped", []), "timer": ("starting", [.spawn]),
            "refuse": ("refused", []),
        ],
        "refused": [:], "stopped": [:],
    ]

    private func name(_ state: Seat.State) -> String {
        switch state {
        case .idle: "idle"
        case .starting: "starting"
        case .loading: "loading"
        case .ready: "ready"
        case .draining: "draining"
        case .ending(.drained, _): "drained"
        case .ending(.terminated, _): "terminated"
        case .ending(.killed, _): "killed"
        case .backoff: "backoff"
        case .failed: "failed"
        case .refused: "refused"
        case .stopped: "stopped"
        }
    }

    @Test func everyEventOfASeatInEveryState() {
        #expect(Set(Self.seats.keys) == Set(Self.seatTable.keys))
        for (state, seat) in Self.seats {
            for event in Self.seatEvents {
                var after = seat
                let actions = event.apply(&after)
                let expected = Self.seatTable[state]?[event.name] ?? (name(seat.state), [])
                #expect(
                    name(after.state) == expected.state && actions == expected.actions,
                    "\(event.name) when \(state)"
                )
                // A process is started where there is none, and told only while it is there.
                #expect(!actions.contains(.spawn) || !seat.hasProcess, "\(event.name) when \(state)")
                #expect(actions.allSatisfy { $0 == .spawn } || seat.hasProcess, "\(event.name) when \(state)")
                // Whoever waits for time says until when; only the end of a killed process is certain without.
                let waits = !after.isOver && after.state != .idle && !after.isReady && name(after.state) != "killed"
                #expect((after.deadline != .never) == waits, "\(event.name) when \(state)")
                // What is over stays so.
                #expect(!seat.isOver || after.state == seat.state, "\(event.name) when \(state)")
            }
        }
    }

    // MARK: - ModelLifecycle

    /// A model in each state, with the seats that have a process.
    static let models: [String: ModelLifecycle] = {
        func seat(_ generation: UInt64) -> SeatID { SeatID(generation: generation, index: 0) }
        func load(_ model: inout ModelLifecycle) -> UInt64 { model.load(slots: [0], at: .start).generation }
        func pack(_ model: inout ModelLifecycle, _ generation: UInt64) {
            _ = model.packed(generation: generation, key: "k\(generation)", at: .start)
            _ = model.hello(seat(generation), at: .start)
        }
        let empty = ModelLifecycle()
        var packing = empty
        _ = load(&packing)
        var loading = packing
        pack(&loading, 1)
        var serving = loading
        _ = serving.ready(seat(1), at: .start)
        var reloading = serving
        _ = load(&reloading)
        pack(&reloading, 2)
        var retiring = reloading
        _ = retiring.ready(seat(2), at: .start)
        var rollingBack = serving
        _ = rollingBack.load(slots: [0, 0], at: .start)
        pack(&rollingBack, 2)
        _ = rollingBack.ended(seat(2), .exited(78), description: "78", jitter: 0.5, at: .start)
        var unavailable = packing
        _ = unavailable.packFailed(generation: 1, .unavailable, "no pack", at: .start)
        var refused = packing
        _ = refused.packFailed(generation: 1, .failedPrecondition, "no weights", at: .start)
        var down = loading
        for _ in 0..<5 {
            var limiter = SpawnLimiter()
            _ = down.timer(at: .late, limiter: &limiter)
            _ = down.ended(seat(1), .exited(1), description: "exit 1", jitter: 0.5, at: .start)
        }
        var unloading = serving
        _ = unloading.unload(gracefully: true, Refusal(.unavailable, "gone"), at: .start)
        return [
            "empty": empty, "packing": packing, "loading": loading, "serving": serving, "reloading": reloading,
            "retiring": retiring, "rolling back": rollingBack, "unavailable": unavailable, "refused": refused,
            "down": down, "unloading": unloading,
        ]
    }()

    typealias ModelEvent = (name: String, apply: @Sendable (inout ModelLifecycle) -> [ModelLifecycle.Action])

    static let modelEvents: [ModelEvent] = {
        var events: [ModelEvent] = [
            ("load", { $0.isChanging ? [] : $0.load(slots: [0, 1], at: .soon).actions }),
            ("refuse load", { $0.refuseLoad(.invalidArgument, "no YAML") }),
            ("unload", { $0.unload(gracefully: true, Refusal(.unavailable, "gone"), at: .soon) }),
            ("unload at once", { $0.unload(gracefully: false, Refusal(.unavailable, "gone"), at: .soon) }),
            (
                "timer",
                {
                    var limiter = SpawnLimiter()
                    return $0.timer(at: .late, limiter: &limiter)
                }
            ),
        ]
        for generation: UInt64 in 1...2 {
            let seat = SeatID(generation: generation, index: 0)
            let more: [ModelEvent] = [
                ("packed \(generation)", { $0.packed(generation: generation, key: "k\(generation)", at: .soon) }),
                ("pack lost \(generation)", { $0.packFailed(generation: generation, .dataLoss, "lost", at: .soon) }),
                ("no pack \(generation)", { $0.packFailed(generation: generation, .unavailable, "no", at: .soon) }),
                ("hello \(generation)", { $0.hello(seat, at: .soon) }),
                ("ready \(generation)", { $0.ready(seat, at: .soon) }),
                ("violation \(generation)", { $0.violation(seat, "garbage", at: .soon) }),
                ("drained \(generation)", { $0.drained(seat, at: .soon) }),
                ("died \(generation)", { $0.ended(seat, .signalled(11), description: "11", jitter: 0.5, at: .soon) }),
                ("refused \(generation)", { $0.ended(seat, .exited(78), description: "78", jitter: 0.5, at: .soon) }),
            ]
            events += more
        }
        return events
    }()

    /// Two events in turn, each of all, in each state: who waits is told, seats' orders go to processes that are there, and
    /// what serves serves on, unless it is its own workers that end.
    @Test func everyTwoEventsOfAModelInEveryState() {
        for (state, model) in Self.models {
            for first in Self.modelEvents {
                var once = model
                let before = processes(of: once)
                check(first.apply(&once), model, before, once, "\(first.name) when \(state)", ends: first.name)
                for second in Self.modelEvents {
                    var twice = once
                    let before = processes(of: twice)
                    let place = "\(second.name) after \(first.name) when \(state)"
                    check(second.apply(&twice), once, before, twice, place, ends: second.name)
                }
            }
        }
    }

    private func processes(of model: ModelLifecycle) -> Set<SeatID> {
        var seats: Set<SeatID> = []
        for generation in [model.serving, model.incoming, model.leaving].compactMap({ $0 }) {
            for (index, seat) in generation.seats.enumerated() where seat.hasProcess {
                seats.insert(SeatID(generation: generation.number, index: index))
            }
        }
        return seats
    }

    private func check(
        _ actions: [ModelLifecycle.Action],
        _ old: ModelLifecycle,
        _ processesBefore: Set<SeatID>,
        _ new: ModelLifecycle,
        _ place: String,
        ends event: String
    ) {
        let processesAfter = processes(of: new)
        var present = processesBefore
        for action in actions {
            switch action {
            case .seat(let seat, .spawn):
                #expect(present.insert(seat).inserted && processesAfter.contains(seat), "\(place): \(seat)")
            case .seat(let seat, _): #expect(present.contains(seat), "\(place): \(seat)")
            case .release(let generation):
                #expect(!processesAfter.contains { $0.generation == generation }, "\(place): \(generation)")
            case .close: #expect(new.state != .ready, "\(place): it serves, and refuses")
            case .activate(let generation): #expect(new.serving?.number == generation, "\(place)")
            case .pack, .discardPack, .loaded, .unloaded: break
            }
        }
        // A change that is over has its outcome, and one that goes on has none.
        let outcomes = actions.count { if case .loaded = $0 { true } else { false } }
        let isOver = old.isChanging && !old.isUnloading && (!new.isChanging || new.isUnloading)
        if event != "refuse load" { #expect(outcomes == (isOver ? 1 : 0), "\(place): \(actions)") }
        // Nothing but the order to, or the end of its own workers, ends what serves.
        if old.state == .ready, !event.hasPrefix("unload") {
            let own = old.serving?.number ?? 0
            let isHurt = ["died", "refused"].contains { event == "\($0) \(own)" }
            #expect(new.state == .ready || isHurt, "\(place): \(new.state)")
        }
        #expect(Set(processesAfter.map(\.generation)).count <= 2, "\(place)")
    }
}
