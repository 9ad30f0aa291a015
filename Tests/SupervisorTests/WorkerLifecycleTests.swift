import Messages
import Supervisor
import Testing
import Time

@Suite struct WorkerLifecycleTests {
    typealias Lifecycle = WorkerLifecycle

    var limiter = SpawnLimiter()

    /// A seat whose worker is ready at time 0.
    static func readySeat() -> Lifecycle {
        var seat = Lifecycle()
        _ = seat.start(at: .start)
        _ = seat.hello(at: .start)
        _ = seat.ready(at: .start)
        return seat
    }

    @Test func theWayToReady() {
        var seat = Lifecycle()
        #expect(seat.start(at: .soon) == [.spawn])
        #expect(seat.start(at: .soon) == [])
        #expect(seat.hello(at: .start + .nanoseconds(2)) == [.sendLoad])
        #expect(seat.ready(at: .start + .nanoseconds(3)) == [.enlist])
        #expect(seat.isReady)
        #expect(seat.deadline == .never)
    }

    @Test mutating func silenceIsKilledAndCounted() {
        var seat = Lifecycle()
        _ = seat.start(at: .start)
        let deadline = Instant.start + seat.timeouts.hello
        #expect(seat.deadline == .at(deadline))
        #expect(seat.timer(at: deadline - .nanoseconds(1), limiter: &limiter) == [])
        #expect(seat.timer(at: deadline, limiter: &limiter) == [.kill])
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: deadline)
        #expect(seat.state == .backoff(until: deadline + RestartPolicy.floor))
        #expect(seat.lastEnd?.contains("no Hello") == true)
        #expect(seat.timer(at: deadline + RestartPolicy.floor, limiter: &limiter) == [.spawn])
        #expect(seat.restarts == 1)
    }

    @Test mutating func loadingIsLimitedInItsSilence() {
        var seat = Lifecycle()
        _ = seat.start(at: .start)
        let early = seat.heard(at: .soon)
        #expect(!early, "Hello is due, and nothing else")
        #expect(seat.deadline == .at(.start + seat.timeouts.hello))
        _ = seat.hello(at: .start + .nanoseconds(5))
        var now = Instant.start + .nanoseconds(5)
        for _ in 0..<3 {
            now += seat.timeouts.load - .nanoseconds(1)
            #expect(seat.timer(at: now, limiter: &limiter) == [])
            let counts = seat.heard(at: now)
            #expect(counts)
        }
        #expect(seat.deadline == .at(now + seat.timeouts.load))
        #expect(seat.timer(at: now + seat.timeouts.load, limiter: &limiter) == [.kill])
        let late = seat.heard(at: now + seat.timeouts.load)
        #expect(!late)
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: now + seat.timeouts.load)
        #expect(seat.lastEnd == "not ready, and no progress for 60000 ms (killed by SIGKILL)")
        var ready = Self.readySeat()
        let counts = ready.heard(at: .soon)
        #expect(!counts && ready.deadline == .never)
    }

    @Test func aFrameOutOfTurnIsAViolationInEveryState() {
        var starting = Lifecycle()
        _ = starting.start(at: .start)
        #expect(starting.ready(at: .start) == [.kill])
        var ready = Self.readySeat()
        #expect(ready.hello(at: .start) == [.kill])
        #expect(ready.violation("again", at: .start) == [], "once is enough")
    }

    @Test func progressRestartsAtOnce() {
        var seat = Self.readySeat()
        seat.proveUseful()
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: .start + .seconds(5))
        #expect(seat.state == .backoff(until: .start + .seconds(5)))
    }

    @Test func aConfigurationFailureNeverRespawns() {
        for byCode in [true, false] {
            var seat = Lifecycle()
            _ = seat.start(at: .start)
            _ = seat.hello(at: .start)
            if !byCode { seat.reported(.configuration, "model_type 'bart'") }
            seat.ended(.exited(byCode ? 78 : 70), description: "exit", jitter: 0.5, at: .start)
            #expect(seat.state == .refused(byCode ? "exit" : "model_type 'bart'"))
            #expect(seat.isOver)
            #expect(seat.deadline == .never)
        }
    }

    @Test mutating func aGracefulStopDrainsThenTerminatesThenKills() {
        var seat = Self.readySeat()
        #expect(seat.stop(gracefully: true, at: .start) == [.drain])
        #expect(seat.stop(gracefully: true, at: .start) == [], "it goes on")
        #expect(seat.timer(at: .start + seat.timeouts.drain, limiter: &limiter) == [.terminate])
        let killAt = Instant.start + seat.timeouts.drain + seat.timeouts.terminate
        #expect(seat.timer(at: killAt, limiter: &limiter) == [.kill])
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: killAt)
        #expect(seat.state == .stopped)
    }

    @Test mutating func aDrainedWorkerIsAskedToExitAndKilledIfItDoesNot() {
        var seat = Self.readySeat()
        _ = seat.stop(gracefully: true, at: .start)
        #expect(seat.drained(at: .start + .nanoseconds(5)) == [.sendDrain])
        var stuck = seat
        #expect(stuck.timer(at: .start + stuck.timeouts.exit, limiter: &limiter) == [])
        #expect(stuck.timer(at: .start + stuck.timeouts.exit + .nanoseconds(5), limiter: &limiter) == [.kill])
        seat.ended(.exited(0), description: "exit 0", jitter: 0.5, at: .start + .nanoseconds(6))
        #expect(seat.state == .stopped)
    }

    @Test func stoppingWithoutAProcessIsImmediate() {
        var idle = Lifecycle()
        #expect(idle.stop(gracefully: true, at: .start) == [])
        #expect(idle.state == .stopped)
        var backoff = Self.readySeat()
        backoff.ended(.signalled(11), description: "killed by SIGSEGV", jitter: 0.5, at: .start)
        #expect(backoff.stop(gracefully: false, at: .start) == [])
        #expect(backoff.state == .stopped)
    }

    @Test mutating func aSpawnThatFailsIsTriedAgainForEver() {
        var seat = Lifecycle()
        _ = seat.start(at: .start)
        for attempt in 1...50 {
            guard case .at(let now) = seat.deadline else { break }
            seat.ended(.neverStarted("EAGAIN"), description: "EAGAIN", jitter: 0.5, at: now)
            #expect(seat.lastEnd == "EAGAIN")
            // In the end it is given up, so that who waits for it is answered, and tried again all the same.
            if case .failed = seat.state { #expect(attempt >= 8) } else { #expect(attempt < 8) }
            guard case .at(let next) = seat.deadline else { break }
            #expect(seat.timer(at: next, limiter: &limiter) == [.spawn])
        }
        #expect(seat.restarts == 50)
    }

    /// What the supervisor itself has killed for cause is the worker's own fault, whatever signal it was.
    @Test mutating func killsFromOutsideNeverGiveUpAndThoseForCauseDo() {
        for isForCause in [false, true] {
            var seat = Lifecycle()
            var now = Instant.start
            _ = seat.start(at: now)
            for death in 1...20 {
                _ = seat.hello(at: now)
                _ = seat.ready(at: now)
                if isForCause { #expect(seat.violation("garbage", at: now) == [.kill]) }
                seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: now)
                if case .failed = seat.state {
                    #expect(isForCause && death == 6)
                    break
                }
                guard case .backoff(let next) = seat.state else { break }
                now = next
                var limiter = SpawnLimiter()
                #expect(seat.timer(at: now, limiter: &limiter) == [.spawn])
            }
            #expect(seat.restarts == (isForCause ? 5 : 20))
        }
    }
}
