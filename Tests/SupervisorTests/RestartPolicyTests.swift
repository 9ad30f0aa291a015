import Supervisor
import Testing
import Time

extension RestartPolicy {
    fileprivate mutating func died(
        startedAt: Instant,
        readyAt: Instant?,
        isUseful: Bool = false,
        isFromOutside: Bool = false,
        at now: Instant
    ) -> Verdict {
        died(
            startedAt: startedAt,
            readyAt: readyAt,
            isUseful: isUseful,
            isFromOutside: isFromOutside,
            jitter: 0.5,
            at: now
        )
    }
}

@Suite struct RestartPolicyTests {
    @Test func progressRestartsAtOnceButNotWithinTheFloor() {
        var policy = RestartPolicy()
        let end = Instant.start + .seconds(5)
        let late = policy.died(startedAt: .start, readyAt: .soon, isUseful: true, at: end)
        #expect(late == .restart(at: end))
        let early = policy.died(startedAt: end, readyAt: end, isUseful: true, at: end + .nanoseconds(1))
        #expect(early == .restart(at: end + RestartPolicy.floor))
    }

    @Test func withoutProgressTheDelayDoublesUpToTheCeilingWithJitter() {
        var policy = RestartPolicy()
        var now = Instant.start
        var delays: [Duration] = []
        for _ in 0..<12 {
            // Slow enough that the deaths never gather within the window.
            now += .seconds(40)
            let verdict = policy.died(startedAt: now, readyAt: now, at: now)
            guard case .restart(let time) = verdict else {
                Issue.record("given up: \(verdict)")
                return
            }
            delays.append(time - now)
        }
        let expected = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000]
        #expect(delays == expected.map { .milliseconds($0) })
        var low = RestartPolicy()
        var high = RestartPolicy()
        let least = low.died(
            startedAt: .start,
            readyAt: .start,
            isUseful: false,
            isFromOutside: false,
            jitter: 0,
            at: .start
        )
        #expect(least == .restart(at: .start + .milliseconds(80)))
        let most = high.died(
            startedAt: .start,
            readyAt: .start,
            isUseful: false,
            isFromOutside: false,
            jitter: 0.999_999,
            at: .start
        )
        #expect(most == .restart(at: .start + .nanoseconds(119_999_960)))
    }

    @Test func aHealthyMinuteStartsTheDoublingAnew() {
        var policy = RestartPolicy()
        for _ in 0..<3 {
            _ = policy.died(startedAt: .start, readyAt: .start, at: .start)
        }
        let now = Instant.start + .seconds(100)
        let verdict = policy.died(startedAt: .start, readyAt: now - .seconds(60), at: now)
        #expect(verdict == .restart(at: now + RestartPolicy.floor))
    }

    @Test func theSixthDeathWithoutProgressWithinTheWindowGivesUp() {
        var policy = RestartPolicy()
        for death in 0..<5 {
            let now = Instant.start + .seconds(5) * death
            let verdict = policy.died(startedAt: now, readyAt: now, at: now)
            guard case .restart = verdict else {
                Issue.record("given up after \(death + 1)")
                return
            }
        }
        let now = Instant.start + .seconds(29)
        guard case .giveUp = policy.died(startedAt: now, readyAt: now, at: now) else {
            Issue.record("not given up")
            return
        }
    }

    @Test func fiveStartsThatNeverBecameReadyGiveUpHoweverSlow() {
        var policy = RestartPolicy()
        for start in 1...5 {
            let now = Instant.start + .seconds(100) * start
            let verdict = policy.died(startedAt: now, readyAt: nil, at: now)
            if case .giveUp = verdict { #expect(start == 5) } else { #expect(start < 5) }
        }
    }

    /// Whoever has ended it says nothing about it. Who keeps it from becoming ready is waited for, and then told of.
    @Test func whatComesFromOutsideGivesUpLate() {
        var policy = RestartPolicy()
        var now = Instant.start
        for _ in 1...100 {
            let verdict = policy.died(startedAt: now, readyAt: now, isFromOutside: true, at: now)
            #expect(verdict == .restart(at: now + RestartPolicy.floor))
        }
        let start = now
        for attempt in 1...100 {
            switch policy.died(startedAt: now, readyAt: nil, isFromOutside: true, at: now) {
            case .restart(let next):
                #expect(attempt < 8 && next > now && next - now <= RestartPolicy.ceiling)
                now = next
            case .giveUp(_, let next):
                #expect(attempt >= 8 && now - start > .seconds(10))
                #expect(next - now >= .seconds(24) && next - now <= .seconds(360), "it is not tried all the time")
                now = next
            }
        }
        // Once it was ready, it begins anew.
        now += RestartPolicy.healthy
        _ = policy.died(startedAt: now, readyAt: now - RestartPolicy.healthy, isFromOutside: true, at: now)
        for _ in 1...4 {
            guard case .restart = policy.died(startedAt: now, readyAt: nil, at: now) else {
                Issue.record("given up")
                return
            }
        }
    }

    /// A request is to blame for what it did to a worker.
    @Test func deathsOfRequestsNeverGiveUp() {
        var policy = RestartPolicy()
        for _ in 1...100 {
            let verdict = policy.died(startedAt: .start, readyAt: .start, isUseful: true, at: .start)
            #expect(verdict == .restart(at: .start + RestartPolicy.floor))
        }
    }

    @Test func whatWasGivenUpHasOneStartAfterEachPauseUntilItIsHealthy() {
        var policy = RestartPolicy()
        var now = Instant.start
        for _ in 1...4 { _ = policy.died(startedAt: now, readyAt: nil, at: now) }
        for seconds in [30, 60, 120, 240, 300, 300] {
            // That it was ready for a moment changes nothing.
            let verdict = policy.died(startedAt: now, readyAt: seconds == 120 ? now : nil, at: now)
            guard case .giveUp(_, let retryAt) = verdict else {
                Issue.record("not given up after \(seconds) s")
                return
            }
            #expect(retryAt == now + .seconds(seconds))
            now = retryAt
        }
        let verdict = policy.died(startedAt: now, readyAt: now - .seconds(60), at: now)
        #expect(verdict == .restart(at: now + RestartPolicy.floor))
        var pause = Pause()
        #expect(pause.next(jitter: 0) == .seconds(24))
        #expect(pause.next(jitter: 0.999_999) > .seconds(71))
    }

    @Test func becomingReadyForgivesFailedStarts() {
        var policy = RestartPolicy()
        for start in 1...30 {
            let now = Instant.start + .seconds(100) * start
            let readyAt = start % 4 == 0 ? now : nil
            let verdict = policy.died(startedAt: now, readyAt: readyAt, at: now)
            if case .giveUp = verdict { Issue.record("given up at \(start)") }
        }
    }

    @Test func theLimiterAllowsABurstAndThenARate() {
        var limiter = SpawnLimiter()
        var allowed = 0
        while limiter.take(at: .start) == nil, allowed < 100 { allowed += 1 }
        #expect(allowed == 16)
        guard let next = limiter.take(at: .start) else {
            Issue.record("no limit")
            return
        }
        #expect((.milliseconds(124) ... .milliseconds(126)).contains(next - .start))
        #expect(limiter.take(at: next) == nil)
        #expect(limiter.take(at: next) != nil)
    }
}
