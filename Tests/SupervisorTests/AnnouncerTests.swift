import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// What the service manager is told, and when.
@Suite struct AnnouncerTests {
    private func work(_ world: CoreWorld, until isDone: () -> Bool) {
        for _ in 0..<300 where !isDone() {
            world.now += .milliseconds(100)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
        #expect(isDone())
    }

    @Test func theServerIsReadyWhenAllModelsAreAndSaysSoOnce() {
        let world = CoreWorld(seed: 1, isCalm: true)
        #expect(
            world.announcements.state == nil
                && world.announcements.status == "0 of 2 models ready; not a@1:fp32, b@1:fp32"
        )
        work(world) { world.announcements.state != nil }
        #expect(world.core.status().state == "READY")
        work(world) { world.announcements.status == "2 of 2 models ready" }
        #expect(world.announcements.all.filter { $0 == .ready }.count == 1)
    }

    @Test func aModelThatCannotServeHoldsNobodyUp() {
        let world = CoreWorld(seed: 1, isCalm: true)
        world.behaviours["/r/a/1fp32"] = .configurationError
        work(world) { world.announcements.state == .ready }
        #expect(world.announcements.status == "1 of 2 models ready; not a@1:fp32")
    }

    @Test func hangUpIsAnnouncedUntilItIsDoneAndAClientsReloadIsNot() throws {
        let world = CoreWorld.serving()
        let client = try #require(world.clients.keys.first)
        let before = world.announcements.all.count
        _ = world.call(client, ControlMethod.reload.rawValue, payload: ReloadRequest(model: "a").encode())
        work(world) { world.lastControl != nil }
        #expect(world.announcements.all.count == before)
        world.tell(.reload(isFirst: false))
        world.tell(.reload(isFirst: false))
        #expect(world.announcements.all[before...] == [.reloading, .reloading])
        work(world) { world.announcements.state == .ready }
        #expect(world.core.status().models.allSatisfy { $0.generation > 1 })
        #expect(world.announcements.all[(before + 2)...] == [.ready])
    }

    /// It is accepted in the same moment, and would be refused what it asks.
    @Test func row58WhoComesWhileTheServerEndsIsSentElsewhere() {
        let world = CoreWorld.serving()
        var effects: [Effect] = []
        world.core.handle(.stop, at: world.now)
        world.core.handle(.connected(ClientID(99), user: 7, process: 1), at: world.now)
        world.core.decide(at: world.now, into: &effects)
        let frames = effects.compactMap { effect -> Frame? in
            if case .send(let frame, ClientID(99)) = effect { frame } else { nil }
        }
        guard case .hello? = frames.first, case .goAway? = frames.last, frames.count == 2 else {
            Issue.record("\(frames)")
            return
        }
    }

    @Test func theEndIsAnnouncedAndNothingAfterIt() {
        let world = CoreWorld.serving()
        world.tell(.reload(isFirst: false))
        world.tell(.stop)
        work(world) { world.core.isFinished }
        #expect(world.announcements.state == .stopping && world.announcements.status == "shutting down")
    }
}
