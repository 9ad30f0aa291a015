import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// Rows 34, 35 and 36: a request is blamed for the workers that fail at it, by the core as a whole.
@Suite struct BlameTests {
    static let embed = InferenceMethod.embed.rawValue
    let world = CoreWorld(seed: 1, isCalm: true)
    let client: ClientID

    init() {
        client = world.connect()
        world.greet(client)
        rounds()
    }

    /// Time passes in which every process does what it can.
    private func rounds(_ count: Int = 30) {
        for _ in 0..<count {
            world.now += .milliseconds(100)
            world.settle()
            for process in world.processes.keys.sorted() { world.work(process) }
        }
    }

    private func ask(_ text: String, of model: String = "a", timeout: UInt64 = 0) -> UInt64 {
        world.call(client, Self.embed, model: model, payload: Array(text.utf8), timeout: timeout) ?? 0
    }

    /// Asks, and waits for the answer.
    private func call(_ text: String, of model: String = "a") {
        _ = ask(text, of: model)
        rounds()
    }

    private func cancel(_ stream: UInt64) { world.tell(.frame(client, .cancel(Cancel(streamID: stream)))) }

    /// The process that has been given something, and is not done with it.
    private func busy(_ model: String) throws -> WorkerID {
        try #require(
            world.processes.first { $0.value.load?.name == model && !$0.value.isIdle && $0.value.isReady }?.key
        )
    }

    private var refused: Int { Int(world.core.status().quarantined) }

    /// A request ends two workers and no more, however often it comes, until it has been long enough.
    @Test func row34APoisonedRequestEndsTwoWorkersAndNoMore() {
        for count in 1...5 {
            call("X1")
            #expect(world.answers == [.failedPrecondition: count] && world.deaths == 2)
        }
        #expect(refused == 1)
        call("good")
        #expect(world.answers[.ok] == 1)
        // Another text, and another model.
        call("X2")
        call("X1", of: "b")
        #expect(world.deaths == 6 && refused == 3)
        world.now += .seconds(600)
        world.settle()
        #expect(refused == 0)
        call("X1")
        #expect(world.deaths == 8 && refused == 1)
        #expect(world.sum("requests_quarantined_total") == 4)
    }

    /// Whoever turns it off wants it computed, and forgets what was known.
    @Test func row34WithoutAQuarantineNothingIsKept() {
        call("X1")
        #expect(world.deaths == 2 && refused == 1)
        var settings = world.core.configuration
        settings.quarantine = nil
        world.tell(.configured(settings))
        #expect(refused == 0)
        call("X1")
        #expect(world.deaths == 4 && refused == 0)
        settings.quarantine = .seconds(600)
        world.tell(.configured(settings))
        // Of the other model, whose workers have not died so often yet that nothing is computed again.
        call("X1", of: "b")
        #expect(world.deaths == 6 && refused == 1)
    }

    /// What is loaded anew may be able to compute what the one before could not.
    @Test func row34AReloadEndsAModelsQuarantine() {
        for model in ["a", "b"] { call("X1", of: model) }
        #expect(world.deaths == 4 && refused == 2)
        _ = world.call(
            client,
            ControlMethod.reload.rawValue,
            payload: ReloadRequest(model: "a").encode()
        )
        rounds()
        #expect(world.lastControl?.status == .ok && refused == 1)
        for model in ["a", "b"] { call("X1", of: model) }
        #expect(world.deaths == 6 && refused == 2)
    }

    /// It does not help to leave before the worker dies: by cancelling, by a short timeout, or for good.
    @Test(arguments: ["cancel", "timeout", "disconnect"]) func row34WhoLeavesIsBlamedToo(way: String) throws {
        for count in 1...2 {
            let other = world.connect()
            world.greet(other)
            let timeout: UInt64 = way == "timeout" ? 1000 : 0
            let payload = Array("X1".utf8)
            let stream = world.call(other, Self.embed, model: "a", payload: payload, timeout: timeout)
            let worker = try busy("a")
            switch way {
            case "cancel": world.tell(.frame(other, .cancel(Cancel(streamID: stream ?? 0))))
            case "timeout":
                world.now += .milliseconds(2)
                world.settle()
            default: world.tell(.disconnected(other))
            }
            #expect(world.core.unanswered.requests == 0)
            world.finish(worker, .signalled(11))
            rounds()
            #expect(world.deaths == count && refused == count - 1)
        }
        call("X1")
        #expect(world.deaths == 2 && world.answers[.failedPrecondition] == 1)
    }

    /// The other model of the slot computes, so the request is only prepared when its client leaves.
    @Test func row34WhoLeavesWhileItIsPreparedIsBlamedToo() throws {
        for count in 1...2 {
            var held: [UInt64] = []
            for _ in world.slots { held.append(ask("good", of: "b")) }
            let stream = ask("X1")
            let worker = try #require(
                world.processes.first { $0.value.unreported.count > 0 && $0.value.load?.name == "a" }?.key
            )
            #expect(world.processes[worker]?.batches.isEmpty == true)
            cancel(stream)
            world.finish(worker, .signalled(11))
            rounds()
            #expect(world.deaths == count && refused == count - 1)
        }
        call("X1")
        #expect(world.deaths == 2 && world.answers[.failedPrecondition] == 1)
    }

    /// Many of the same at once: what is found out about one goes for all.
    @Test func row34CopiesThatWaitAreRefused() {
        for _ in 0..<10 { _ = ask("X1") }
        rounds(60)
        #expect(world.answers == [.failedPrecondition: 10])
        // A batch of them on each slot, and one alone.
        #expect(world.deaths <= world.slots.count + 1 && refused == 1)
        #expect(world.core.status().state == "READY")
    }

    /// Beside others: they are answered, and stand under no suspicion after that.
    @Test func row35NeighboursAreAnswered() {
        for text in ["good 1", "X1", "good 2", "good 3"] { _ = ask(text) }
        rounds(60)
        #expect(world.answers == [.ok: 3, .failedPrecondition: 1])
        #expect(refused == 1)
        let deaths = world.deaths
        for text in ["good 1", "good 2", "good 3"] { _ = ask(text) }
        #expect(
            world.processes.values.contains { $0.batches.contains { $0.requestIDs.count == 3 / world.slots.count } }
        )
        rounds()
        #expect(world.answers[.ok] == 6 && world.deaths == deaths)
    }

    /// When a model's workers die so often that nothing is computed again, who brings that is still found out.
    @Test func row34WithoutABudgetItIsFoundOutToo() {
        for number in 1...2 { call("X\(number)") }
        #expect(world.answers == [.failedPrecondition: 2] && world.deaths == 4)
        call("X3")
        #expect(world.answers[.unavailable] == 1 && world.deaths == 5 && refused == 2)
        for _ in 0..<3 { call("X3") }
        #expect(world.answers == [.failedPrecondition: 5, .unavailable: 1])
        #expect(world.deaths == 6 && refused == 3)
    }

    // MARK: - What is told of deaths

    private func crashes() throws -> [Crash] {
        _ = world.call(client, ControlMethod.crashList.rawValue, payload: CrashListRequest().encode())
        return try CrashListResponse.decode(try #require(world.lastControl).payload).crashes
    }

    /// The last 100, by the request that was computed, or by nothing.
    @Test func theLastDeathsAreRemembered() throws {
        call("X1")
        let first = try crashes()
        #expect(first.count == 2 && first.allSatisfy { $0.model == "a@1:fp32" && $0.generation == 1 && $0.pid > 0 })
        #expect(first.allSatisfy { $0.batches.map { $0.requests } == [1] && $0.peakBytes == 17 })
        world.now += .seconds(60)
        rounds()
        for _ in 0..<CrashRecords.capacity {
            let idle = try #require(world.processes.first { $0.value.isReady }?.key)
            world.finish(idle, .signalled(9))
            rounds(3)
        }
        let last = try crashes()
        #expect(last.count == CrashRecords.capacity && last.allSatisfy { $0.batches.isEmpty })
    }

    /// A worker that stands still with nothing to do is its own fault: there is no request, and no crash of one.
    @Test func anIdleWorkerThatHangsBlamesNobody() throws {
        let idle = try #require(world.processes.first { $0.value.load?.name == "a" }?.key)
        world.processes[idle]?.hangs = true
        rounds(50)
        #expect(world.deaths == 1 && world.sum("worker_stalls_total") == 1)
        #expect(try crashes().map { $0.cause } == ["no sign of life for 3000 ms (signalled(9))"])
        call("good")
        #expect(world.answers == [.ok: 1] && refused == 0)
    }

    /// One that is to end, and does not, is missed by nobody.
    @Test func aWorkerThatHangsWhenItIsToEndIsNoDeath() throws {
        let old = try #require(world.processes.first { $0.value.load?.name == "a" }?.key)
        rounds(1)
        world.processes[old]?.hangs = true
        rounds(17)
        _ = world.call(client, ControlMethod.reload.rawValue, payload: ReloadRequest(model: "a").encode())
        rounds(60)
        #expect(world.processes[old] == nil && world.lastControl?.status == .ok)
        #expect(world.deaths == 0 && world.sum("worker_stalls_total") == 0)
    }
}
