import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// What becomes of workers whose pack is written to while they have it mapped, and of a generation for which memory is short.
@Suite struct PackChangeTests {
    private let world: CoreWorld

    /// All workers map the file itself.
    init() {
        var limits = CoreWorld.limits
        limits.numa = .shared
        world = .serving(limits: limits)
    }

    private func work(_ rounds: Int = 100) {
        for _ in 0..<rounds {
            world.now += .milliseconds(100)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
    }

    private func workers(_ model: String) -> [WorkerID] {
        world.processes.filter { $0.value.load?.name == model }.keys.sorted()
    }

    /// Of model `a`.
    private func generation() throws -> UInt64 {
        try #require(world.core.status().models.first { $0.name == "a" && $0.state == "READY" }).generation
    }

    /// The pack that workers of `a` map is written to.
    private func changePack() {
        for pack in world.heldPacks.sorted() where world.keys[pack]?.contains("-a-") == true {
            world.tell(.packChanged(pack))
        }
    }

    private func isAlive(_ worker: WorkerID) -> Bool { world.processes[worker].map { $0.end == nil } ?? false }

    @Test func row21OtherWorkersVerifyAPackThatHasChanged() throws {
        let (before, others) = (workers("a"), workers("b"))
        let generation = try generation()
        changePack()
        changePack()
        work()
        #expect(try self.generation() == generation + 1, "once, however often it is told")
        #expect(Set(workers("a")).isDisjoint(with: before))
        #expect(workers("b") == others)
        #expect(world.processes.values.filter { $0.load?.name == "a" }.contains { $0.load?.verifyPack == true })
        #expect(world.deaths == 0, "nothing that was computed is lost")
    }

    /// The new generation finds the damage. Nobody serves what is damaged for as long as the pack is made anew.
    @Test func row21WorkersWithADamagedPackEndAtOnce() throws {
        let before = workers("a")
        world.behaviours["/r/a/1fp32"] = .packDamaged
        changePack()
        for _ in 0..<50 where before.contains(where: isAlive) { work(1) }
        #expect(!before.contains(where: isAlive))
        world.behaviours = [:]
        work(300)
        #expect(Set(workers("a")).isDisjoint(with: before))
        _ = try generation()
    }

    /// Without another generation the workers that there are verify what they have.
    @Test func row21WhatCannotBeLoadedAnewIsVerifiedByItsSuccessors() throws {
        let before = workers("a")
        let generation = try generation()
        world.behaviours["/r/a/1fp32"] = .noPack
        changePack()
        work()
        #expect(try self.generation() == generation)
        #expect(Set(workers("a")).isDisjoint(with: before))
        #expect(world.processes.values.filter { $0.load?.name == "a" }.contains { $0.load?.verifyPack == true })
    }

    @Test func row31AGenerationThatDoesNotFitIsRefusedAndTheOldOneServesOn() throws {
        let client = world.connect()
        world.greet(client)
        func reload() throws -> ReloadResult {
            let payload = ReloadRequest(model: "a").encode()
            let stream = try #require(world.call(client, ControlMethod.reload.rawValue, payload: payload))
            for _ in 0..<100 where world.clients[client]?.calls[stream] != nil { work(1) }
            let response = try ReloadResponse.decode(try #require(world.lastControl).payload)
            return try #require(response.results.first)
        }
        let (before, generation) = (workers("a"), try generation())
        world.free = UInt64(before.count) * 10 - 1
        let refusal = try reload()
        #expect(refusal.status == .resourceExhausted && refusal.generation == generation)
        #expect(refusal.message == "a generation beside the one that serves needs 1 MiB, and 0 MiB are free")
        #expect(workers("a") == before)
        // The pack is in memory already.
        world.free = UInt64(before.count) * 10
        #expect(try reload().status == .ok)
        #expect(try self.generation() > generation)
    }
}
