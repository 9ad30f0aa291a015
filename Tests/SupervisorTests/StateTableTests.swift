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
            failed.ended(.exited(1), description: "exit 1", jitter: 0.5, at: .start)
            _ = failed.timer(at: .late, limiter: &limiter)
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
                $0.refuse("no pack")
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
        "failed": [:], "refused": [:], "stopped": [:],
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

    // MARK: - PackCoordinator

    static let (job, other) = (PackJobID(1), PackJobID(2))

    /// A coordinator with a job in each state; another one packs the key that it waits for.
    static let jobs: [String: PackCoordinator] = {
        let none = PackCoordinator(limit: 1)
        var waiting = none
        _ = waiting.request(other, at: .start)
        _ = waiting.request(job, at: .start)
        var starting = PackCoordinator(limit: 2)
        _ = starting.request(job, at: .start)
        var identifying = starting
        _ = identifying.hello(job, at: .start)
        var packing = identifying
        _ = packing.identified(job, key: "k", cachedBytes: nil, at: .start)
        var queued = PackCoordinator(limit: 2)
        for id in [other, job] {
            _ = queued.request(id, at: .start)
            _ = queued.hello(id, at: .start)
            _ = queued.identified(id, key: "k", cachedBytes: nil, at: .start)
        }
        var over = identifying
        _ = over.identified(job, key: "k", cachedBytes: 9, at: .start)
        return [
            "none": none, "waiting": waiting, "starting": starting, "identifying": identifying, "queued": queued,
            "packing": packing, "over": over,
        ]
    }()

    typealias PackAction = PackCoordinator.Action

    static let jobEvents: [(name: String, apply: @Sendable (inout PackCoordinator) -> [PackAction])] = [
        ("request", { $0.request(job, at: .soon) }),
        ("cancel", { $0.cancel(job, at: .soon) }),
        ("hello", { $0.hello(job, at: .soon) }),
        ("new key", { $0.identified(job, key: "n", cachedBytes: nil, at: .soon) }),
        ("cached key", { $0.identified(job, key: "n", cachedBytes: 9, at: .soon) }),
        ("packed", { $0.packed(job, bytes: 9, at: .soon) }),
        ("stored", { $0.stored(job, bytes: 9, error: nil, at: .soon) }),
        ("not stored", { $0.stored(job, bytes: 0, error: "full", at: .soon) }),
        ("refused", { $0.refused(job, "no file", at: .soon) }),
        ("violation", { $0.violation(job, "garbage", at: .soon) }),
        ("timer", { $0.timer(at: .late) }),
        ("ended", { $0.ended(job, .exited(1), description: "exit 1", at: .soon) }),
    ]

    /// What an event leads to, in a word.
    private func summary(_ actions: [PackAction]) -> String {
        let words = actions.compactMap { action -> String? in
            switch action {
            case .spawn(Self.job): "spawn"
            case .sendPack(Self.job): "send"
            case .sendProceed(Self.job): "proceed"
            case .store(Self.job, _, _): "store"
            case .kill(Self.job): "kill"
            case .finished(Self.job, _, _): "finished"
            case .failed(Self.job, _, _): "failed"
            default: nil
            }
        }
        return words.joined(separator: " ")
    }

    /// What is not here leads to nothing.
    static let jobTable: [String: [String: String]] = [
        "none": ["request": "spawn"],
        "waiting": [:],
        "starting": [
            "cancel": "kill", "hello": "send", "new key": "kill failed", "cached key": "kill failed",
            "packed": "kill failed", "refused": "kill failed", "violation": "kill failed", "timer": "kill failed",
            "ended": "failed",
        ],
        "identifying": [
            "cancel": "kill", "hello": "kill failed", "new key": "proceed", "cached key": "kill finished",
            "packed": "kill failed", "refused": "kill failed", "violation": "kill failed", "timer": "kill failed",
            "ended": "failed",
        ],
        "queued": [
            "cancel": "kill", "hello": "kill failed", "new key": "kill failed", "cached key": "kill failed",
            "packed": "kill failed", "refused": "kill failed", "violation": "kill failed",
            // The other one is stuck, so that this one makes the pack.
            "timer": "proceed", "ended": "failed",
        ],
        "packing": [
            "cancel": "kill", "hello": "kill failed", "new key": "kill failed", "cached key": "kill failed",
            "packed": "store", "stored": "kill finished", "not stored": "kill failed", "refused": "kill failed",
            "violation": "kill failed", "timer": "kill failed", "ended": "failed",
        ],
        "over": [:],
    ]

    @Test func everyEventOfAPackerInEveryState() {
        #expect(Set(Self.jobs.keys) == Set(Self.jobTable.keys))
        for (state, packs) in Self.jobs {
            for event in Self.jobEvents {
                var after = packs
                let result = summary(event.apply(&after))
                #expect(result == Self.jobTable[state]?[event.name] ?? "", "\(event.name) when \(state)")
                // One that is answered is never answered again, and its end makes room.
                guard result.contains("failed") || result.contains("finished") || event.name == "cancel" else {
                    continue
                }
                for again in Self.jobEvents where again.name != "request" {
                    var later = after
                    let more = summary(again.apply(&later))
                    #expect(more == "" || state == "waiting", "\(event.name), \(again.name) when \(state): \(more)")
                }
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
        var unloading = serving
        _ = unloading.unload(gracefully: true, Refusal(.unavailable, "gone"), at: .start)
        return [
            "empty": empty, "packing": packing, "loading": loading, "serving": serving, "reloading": reloading,
            "retiring": retiring, "rolling back": rollingBack, "unavailable": unavailable, "unloading": unloading,
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
