import Supervisor
import Testing

@Suite struct RestartPolicyTests {
    static let second: Int64 = 1_000_000_000

    @Test func progressRestartsAtOnceButNotWithinTheFloor() {
        var policy = RestartPolicy()
        let late = policy.died(startedAt: 0, readyAt: 1, progressed: true, jitter: 0.5, at: 5 * Self.second)
        #expect(late == .restart(at: 5 * Self.second))
        let early = policy.died(startedAt: 100, readyAt: 200, progressed: true, jitter: 0.5, at: 300)
        #expect(early == .restart(at: 100 + RestartPolicy.floor))
    }

    @Test func withoutProgressTheDelayDoublesUpToTheCeilingWithJitter() {
        var policy = RestartPolicy()
        var now: Int64 = 0
        var delays: [Int64] = []
        for _ in 0..<12 {
            // Slow enough that the deaths never gather within the window.
            now += 40 * Self.second
            let verdict = policy.died(startedAt: now, readyAt: now, progressed: false, jitter: 0.5, at: now)
            guard case .restart(let time) = verdict else {
                Issue.record("given up: \(verdict)")
                return
            }
            delays.append((time - now) / 1_000_000)
        }
        #expect(delays == [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000])
        var low = RestartPolicy()
        var high = RestartPolicy()
        #expect(low.died(startedAt: 0, readyAt: 0, progressed: false, jitter: 0, at: 0) == .restart(at: 80_000_000))
        let most = high.died(startedAt: 0, readyAt: 0, progressed: false, jitter: 0.999_999, at: 0)
        #expect(most == .restart(at: 119_999_960))
    }

    @Test func aHealthyMinuteStartsTheDoublingAnew() {
        var policy = RestartPolicy()
        for _ in 0..<3 { _ = policy.died(startedAt: 0, readyAt: 0, progressed: false, jitter: 0.5, at: 0) }
        let now = 100 * Self.second
        let verdict = policy.died(
            startedAt: 0,
            readyAt: now - 60 * Self.second,
            progressed: false,
            jitter: 0.5,
            at: now
        )
        #expect(verdict == .restart(at: now + RestartPolicy.floor))
    }

    @Test func theSixthDeathWithoutProgressWithinTheWindowGivesUp() {
        var policy = RestartPolicy()
        for death in 0..<5 {
            let now = Int64(death) * 5 * Self.second
            let verdict = policy.died(startedAt: now, readyAt: now, progressed: false, jitter: 0.5, at: now)
            guard case .restart = verdict else {
                Issue.record("given up after \(death + 1)")
                return
            }
        }
        let now = 29 * Self.second
        guard case .giveUp = policy.died(startedAt: now, readyAt: now, progressed: false, jitter: 0.5, at: now) else {
            Issue.record("not given up")
            return
        }
    }

    @Test func fiveStartsThatNeverBecameReadyGiveUpHoweverSlow() {
        var policy = RestartPolicy()
        for start in 1...5 {
            let now = Int64(start) * 100 * Self.second
            let verdict = policy.died(startedAt: now, readyAt: nil, progressed: false, jitter: 0.5, at: now)
            if case .giveUp = verdict { #expect(start == 5) } else { #expect(start < 5) }
        }
    }

    @Test func becomingReadyForgivesFailedStarts() {
        var policy = RestartPolicy()
        for start in 1...30 {
            let now = Int64(start) * 100 * Self.second
            let readyAt = start % 4 == 0 ? now : nil
            let verdict = policy.died(startedAt: now, readyAt: readyAt, progressed: false, jitter: 0.5, at: now)
            if case .giveUp = verdict { Issue.record("given up at \(start)") }
        }
    }

    @Test func theLimiterAllowsABurstAndThenARate() {
        var limiter = SpawnLimiter()
        var allowed = 0
        while limiter.take(at: 0) == nil, allowed < 100 { allowed += 1 }
        #expect(allowed == 16)
        guard let next = limiter.take(at: 0) else {
            Issue.record("no limit")
            return
        }
        #expect((124_000_000...126_000_000).contains(next))
        #expect(limiter.take(at: next) == nil)
        #expect(limiter.take(at: next) != nil)
    }
}
