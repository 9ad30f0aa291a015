import Messages
import Supervisor
import Testing
import Time

/// Clients take turns at a model, by tokens (row 50).
@Suite struct SchedulerFairnessTests {
    typealias Harness = SchedulerHarness
    typealias Request = Simulation.Request

    /// Requests that all come at once.
    private func heap(
        _ count: Int,
        of tokens: Int,
        from client: ClientKey,
        priority: Priority = .normal,
        at time: Duration = .zero
    )
        -> [Request]
    {
        let request = Request(at: .start + time, client: client, tokens: tokens, priority: priority)
        return Array(repeating: request, count: count)
    }

    @Test func row50OneRequestBehind950LongOnesIsAnsweredAfterAboutOneBatch() {
        let simulation = Simulation()
        let batch = simulation.batchTime(500)
        let greedy = heap(950, of: 500, from: Harness.client(1))
        let single = Request(at: .start + .milliseconds(70), client: Harness.client(2), tokens: 10)
        simulation.run(greedy + [single], until: .start + .seconds(1))
        let wait = simulation.wait(of: 950) ?? .seconds(99)
        // What computes, what is committed behind it, and its own.
        #expect(wait < batch * 3, "\(wait)")
    }

    @Test func clientsShareByTokensHoweverManyRequestsTheySend() {
        let simulation = Simulation()
        let requests =
            heap(2000, of: 100, from: Harness.client(1)) + heap(20_000, of: 10, from: Harness.client(2))
            + heap(400, of: 500, from: Harness.client(3))
        simulation.run(requests, until: .start + .seconds(6))
        let shares = (1...3).map { client in simulation.tokens { $0.client == Harness.client(UInt64(client)) } }
        let third = Double(shares.reduce(0, +)) / 3
        for share in shares { #expect(abs(Double(share) / third - 1) < 0.1, "\(shares)") }
    }

    @Test func theConnectionsOfOneUserShareWhatIsTheUsers() {
        let simulation = Simulation()
        let many = (1...9).flatMap { heap(300, of: 100, from: Harness.client(UInt64($0), user: 1)) }
        simulation.run(many + heap(2000, of: 100, from: Harness.client(10, user: 2)), until: .start + .seconds(6))
        let all = Double(simulation.tokens())
        let single = Double(simulation.tokens { $0.client.owner == .user(2) }) / all
        #expect(abs(single - 0.5) < 0.05, "\(single)")
        let one = Double(simulation.tokens { $0.client.connection == ClientID(3) }) / all
        #expect(abs(one - 0.5 / 9) < 0.02, "\(one)")
    }

    @Test func theTenantsOfAGatewayShareAsUsersDo() {
        let simulation = Simulation()
        func tenant(_ name: String, on connection: UInt64) -> ClientKey {
            ClientKey(.tenant(name, of: 3), ClientID(connection))
        }
        let (first, second, user) = (tenant("a", on: 1), tenant("b", on: 1), Harness.client(2))
        let again = tenant("a", on: 9)
        let requests =
            heap(3000, of: 100, from: first) + heap(1000, of: 100, from: again) + heap(1000, of: 100, from: second)
            + heap(1000, of: 100, from: user)
        simulation.run(requests, until: .start + .seconds(6))
        let all = Double(simulation.tokens())
        for owner in [first, second, user].map(\.owner) {
            let share = Double(simulation.tokens { $0.client.owner == owner }) / all
            #expect(abs(share - 1.0 / 3) < 0.03, "\(owner): \(share)")
        }
    }

    @Test func whoWasAwayIsOwedNothing() {
        let simulation = Simulation()
        simulation.run(heap(3000, of: 100, from: Harness.client(1)), until: .start + .seconds(5))
        let before = simulation.tokens { $0.client == Harness.client(1) }
        simulation.run(heap(3000, of: 100, from: Harness.client(2), at: .seconds(5)), until: .start + .seconds(10))
        let first = simulation.tokens { $0.client == Harness.client(1) } - before
        let second = simulation.tokens { $0.client == Harness.client(2) }
        #expect(abs(Double(first) / Double(second) - 1) < 0.1, "\(first) beside \(second)")
    }

    @Test func prioritiesShareWhatIsTheirClients() {
        let simulation = Simulation()
        let (one, other) = (Harness.client(1), Harness.client(2))
        let requests =
            Priority.allCases.flatMap { heap(2000, of: 50, from: one, priority: $0) }
            + heap(4000, of: 50, from: other, priority: .low)
        simulation.run(requests, until: .start + .seconds(10))
        let all = Double(simulation.tokens())
        #expect(abs(Double(simulation.tokens { $0.client == one }) / all - 0.5) < 0.05)
        for (priority, share) in [(Priority.low, 1.0), (.normal, 4), (.high, 16)] {
            let tokens = Double(simulation.tokens { $0.client == one && $0.priority == priority })
            #expect(abs(tokens / (all / 2) - share / 21) < 0.03, "\(priority): \(tokens) of \(all / 2)")
        }
    }

    /// A full queue takes what others have a share for, at the cost of whoever has more.
    @Test func aFullQueueHasRoomForWhoHasLessThanItsShare() {
        let harness = Harness(policy: Harness.policy(size: 12), workers: 0)
        func refused() -> [UInt64] { harness.decide().compactMap(\.refusal?.id) }
        for id in 1...12 as ClosedRange<UInt64> { harness.submit(id, from: Harness.client(1)) }
        #expect(refused() == [])
        harness.submit(13, from: Harness.client(1))
        #expect(refused() == [13], "it has all of it")
        var displaced: [UInt64] = []
        for id in 21...26 as ClosedRange<UInt64> {
            harness.submit(id, from: Harness.client(2, user: 8))
            displaced += refused()
        }
        #expect(displaced.count == 6 && displaced.allSatisfy { $0 <= 12 } && !displaced.contains(1))
        harness.submit(27, from: Harness.client(2, user: 8))
        #expect(refused() == [27], "it has half of it")
        // A second connection of the first user has a quarter.
        for id in 31...33 as ClosedRange<UInt64> { harness.submit(id, from: Harness.client(3)) }
        #expect(refused().allSatisfy { $0 <= 12 })
        harness.submit(34, from: Harness.client(3))
        #expect(refused() == [34])
        #expect(harness.scheduler.unanswered == 12)
        harness.scheduler.workerReady(WorkerID(1), queue: Harness.model, slot: 0, at: harness.now)
        #expect(harness.decide().count { if case .prepare = $0 { true } else { false } } == 12)
    }

    @Test func theLessImportantIsDisplacedFirst() {
        let harness = Harness(policy: Harness.policy(size: 3), workers: 0)
        harness.submit(1, priority: .high)
        harness.submit(2, priority: .low)
        harness.submit(3)
        harness.submit(4, from: Harness.client(2))
        let actions = harness.decide()
        guard case .refuse(let id, let refusal)? = actions.first else {
            Issue.record("nobody is displaced")
            return
        }
        #expect(actions.count == 1 && id == RequestID(2) && refusal.shed == .share && refusal.retryAfter != nil)
    }

    /// Requests that look alike, and are ten times as much work when they are one client's.
    @Test func whatCountsIsTheTrueWork() {
        let simulation = Simulation()
        func requests(_ count: Int, of tokens: Int, from client: ClientKey) -> [Request] {
            let request = Request(at: .start, client: client, tokens: tokens, bytes: 160)
            return Array(repeating: request, count: count)
        }
        let (one, other) = (Harness.client(1), Harness.client(2))
        simulation.run(
            requests(1000, of: 100, from: one) + requests(10_000, of: 10, from: other),
            until: .start + .seconds(5)
        )
        let share = Double(simulation.tokens { $0.client == one }) / Double(simulation.tokens())
        #expect(abs(share - 0.5) < 0.05, "\(share)")
    }
}
