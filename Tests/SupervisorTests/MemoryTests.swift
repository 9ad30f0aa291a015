import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// What is held of requests and answers together, and what one client may have others do. That the budget is kept `CoreWorld` looks
/// after each event.
@Suite struct MemoryTests {
    private func serving(_ change: (inout ServerConfiguration) -> Void = { _ in }) -> CoreWorld {
        var limits = CoreWorld.limits
        limits.maxConnections = 2000
        limits.maxInFlight = 5000
        change(&limits)
        return .serving(limits: limits)
    }

    private func open(_ world: CoreWorld) -> ClientID {
        let client = world.connect()
        world.greet(client)
        return client
    }

    private func work(_ world: CoreWorld) {
        for _ in 0..<20 {
            world.now += .milliseconds(1)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
    }

    /// A client that has been there from the beginning, and wants little, gets it.
    private func expectService(_ world: CoreWorld) throws {
        let client = try #require(world.clients.keys.min())
        let stream = try #require(world.call(client, CoreHistoryTests.embed, model: "a", bytes: 10))
        let before = world.answers[.ok] ?? 0
        for _ in 0..<50 where world.clients[client]?.calls[stream] != nil { work(world) }
        #expect(world.answers[.ok] ?? 0 > before, "\(world.answers)")
    }

    private func expectBudgetRefusals(_ world: CoreWorld, from least: Int) {
        #expect(world.refusals.count >= least)
        for refusal in world.refusals {
            #expect(refusal.code == .resourceExhausted && refusal.retryAfter != nil)
            #expect(refusal.message.hasSuffix("the server's memory_budget is 100000"), "\(refusal.message)")
        }
    }

    // MARK: - The budget

    @Test func row64HalfFramesTogetherStayWithinTheBudget() throws {
        let world = serving()
        for number in 1...1024 {
            let client = open(world)
            for bytes in [1, 8000, 16_000] { world.sendHalf(client, bytes: bytes) }
            if number.isMultiple(of: 256) { try expectService(world) }
        }
        #expect(world.core.status().bufferedBytes > 15_000, "so the test is one")
        #expect(world.core.status().memoryBudget == 100_000)
        expectBudgetRefusals(world, from: 1000)
        world.now += .seconds(6)
        world.settle()
        #expect(world.core.status().bufferedBytes == 0)
    }

    @Test func row13ClientsThatNeverReadTogetherStayWithinTheBudget() throws {
        let world = serving { $0.maxOutputBytes = 65_536 }
        for number in 1...100 {
            let client = open(world)
            world.clients[client]?.isDeaf = true
            for _ in 0..<20 { _ = world.call(client, ControlMethod.status.rawValue, payload: StatusRequest().encode()) }
            if number.isMultiple(of: 25) { try expectService(world) }
        }
        #expect(world.core.status().bufferedBytes > 15_000, "so the test is one")
        expectBudgetRefusals(world, from: 80)
        for id in world.clients.keys { world.clients[id]?.isDeaf = false }
        world.settle()
        #expect(world.core.status().bufferedBytes == 0)
    }

    /// However many want much, and fit it to what is left: who wants little is served.
    @Test(arguments: [1, 50]) func row49GreedyClientsLeaveSomethingToOthers(count: Int) throws {
        let world = serving { $0.memoryBudget = 4 << 20 }
        for _ in 0..<count {
            let client = open(world)
            for _ in 0..<20 { _ = world.call(client, CoreHistoryTests.embed, model: "b", bytes: 100_000) }
        }
        let accepted = 20 * count - (world.answers[.resourceExhausted] ?? 0)
        #expect(accepted == (count == 1 ? 5 : 10))
        for bytes in (0..<20).map({ (1 << 20) >> $0 }) {
            _ = world.call(open(world), CoreHistoryTests.embed, model: "b", bytes: bytes)
        }
        try expectService(world)
        for _ in 0..<20 { work(world) }
        #expect(world.core.status().bufferedBytes == 0)
    }

    @Test func whatIsSetAndWhatIsTooLittleForTheLargestFrame() {
        let world = serving { $0.memoryBudget = 1 << 40 }
        #expect(world.core.status().memoryBudget == 1 << 40)
        var settings = world.core.configuration
        settings.memoryBudget = 5
        world.tell(.configured(settings))
        #expect(world.core.status().memoryBudget == 80 << 10)
    }

    // MARK: - Time

    @Test func row12AFrameThatIsNotWholeHasALimitOfTime() {
        let world = serving()
        let client = open(world)
        for bytes in 1...5 {
            world.sendHalf(client, bytes: bytes)
            #expect(world.refusals.isEmpty)
            world.now += .seconds(1)
            world.settle()
        }
        #expect(world.refusals.map(\.code) == [.deadlineExceeded])
        #expect(world.refusals.first?.message == "a frame was begun 5000 ms ago, and is not whole")
        #expect(world.clients[client] == nil)
    }

    @Test func row12WhoGoesOnHasMoreTimeAndEveryFrameItsOwn() {
        let world = serving { $0.maxFrameBytes = 16 << 20 }
        let client = open(world)
        for mebibytes in 1...15 {
            world.sendHalf(client, bytes: mebibytes << 20)
            world.now += .milliseconds(1300)
            world.settle()
        }
        for _ in 0..<20 {
            world.sendHalf(client, bytes: 100, isNew: true)
            world.now += .seconds(4)
            world.settle()
        }
        world.sendHalf(client, bytes: 0)
        world.now += .seconds(100)
        world.settle()
        #expect(world.refusals.isEmpty && world.clients[client] != nil)
    }

    // MARK: - The status

    @Test func row70ManyStatusesAreOneMeasurement() {
        let world = serving { ($0.maxOutputBytes, $0.memoryBudget) = (1 << 20, 4 << 20) }
        let client = open(world)
        let methods = [ControlMethod.status, .metrics].map(\.rawValue)
        let before = world.measurements
        for number in 0..<1000 {
            _ = world.call(client, methods[number % 2], payload: StatusRequest(verbose: true).encode())
        }
        #expect(world.clients[client]?.calls.isEmpty == true, "all are answered at once")
        #expect(world.measurements == before + 1)
        world.now += .milliseconds(249)
        _ = world.call(client, methods[0], payload: StatusRequest(verbose: true).encode())
        #expect(world.measurements == before + 1)
        world.now += .milliseconds(1)
        _ = world.call(client, methods[0], payload: StatusRequest().encode())
        #expect(world.measurements == before + 1)
        _ = world.call(client, methods[0], payload: StatusRequest(verbose: true).encode())
        #expect(world.measurements == before + 2)
    }

    @Test func row70WatchesAreCounted() throws {
        let world = serving { $0.maxOutputBytes = 1 << 20 }
        func watches(_ client: ClientID, _ method: ControlMethod = .watch) -> Bool {
            let payload = method == .watch ? WatchRequest().encode() : EventsRequest().encode()
            let stream = world.call(client, method.rawValue, payload: payload)
            return stream.flatMap { world.clients[client]?.calls[$0] } != nil
        }
        let clients = (0..<16).map { _ in open(world) }
        for client in clients {
            for number in 0..<16 { #expect(watches(client, number % 2 == 0 ? .watch : .events)) }
            #expect(!watches(client) && world.lastControl?.status == .resourceExhausted)
        }
        let other = open(world)
        #expect(!watches(other) && world.lastControl?.status == .resourceExhausted)
        world.tell(.frame(clients[0], .cancel(Cancel(streamID: 1))))
        #expect(watches(other))
    }

    // MARK: - The end of input

    @Test func row75WhoEndsItsSideGetsItsAnswers() throws {
        let world = serving()
        let (client, deaf, silent, stranger) = (open(world), open(world), open(world), world.connect())
        for id in [client, deaf] { _ = world.call(id, CoreHistoryTests.embed, model: "a", bytes: 10) }
        world.clients[deaf]?.isDeaf = true
        for id in [client, deaf, silent, stranger] { world.endInput(id) }
        #expect(world.clients[silent] == nil && world.clients[stranger] == nil, "they wait for nothing")
        #expect(world.clients[client] != nil && world.clients[deaf] != nil)
        let before = world.answers[.ok] ?? 0
        work(world)
        #expect(world.answers[.ok] == before + 2)
        #expect(world.clients[client] == nil && world.clients[deaf] != nil)
        world.clients[deaf]?.isDeaf = false
        world.settle()
        #expect(world.clients[deaf] == nil)
    }

    // MARK: - Towards workers

    @Test func row63AWorkerThatDoesNotReadGetsNothingMore() {
        let harness = SchedulerHarness(slots: 2, workers: 2)
        harness.scheduler.unread(256 << 10 + 1, by: WorkerID(1))
        harness.submit(1, 2)
        #expect(harness.decide().prefix(2) == [.prepare(1, on: 2), .prepare(2, on: 2)])
        harness.scheduler.unread(256 << 10 + 1, by: WorkerID(2))
        harness.submit(3)
        #expect(harness.decide().isEmpty)
        harness.scheduler.unread(256 << 10, by: WorkerID(1))
        #expect(harness.decide() == [.prepare(3), .start(2, [3])])
    }

    /// What waits towards workers counts, whoever has given up on it, until the worker reads it or is gone.
    @Test func row63WhatWorkersHaveNotReadCounts() throws {
        let world = serving()
        let worker = try #require(world.processes.keys.min())
        world.tell(.unread(worker, bytes: 70_000))
        #expect(world.core.status().bufferedBytes == 70_000)
        let client = open(world)
        _ = world.call(client, CoreHistoryTests.embed, model: "b", bytes: 2000)
        #expect(world.answers[.resourceExhausted] == 1)
        world.finish(worker, .signalled(9))
        #expect(world.core.status().bufferedBytes == 0)
    }
}
