import Messages
import Supervisor
import Testing

@Suite struct WorkerLifecycleTests {
    typealias Lifecycle = WorkerLifecycle

    var limiter = SpawnLimiter()

    /// A seat whose worker is ready at time 0.
    static func readySeat() -> Lifecycle {
        var seat = Lifecycle()
        _ = seat.start(at: 0)
        _ = seat.hello(at: 0)
        _ = seat.ready(at: 0)
        return seat
    }

    @Test func theWayToReady() {
        var seat = Lifecycle()
        #expect(seat.start(at: 1) == [.spawn])
        #expect(seat.start(at: 1) == [])
        #expect(seat.hello(at: 2) == [.sendLoad])
        #expect(seat.ready(at: 3) == [.enlist])
        #expect(seat.isReady)
        #expect(seat.deadline == nil)
    }

    @Test mutating func silenceIsKilledAndCounted() {
        var seat = Lifecycle()
        _ = seat.start(at: 0)
        let deadline = seat.timeouts.hello
        #expect(seat.deadline == deadline)
        #expect(seat.timer(at: deadline - 1, limiter: &limiter) == [])
        #expect(seat.timer(at: deadline, limiter: &limiter) == [.kill])
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: deadline)
        #expect(seat.state == .backoff(until: deadline + RestartPolicy.floor))
        #expect(seat.lastEnd?.contains("no Hello") == true)
        #expect(seat.timer(at: deadline + RestartPolicy.floor, limiter: &limiter) == [.spawn])
        #expect(seat.restarts == 1)
    }

    @Test mutating func loadingIsLimitedInItsSilence() {
        var seat = Lifecycle()
        _ = seat.start(at: 0)
        let early = seat.heard(at: 1)
        #expect(!early, "Hello is due, and nothing else")
        #expect(seat.deadline == seat.timeouts.hello)
        _ = seat.hello(at: 5)
        var now: Int64 = 5
        for _ in 0..<3 {
            now += seat.timeouts.load - 1
            #expect(seat.timer(at: now, limiter: &limiter) == [])
            let counts = seat.heard(at: now)
            #expect(counts)
        }
        #expect(seat.deadline == now + seat.timeouts.load)
        #expect(seat.timer(at: now + seat.timeouts.load, limiter: &limiter) == [.kill])
        let late = seat.heard(at: now + seat.timeouts.load)
        #expect(!late)
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: now + seat.timeouts.load)
        #expect(seat.lastEnd == "not ready, and no progress for 60000 ms (killed by SIGKILL)")
        var ready = Self.readySeat()
        let counts = ready.heard(at: 1)
        #expect(!counts && ready.deadline == nil)
    }

    @Test func aFrameOutOfTurnIsAViolationInEveryState() {
        var starting = Lifecycle()
        _ = starting.start(at: 0)
        #expect(starting.ready(at: 0) == [.kill])
        var ready = Self.readySeat()
        #expect(ready.hello(at: 0) == [.kill])
        #expect(ready.violation("again", at: 0) == [], "once is enough")
    }

    @Test func progressRestartsAtOnce() {
        var seat = Self.readySeat()
        seat.completedBatch()
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: 5_000_000_000)
        #expect(seat.state == .backoff(until: 5_000_000_000))
    }

    @Test func aConfigurationFailureNeverRespawns() {
        for byCode in [true, false] {
            var seat = Lifecycle()
            _ = seat.start(at: 0)
            _ = seat.hello(at: 0)
            if !byCode { seat.reported(.configuration, "model_type 'bart'") }
            seat.ended(.exited(byCode ? 78 : 70), description: "exit", jitter: 0.5, at: 0)
            #expect(seat.state == .refused(byCode ? "exit" : "model_type 'bart'"))
            #expect(seat.isOver)
            #expect(seat.deadline == nil)
        }
    }

    @Test mutating func aGracefulStopDrainsThenTerminatesThenKills() {
        var seat = Self.readySeat()
        #expect(seat.stop(gracefully: true, at: 0) == [.drain])
        #expect(seat.stop(gracefully: true, at: 0) == [], "it goes on")
        #expect(seat.timer(at: seat.timeouts.drain, limiter: &limiter) == [.terminate])
        let killAt = seat.timeouts.drain + seat.timeouts.terminate
        #expect(seat.timer(at: killAt, limiter: &limiter) == [.kill])
        seat.ended(.signalled(9), description: "killed by SIGKILL", jitter: 0.5, at: killAt)
        #expect(seat.state == .stopped)
    }

    @Test func aDrainedWorkerIsAskedToExit() {
        var seat = Self.readySeat()
        _ = seat.stop(gracefully: true, at: 0)
        #expect(seat.drained(at: 5) == [.sendDrain])
        seat.ended(.exited(0), description: "exit 0", jitter: 0.5, at: 6)
        #expect(seat.state == .stopped)
    }

    @Test func stoppingWithoutAProcessIsImmediate() {
        var idle = Lifecycle()
        #expect(idle.stop(gracefully: true, at: 0) == [])
        #expect(idle.state == .stopped)
        var backoff = Self.readySeat()
        backoff.ended(.signalled(11), description: "killed by SIGSEGV", jitter: 0.5, at: 0)
        #expect(backoff.stop(gracefully: false, at: 0) == [])
        #expect(backoff.state == .stopped)
    }

    @Test mutating func aSpawnThatFailsCountsAsAFailedStart() {
        var seat = Lifecycle()
        _ = seat.start(at: 0)
        var now: Int64 = 0
        for attempt in 1...5 {
            seat.ended(.neverStarted("EAGAIN"), description: "EAGAIN", jitter: 0.5, at: now)
            guard let deadline = seat.deadline else {
                #expect(attempt == 5)
                break
            }
            now = deadline
            #expect(seat.timer(at: now, limiter: &limiter) == [.spawn])
        }
        guard case .failed(let reason) = seat.state else {
            Issue.record("\(seat.state)")
            return
        }
        #expect(reason.contains("EAGAIN"))
    }
}
