import Messages
import Supervisor
import Testing
import Time

/// What can be answered in time is, and what cannot be is refused at once (row 65); and what is known of a model's speed is learned
/// from its workers alone (row 72).
@Suite struct SchedulerAdmissionTests {
    /// Of a worker of `Simulation`, in full batches.
    static let capacity = 512 / (2000e-6 + 512 * 100e-6)

    private func load(_ factor: Double, workers: Int, seconds: Int, timeout: Duration?, clients: Int = 1)
        -> [Simulation.Request]
    {
        Simulation.load(
            tokensPerSecond: factor * Double(workers) * Self.capacity,
            lasting: .seconds(seconds),
            timeout: timeout,
            clients: clients
        )
    }

    /// Batches may take a third of the timeout.
    @Test(arguments: [1, 4], [1, 20]) func row65OverloadOfASlowModelLeavesNineTenthsToo(workers: Int, clients: Int) {
        func simulate(timeout: Duration?) -> Simulation {
            let simulation = Simulation(workers: workers)
            simulation.batchTime = { .microseconds(2000 + 600 * $0) }
            let requests = Simulation.load(
                tokensPerSecond: 8 * Double(workers) * 512 / (2000e-6 + 512 * 600e-6),
                lasting: .seconds(12),
                timeout: timeout,
                clients: clients
            )
            simulation.run(requests, until: .start + .seconds(12))
            return simulation
        }
        let (patient, urgent) = (simulate(timeout: nil), simulate(timeout: .seconds(1)))
        let goodput = Double(urgent.tokens()) / Double(patient.tokens())
        #expect(
            goodput >= 0.9,
            "\(goodput); \(urgent.count(.deadlineExceeded)) late, \(urgent.refusedLate) refused later"
        )
    }

    @Test(arguments: [1, 4], [1, 5]) func row65OverloadLeavesNineTenthsOfTheGoodput(workers: Int, clients: Int) {
        let end = Instant.start + .seconds(6)
        let patient = Simulation(workers: workers)
        patient.run(load(8, workers: workers, seconds: 6, timeout: nil), until: end)
        let simulation = Simulation(workers: workers)
        simulation.run(load(8, workers: workers, seconds: 6, timeout: .seconds(1), clients: clients), until: end)
        let goodput = Double(simulation.tokens()) / Double(patient.tokens())
        let (refused, late) = (simulation.count(.resourceExhausted), simulation.count(.deadlineExceeded))
        #expect(goodput >= 0.9, "\(goodput) of the capacity; \(refused) refused, \(late) late")
        #expect(refused > simulation.requests.count / 2)
        // Before the first batch was done nothing was known, and all that came was accepted.
        #expect(Double(late + simulation.refusedLate) < 0.04 * Double(simulation.requests.count))
        for outcome in simulation.outcomes.values where outcome.status == .resourceExhausted {
            #expect(outcome.retryAfter.map { $0 > .zero && $0 <= .seconds(5) } == true)
        }
    }

    @Test(arguments: [1, 4]) func whatCanBeDoneIsNotRefused(workers: Int) {
        let simulation = Simulation(workers: workers)
        let end = Instant.start + .seconds(20)
        simulation.run(load(0.8, workers: workers, seconds: 18, timeout: .seconds(1), clients: 3), until: end)
        #expect(simulation.count(.ok) == simulation.requests.count)
    }

    /// Alone a short text takes ten milliseconds, and fifty of them together fifteen.
    @Test func manyShortTextsAreReckonedAsTheBatchesThatTheyMake() {
        let simulation = Simulation()
        simulation.batchTime = { .microseconds(10_000 + 10 * $0) }
        func burst(_ count: Int, at time: Duration, timeout: Duration) -> [Simulation.Request] {
            Array(repeating: Simulation.Request(at: .start + time, tokens: 10, timeout: timeout), count: count)
        }
        let alone = (0..<40).map {
            Simulation.Request(at: .start + .milliseconds(20 * $0), tokens: 10, timeout: .seconds(1))
        }
        simulation.run(alone, until: .start + .seconds(1))
        simulation.run(burst(300, at: .seconds(1), timeout: .milliseconds(150)), until: .start + .seconds(2))
        #expect(simulation.count(.ok) == 340, "six batches take 90 ms")
        // Of what takes 300 ms, what can be done in 150 is.
        simulation.run(burst(1000, at: .seconds(2), timeout: .milliseconds(150)), until: .start + .seconds(3))
        let done = simulation.count(.ok) - 340
        #expect((300...500).contains(done), "\(done)")
        #expect(simulation.count(.deadlineExceeded) == 0 && simulation.refusedLate == 0)
    }

    /// Whatever was learned while all was slow, or of other texts, is forgotten when it is no longer so.
    @Test(arguments: [20, 1000]) func pessimismPasses(slowness: Int) {
        let simulation = Simulation()
        simulation.batchTime = { .microseconds(slowness * (2000 + 100 * $0)) }
        simulation.run(load(2, workers: 1, seconds: 5, timeout: .seconds(1)), until: .start + .seconds(5))
        simulation.batchTime = { .microseconds(2000 + 100 * $0) }
        // What computes ends as it began.
        simulation.run([], until: .start + .seconds(200))
        func refused(from start: Int) -> Int {
            let before = simulation.count(.resourceExhausted)
            let more = Simulation.load(
                tokensPerSecond: 0.8 * Self.capacity,
                from: .start + .seconds(start),
                lasting: .seconds(5),
                timeout: .seconds(1),
                seed: UInt64(start)
            )
            simulation.run(more, until: .start + .seconds(start + 8))
            return simulation.count(.resourceExhausted) - before
        }
        _ = refused(from: 200)
        #expect(refused(from: 210) == 0)
    }

    @Test func whatFindsNothingBeforeItIsTried() {
        let harness = SchedulerHarness(policy: SchedulerHarness.policy(tokens: 10))
        harness.submit(1)
        _ = harness.decide()
        harness.now += .seconds(10)
        #expect(harness.finish(1, 1))
        // Ten tokens take ten seconds.
        harness.submit(2, deadline: .at(harness.now + .seconds(1)))
        #expect(harness.decide().compactMap(\.started) == [[2]])
        harness.submit(3, deadline: .at(harness.now + .seconds(1)))
        #expect(harness.decide().compactMap(\.started) == [[3]], "committed behind it")
        harness.submit(4, deadline: .at(harness.now + .seconds(1)))
        #expect(harness.decide() == [.prepare(4)], "nothing waits yet")
        harness.submit(5, deadline: .at(harness.now + .seconds(1)))
        harness.submit(6, deadline: .at(harness.now + .seconds(100)))
        harness.submit(7)
        #expect(harness.decide().compactMap(\.refusal?.id) == [5])
    }

    @Test func theRefusalSaysWhyAndWhenItMayBeDone() throws {
        let harness = SchedulerHarness(policy: SchedulerHarness.policy(tokens: 10))
        harness.submit(1)
        _ = harness.decide()
        harness.now += .seconds(1)
        #expect(harness.finish(1, 1))
        harness.submit(2, 3, 4)
        _ = harness.decide()
        // One computes, one is committed and one waits, each for a second.
        harness.submit(5, deadline: .at(harness.now + .seconds(2)))
        guard case .refuse(_, let refusal)? = harness.decide().first else {
            Issue.record("it is accepted")
            return
        }
        #expect(refusal.code == .resourceExhausted && refusal.shed == .deadline)
        #expect(refusal.message.contains("about 4400 ms") && refusal.message.contains("2000 ms are left"))
        #expect(refusal.retryAfter.map { $0 > .milliseconds(2300) && $0 < .milliseconds(2500) } == true)
        // By itself it takes longer than its timeout.
        harness.submit(6, deadline: .at(harness.now + .milliseconds(900)))
        guard case .refuse(_, let hopeless)? = harness.decide().first else {
            Issue.record("it is accepted")
            return
        }
        #expect(hopeless.retryAfter == nil)
    }

    /// Whoever asks for much work and leaves at once makes no worker look faster than it is.
    @Test func whatIsGivenUpShowsNoSpeed() {
        var costs = CostModel()
        costs.learn(batchTokens: 500, after: .milliseconds(500), isFull: true, isWhole: true)
        for _ in 0..<20 {
            costs.learn(batchTokens: 1_000_000, after: .milliseconds(1), isFull: true, isWhole: false)
            costs.learn(batchTokens: 5, after: .milliseconds(100), isFull: false, isWhole: true)
        }
        #expect(costs.rate == 1000)
        // But that it is slower than was known, and that it is faster.
        costs.learn(batchTokens: 500, after: .milliseconds(900), isFull: true, isWhole: false)
        #expect(costs.rate.map { $0 < 1000 } == true)
        costs.learn(batchTokens: 500, after: .milliseconds(100), isFull: false, isWhole: true)
        #expect(costs.rate.map { $0 > 1000 } == true)
        // One that stands out counts for little.
        for _ in 0..<30 { costs.learn(batchTokens: 500, after: .milliseconds(500), isFull: true, isWhole: true) }
        costs.learn(batchTokens: 500, after: .seconds(1000), isFull: true, isWhole: true)
        #expect(costs.rate.map { $0 > 700 } == true)
    }

    /// A worker that computes a thousand tokens per second, and has requests that compute and one that waits.
    private func busy() -> SchedulerHarness {
        let harness = SchedulerHarness(policy: SchedulerHarness.policy(tokens: 10))
        harness.submit(1)
        _ = harness.decide()
        harness.now += .milliseconds(10)
        #expect(harness.finish(1, 1))
        harness.submit(2, 3, 4, from: SchedulerHarness.client(50))
        _ = harness.decide()
        return harness
    }

    /// For how many tokens a request is taken, as its refusal tells.
    private func reckoned(_ harness: SchedulerHarness, bytes: Int, claim: Int = 0, from client: UInt64) throws -> Int {
        func milliseconds(_ bytes: Int, _ claim: Int, _ client: UInt64) throws -> Double {
            let submission = Submission(
                bytes: bytes,
                claim: claim,
                from: SchedulerHarness.client(client),
                deadline: .at(harness.now + .nanoseconds(1))
            )
            harness.scheduler.submit(RequestID(.max), submission, to: SchedulerHarness.model, at: harness.now)
            guard case .refuse(_, let refusal)? = harness.decide().last else { return 0 }
            return Double(try #require(refusal.message.firstMatch(of: /about (\d+) ms/)?.1)) ?? 0
        }
        // What waits before it counts for one that has hardly any tokens, too.
        return try Int((milliseconds(bytes, claim, client) - milliseconds(0, 0, 99)) / 1.1)
    }

    /// What a client says of its requests changes nothing for others, and nothing for itself when it always says the same.
    @Test func row72ClaimsTeachNothing() throws {
        let harness = busy()
        let before = try reckoned(harness, bytes: 4000, from: 2)
        #expect((1150...1250).contains(before), "\(before)")
        // 1 MiB that claims to be one byte of text, again and again; the truth is three tokens per ten bytes.
        for id in 10...60 as ClosedRange<UInt64> {
            #expect(try reckoned(harness, bytes: 1 << 20, claim: 1, from: 1) > 300_000)
            let submission = Submission(bytes: 1 << 20, claim: 1, from: SchedulerHarness.client(1))
            harness.scheduler.submit(RequestID(id), submission, to: SchedulerHarness.model, at: harness.now)
            #expect(harness.decide() == [.prepare(id)])
            harness.scheduler.prepared(RequestID(id), tokens: 314_572, by: WorkerID(1))
            harness.scheduler.cancel(RequestID(id))
            _ = harness.decide()
        }
        for (claim, client) in [(0, 2), (1, 3), (1 << 30, 4)] as [(Int, UInt64)] {
            let after = try reckoned(harness, bytes: 4000, claim: claim, from: client)
            #expect(abs(after - before) <= 15, "\(after) after \(before)")
        }
    }

    @Test func aClaimCountsBesideTheOthersOfItsClient() throws {
        let harness = busy()
        for _ in 0..<20 { #expect(try (1150...1250).contains(reckoned(harness, bytes: 4000, claim: 4000, from: 2))) }
        // Each text with ten labels, and then without again.
        #expect(try (7000...12_000).contains(reckoned(harness, bytes: 4000, claim: 40_000, from: 2)))
        #expect(try (700...1250).contains(reckoned(harness, bytes: 4000, claim: 4000, from: 2)))
    }
}
