import Messages
import Supervisor
import Testing
import Time
import Wire

@Suite struct ModelLifecycleTests {
    typealias Action = ModelLifecycle.Action

    var model = ModelLifecycle()
    var limiter = SpawnLimiter()
    var now = Instant.start + .microseconds(1)

    static func seat(_ generation: UInt64, _ index: Int = 0) -> SeatID { SeatID(generation: generation, index: index) }

    /// Loads a generation of `count` seats up to Load.
    mutating func startGeneration(_ count: Int = 1) -> UInt64 {
        let (generation, actions) = model.load(slots: Array(0..<count), at: now)
        #expect(actions.contains(.pack(generation: generation)))
        let spawns = model.packed(generation: generation, key: "k\(generation)", at: now)
        #expect(spawns == (0..<count).map { .seat(Self.seat(generation, $0), .spawn) })
        for index in 0..<count { _ = model.hello(Self.seat(generation, index), at: now) }
        return generation
    }

    mutating func serve(_ count: Int = 1) -> UInt64 {
        let generation = startGeneration(count)
        for index in 0..<count { _ = model.ready(Self.seat(generation, index), at: now) }
        #expect(model.state == .ready)
        return generation
    }

    mutating func end(_ seat: SeatID, _ end: ProcessEnd = .exited(0)) -> [Action] {
        model.ended(seat, end, description: "\(end)", jitter: 0.5, at: now)
    }

    func outcome(_ actions: [Action]) -> ModelLifecycle.Outcome? {
        for case .loaded(let outcome) in actions { return outcome }
        return nil
    }

    @Test mutating func theFirstReadySeatServes() {
        let generation = startGeneration(2)
        #expect(model.state == .loading)
        let actions = model.ready(Self.seat(generation, 1), at: now)
        #expect(actions.first == .activate(generation: generation))
        #expect(actions.contains(.seat(Self.seat(generation, 1), .enlist)))
        #expect(outcome(actions)?.code == .ok)
        #expect(model.ready(Self.seat(generation, 0), at: now) == [.seat(Self.seat(generation, 0), .enlist)])
    }

    @Test mutating func aReloadSwapsWhenAllSeatsAreReadyAndAnswersWhenTheOldOneIsGone() {
        let old = serve(2)
        let new = startGeneration(2)
        #expect(new == old + 1)
        #expect(model.ready(Self.seat(new, 0), at: now) == [], "not enlisted before the swap")
        let swap = model.ready(Self.seat(new, 1), at: now)
        #expect(
            swap == [
                .activate(generation: new), .seat(Self.seat(new, 0), .enlist), .seat(Self.seat(new, 1), .enlist),
                .seat(Self.seat(old, 0), .drain), .seat(Self.seat(old, 1), .drain),
            ]
        )
        #expect(model.isChanging)
        for index in 0..<2 {
            #expect(model.drained(Self.seat(old, index), at: now) == [.seat(Self.seat(old, index), .sendDrain)])
        }
        #expect(end(Self.seat(old, 0)) == [])
        let last = end(Self.seat(old, 1))
        #expect(last.first == .release(generation: old))
        #expect(outcome(last)?.code == .ok)
        #expect(outcome(last)?.generation == new)
        #expect(!model.isChanging)
    }

    @Test mutating func aCheckpointAtFaultRollsBackAtOnce() {
        let old = serve()
        let new = startGeneration(2)
        model.reported(Self.seat(new, 0), .configuration, "model_type 'bart'")
        let actions = end(Self.seat(new, 0), .exited(78))
        #expect(actions == [.seat(Self.seat(new, 1), .terminate)])
        let done = end(Self.seat(new, 1), .signalled(15))
        #expect(outcome(done)?.code == .failedPrecondition)
        #expect(outcome(done)?.message == "model_type 'bart'")
        #expect(outcome(done)?.generation == old)
        #expect(model.state == .ready)
        #expect(model.reason == "model_type 'bart'")
    }

    @Test mutating func aGenerationThatIsNeverReadyIsRolledBack() {
        _ = serve()
        let new = startGeneration()
        now += WorkerLifecycle.Timeouts().load
        #expect(model.deadline == .at(now))
        let actions = model.timer(at: now, limiter: &limiter)
        #expect(actions.contains(.seat(Self.seat(new), .kill)))
        #expect(outcome(end(Self.seat(new), .signalled(9)))?.code == .deadlineExceeded)
        #expect(model.state == .ready)
    }

    @Test mutating func aGenerationThatSaysThatItGoesOnIsWaitedFor() {
        _ = serve()
        let new = startGeneration(2)
        let limit = WorkerLifecycle.Timeouts().load
        for _ in 0..<3 {
            now += limit - .nanoseconds(1)
            #expect(model.timer(at: now, limiter: &limiter) == [])
            for index in 0..<2 { model.heard(Self.seat(new, index), at: now) }
            #expect(model.deadline == .at(now + limit))
        }
        _ = model.ready(Self.seat(new, 0), at: now)
        #expect(model.ready(Self.seat(new, 1), at: now).first == .activate(generation: new))
    }

    /// The time of the load is up while its worker is still ending: nothing follows, and nobody is woken for it.
    @Test mutating func anUnloadingModelDoesNotWaitForItsLoad() {
        _ = serve()
        _ = startGeneration()
        now += WorkerLifecycle.Timeouts().load - .seconds(1)
        _ = model.unload(gracefully: true, Refusal(.unavailable, "bye"), at: now)
        now += .seconds(1)
        #expect(model.timer(at: now, limiter: &limiter) == [])
        #expect(model.deadline == .at(now + .seconds(4)), "its SIGKILL is next")
    }

    @Test mutating func aFailedPackLeavesTheOldGeneration() {
        let old = serve()
        let (new, _) = model.load(slots: [0], at: now)
        let actions = model.packFailed(generation: new, .failedPrecondition, "no config.json", at: now)
        #expect(actions.first == .release(generation: new))
        #expect(outcome(actions)?.generation == old)
        #expect(model.state == .ready)
    }

    @Test mutating func aFailedFirstLoadMakesItUnavailableWithTheReason() {
        let (generation, _) = model.load(slots: [0], at: now)
        let actions = model.packFailed(generation: generation, .failedPrecondition, "no config.json", at: now)
        #expect(actions.contains(.close(Refusal(.unavailable, "no config.json"))))
        #expect(outcome(actions)?.code == .failedPrecondition)
        #expect(model.state == .unavailable)
        #expect(model.reason == "no config.json")
        _ = serve()
        #expect(model.reason == nil)
    }

    @Test mutating func aDamagedPackIsMadeAgainOnce() {
        let generation = startGeneration(2)
        for index in 0..<2 { model.reported(Self.seat(generation, index), .pack, "checksum") }
        #expect(
            end(Self.seat(generation, 0), .exited(70)) == [
                .discardPack(generation: generation), .pack(generation: generation),
            ]
        )
        #expect(end(Self.seat(generation, 1), .exited(70)) == [], "it was started with the same pack")
        #expect(model.timer(at: now + .seconds(10), limiter: &limiter) == [], "no start without a pack")
        _ = model.packed(generation: generation, key: "k\(generation)", at: now)
        now += .seconds(10)
        #expect(model.timer(at: now, limiter: &limiter).count == 2)
        _ = model.hello(Self.seat(generation), at: now)
        model.reported(Self.seat(generation), .pack, "checksum")
        _ = end(Self.seat(generation), .exited(70))
        // Rolled back: the other seat ends, and the load is answered.
        #expect(outcome(end(Self.seat(generation, 1), .signalled(15)))?.code == .dataLoss)
    }

    /// The second time for the reason that a failed reload left behind.
    @Test mutating func eachTimeThatNobodyAnswersTheQueueIsClosed() {
        for _ in 0..<2 {
            let generation = serve()
            let (new, _) = model.load(slots: [0], at: now)
            _ = model.packFailed(generation: new, .failedPrecondition, "no weights", at: now)
            #expect(model.reason == "no weights")
            #expect(model.state == .ready)
            now += .seconds(60)
            _ = end(Self.seat(generation), .signalled(9))
            now += .seconds(60)
            _ = model.timer(at: now, limiter: &limiter)
            _ = model.hello(Self.seat(generation), at: now)
            model.reported(Self.seat(generation), .pack, "checksum")
            _ = end(Self.seat(generation), .exited(70))
            let actions = model.packFailed(generation: generation, .failedPrecondition, "no weights", at: now)
            #expect(actions == [.close(Refusal(.unavailable, "no weights"))])
            #expect(model.state == .unavailable)
            #expect(model.timer(at: now + .seconds(60), limiter: &limiter) == [], "once is enough")
        }
    }

    @Test mutating func aServingGenerationNeverMixesCheckpoints() {
        let generation = serve()
        _ = end(Self.seat(generation), .signalled(9))
        now += .seconds(10)
        _ = model.timer(at: now, limiter: &limiter)
        _ = model.hello(Self.seat(generation), at: now)
        model.reported(Self.seat(generation), .pack, "checksum")
        #expect(end(Self.seat(generation), .exited(70)).contains(.pack(generation: generation)))
        let actions = model.packed(generation: generation, key: "another", at: now)
        #expect(actions.contains { if case .close(let refusal) = $0 { refusal.code == .unavailable } else { false } })
        #expect(model.state == .unavailable)
        #expect(model.reason?.contains("reload") == true)
    }

    @Test mutating func aDeathRestartsOneForOne() {
        let generation = serve(2)
        model.provedUseful(Self.seat(generation))
        now += .seconds(1)
        #expect(end(Self.seat(generation), .signalled(9)) == [])
        #expect(model.state == .ready)
        #expect(model.timer(at: now, limiter: &limiter) == [.seat(Self.seat(generation), .spawn)])
        _ = model.hello(Self.seat(generation), at: now)
        #expect(model.ready(Self.seat(generation), at: now) == [.seat(Self.seat(generation), .enlist)])
    }

    @Test mutating func whenAllSeatsAreGivenUpTheModelIsUnavailable() {
        let generation = serve()
        for death in 1...6 {
            let actions = end(Self.seat(generation), .signalled(11))
            guard death == 6 else {
                #expect(actions == [])
                now += .seconds(4)
                _ = model.timer(at: now, limiter: &limiter)
                _ = model.hello(Self.seat(generation), at: now)
                _ = model.ready(Self.seat(generation), at: now)
                continue
            }
            #expect(actions.contains { if case .close = $0 { true } else { false } })
        }
        #expect(model.state == .unavailable)
        #expect(!model.isChanging)
        // It goes on trying beside what is loaded anew.
        let (next, actions) = model.load(slots: [0], at: now)
        #expect(actions == [.pack(generation: next)])
        #expect(model.state == .loading)
    }

    /// Brings the generation's seat down, and gives what its last death leads to.
    mutating func giveUp(_ generation: UInt64) -> [Action] {
        for _ in 1...4 {
            #expect(end(Self.seat(generation), .exited(3)) == [])
            now += .seconds(30)
            #expect(model.timer(at: now, limiter: &limiter) == [.seat(Self.seat(generation), .spawn)])
            _ = model.hello(Self.seat(generation), at: now)
        }
        return end(Self.seat(generation), .exited(3))
    }

    @Test mutating func whatIsGivenUpTriesAgainAndServesByItself() {
        let generation = startGeneration()
        let actions = giveUp(generation)
        #expect(outcome(actions)?.code == .unavailable)
        guard case .close(let refusal)? = actions.last else {
            Issue.record("\(actions)")
            return
        }
        #expect(refusal.retryAfter == Pause.first)
        #expect(model.state == .unavailable && model.reason == refusal.message)
        #expect(refusal.message.contains("5 starts in a row"))
        // One start each time, after pauses that double.
        for seconds in [30, 60, 120, 240, 300, 300] {
            #expect(model.deadline == .at(now + .seconds(seconds)))
            now += .seconds(seconds)
            #expect(model.timer(at: now, limiter: &limiter) == [.seat(Self.seat(generation), .spawn)])
            #expect(model.state == .unavailable, "nobody waits for what may fail again")
            _ = model.hello(Self.seat(generation), at: now)
            #expect(end(Self.seat(generation), .exited(3)) == [])
        }
        now += .seconds(300)
        _ = model.timer(at: now, limiter: &limiter)
        _ = model.hello(Self.seat(generation), at: now)
        #expect(
            model.ready(Self.seat(generation), at: now) == [
                .seat(Self.seat(generation), .enlist), .activate(generation: generation),
            ]
        )
        #expect(model.state == .ready && model.reason == nil)
    }

    /// What it is given up for turns out to be the checkpoint's fault.
    @Test mutating func whatIsRefusedAtLastIsFinal() {
        let generation = startGeneration()
        _ = giveUp(generation)
        now += .seconds(30)
        _ = model.timer(at: now, limiter: &limiter)
        _ = model.hello(Self.seat(generation), at: now)
        model.reported(Self.seat(generation), .configuration, "model_type 'bart'")
        #expect(end(Self.seat(generation), .exited(78)) == [.close(Refusal(.unavailable, "model_type 'bart'"))])
        #expect(model.deadline == .never)
    }

    @Test mutating func aPackThatCannotBeMadeNowIsTriedAgain() {
        let (generation, _) = model.load(slots: [0], at: now)
        for seconds in [30, 60, 120] {
            let actions = model.packFailed(generation: generation, .unavailable, "it is written to", at: now)
            #expect(outcome(actions)?.code == (seconds == 30 ? .unavailable : nil))
            #expect(model.state == .unavailable && model.reason == "it is written to")
            #expect(!model.isChanging)
            #expect(model.deadline == .at(now + .seconds(seconds)))
            now += .seconds(seconds)
            #expect(model.timer(at: now, limiter: &limiter) == [.pack(generation: generation)])
            #expect(model.timer(at: now, limiter: &limiter) == [], "one at a time")
        }
        let spawns = model.packed(generation: generation, key: "k", at: now)
        #expect(spawns == [.seat(Self.seat(generation), .spawn)])
        #expect(model.state == .unavailable)
        _ = model.hello(Self.seat(generation), at: now)
        #expect(model.ready(Self.seat(generation), at: now).contains(.activate(generation: generation)))
        #expect(model.state == .ready)
        // It was there, and the next time is another story.
        model.reported(Self.seat(generation), .pack, "the pack is damaged")
        #expect(end(Self.seat(generation), .exited(70)).contains(.pack(generation: generation)))
        _ = model.packFailed(generation: generation, .unavailable, "it is written to", at: now)
        #expect(model.deadline == .at(now + .seconds(30)))
    }

    /// What serves is not put at risk for it: the reload has failed.
    @Test mutating func aPackOfAReloadIsNotTriedAgain() {
        let old = serve()
        let (new, _) = model.load(slots: [0], at: now)
        let actions = model.packFailed(generation: new, .unavailable, "it is written to", at: now)
        #expect(actions.first == .release(generation: new))
        #expect(outcome(actions)?.generation == old)
        #expect(model.deadline == .never)
    }

    /// One of two seats is given up, and comes back beside the other one.
    @Test mutating func aSeatThatIsGivenUpComesBack() {
        let generation = serve(2)
        for _ in 1...5 {
            _ = end(Self.seat(generation, 1), .exited(3))
            now += .seconds(2)
            #expect(model.timer(at: now, limiter: &limiter) == [.seat(Self.seat(generation, 1), .spawn)])
        }
        #expect(end(Self.seat(generation, 1), .exited(3)) == [])
        #expect(model.state == .ready)
        #expect(model.deadline == .at(now + .seconds(30)))
        now += .seconds(30)
        _ = model.timer(at: now, limiter: &limiter)
        _ = model.hello(Self.seat(generation, 1), at: now)
        let actions = model.ready(Self.seat(generation, 1), at: now)
        #expect(actions == [.seat(Self.seat(generation, 1), .enlist)])
    }

    @Test mutating func unloadEndsEverything() {
        let old = serve()
        let new = startGeneration()
        let actions = model.unload(gracefully: true, Refusal(.unavailable, "bye"), at: now)
        #expect(actions.contains(.close(Refusal(.unavailable, "bye"))))
        #expect(outcome(actions)?.code == .aborted)
        #expect(actions.contains(.seat(Self.seat(new), .terminate)))
        #expect(actions.contains(.seat(Self.seat(old), .drain)))
        #expect(!end(Self.seat(new), .signalled(15)).contains(.unloaded))
        _ = model.drained(Self.seat(old), at: now)
        #expect(end(Self.seat(old)).contains(.unloaded))
    }

    @Test func seatsSpreadOverTheLeastUsedSlots() {
        #expect(placeSeats(count: 2, loads: [1, 0, 0]) == [1, 2])
        #expect(placeSeats(count: 5, loads: [0, 0]) == [0, 1, 0, 1, 0])
        #expect(placeSeats(count: 1, loads: []) == [])
    }
}
