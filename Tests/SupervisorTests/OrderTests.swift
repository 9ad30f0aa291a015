import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// What the operator wants of models: unloading, loading, draining.
@Suite struct OrderTests {
    let world: CoreWorld
    let client: ClientID

    init() throws {
        world = CoreWorld.serving()
        client = try #require(world.clients.keys.first)
    }

    private func rounds(_ count: Int = 30) {
        for _ in 0..<count {
            world.now += .milliseconds(100)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
    }

    private func control(_ method: ControlMethod, _ payload: [UInt8]) -> Response? {
        _ = world.call(client, method.rawValue, payload: payload)
        rounds()
        return world.lastControl
    }

    private func load(_ model: String) throws -> [ReloadResult] {
        try ReloadResponse.decode(try #require(control(.load, LoadRequest(model: model).encode())).payload).results
    }

    private func unload(_ model: String) throws -> [ReloadResult] {
        try ReloadResponse.decode(try #require(control(.unload, UnloadRequest(model: model).encode())).payload).results
    }

    private func drain(_ model: String, undo: Bool = false) -> Response? {
        control(.drain, DrainRequest(model: model, undo: undo).encode())
    }

    /// How a request to a model ends.
    private func ask(_ model: String) throws -> StatusCode? {
        let before = world.answers
        let stream = try #require(world.call(client, CoreHistoryTests.embed, model: model))
        rounds()
        #expect(world.clients[client]?.calls[stream] == nil)
        return world.answers.first { $0.value != before[$0.key] ?? 0 }?.key
    }

    private var states: [String: String] {
        Dictionary(uniqueKeysWithValues: world.core.status().models.map { ("\($0.name)@\($0.version)", $0.state) })
    }

    @Test func whatIsUnloadedStaysSoUntilItIsLoaded() throws {
        #expect(try unload("a").map(\.status) == [.ok])
        #expect(states == ["b@1": "READY"] && world.core.status().held == ["a@1:fp32"])
        #expect(try ask("a") == .unavailable)
        #expect(try ask("b") == .ok)
        world.tell(.reload(isFirst: false))
        rounds()
        #expect(control(.reload, ReloadRequest(model: "a").encode())?.status == .unavailable)
        #expect(states == ["b@1": "READY"])
        let loaded = try load("a")
        #expect(loaded.map(\.status) == [.ok] && loaded.map(\.generation) == [1])
        #expect(world.core.status().held.isEmpty)
        #expect(try ask("a") == .ok)
        // What serves is left as it is.
        #expect(try load("a").map(\.generation) == [1])
    }

    @Test func aReferenceMayNameAVersionAndAVariant() throws {
        world.folders["a"]?.versions = [1, 2]
        world.folders["a"]?.configuration.versionPolicy = .all
        world.tell(.reload(isFirst: false))
        rounds()
        #expect(states == ["a@1": "READY", "a@2": "READY", "b@1": "READY"])
        #expect(try unload("a@2").map(\.model) == ["a@2:fp32"])
        #expect(try ask("a@2") == .unavailable)
        #expect(try ask("a") == .ok)
        #expect(try unload("a:fp32").map(\.model) == ["a@1:fp32"])
        #expect(try ask("a") == .unavailable)
        #expect(try load("a@1:fp32").map(\.model) == ["a@1:fp32"])
        #expect(states == ["a@1": "READY", "b@1": "READY"])
        #expect(try load("a").map(\.model) == ["a@1:fp32", "a@2:fp32"])
    }

    @Test func whatIsNotThereIsNotFound() throws {
        for method in [ControlMethod.load, .unload, .drain] {
            for (model, status) in [("z", StatusCode.notFound), ("a@7", .notFound), ("a:", .invalidArgument)] {
                // The three messages have the model as their first field.
                #expect(control(method, LoadRequest(model: model).encode())?.status == status, "\(method) \(model)")
            }
        }
        #expect(try ask("a") == .ok)
    }

    /// It takes nothing new, answers what it has, and only then its workers end.
    @Test func whatWasAcceptedIsAnsweredBeforeAModelIsUnloaded() throws {
        let streams = (0..<5).compactMap { _ in world.call(client, CoreHistoryTests.embed, model: "a") }
        _ = world.call(client, ControlMethod.unload.rawValue, payload: UnloadRequest(model: "a").encode())
        _ = world.call(client, CoreHistoryTests.embed, model: "a")
        #expect(world.answers[.unavailable] == 1 && states["a@1"] == "UNLOADING")
        rounds()
        #expect(streams.count == 5 && world.answers[.ok] == 6)
        #expect(states["a@1"] == nil)
    }

    /// Loaded again before it is gone, it stays, and who wanted it unloaded is told.
    @Test func aModelThatIsLoadedAgainInTimeStays() throws {
        _ = world.call(client, CoreHistoryTests.embed, model: "a")
        let unload = world.call(client, ControlMethod.unload.rawValue, payload: UnloadRequest(model: "a").encode())
        let load = world.call(client, ControlMethod.load.rawValue, payload: LoadRequest(model: "a").encode())
        #expect(unload != nil && load != nil && world.lastControl?.streamID == load)
        rounds()
        #expect(states["a@1"] == "READY" && world.clients[client]?.calls.isEmpty == true)
        #expect(try ask("a") == .ok)
    }

    @Test(arguments: ["a", "a@1", ""]) func drainedIsRefusedUntilItIsUndone(model: String) throws {
        let workers = world.processes.count
        _ = world.call(client, CoreHistoryTests.embed, model: "a")
        let answer = try #require(drain(model))
        let models = try DrainResponse.decode(answer.payload).models
        #expect(models == (model.isEmpty ? ["a@1:fp32", "b@1:fp32"] : ["a@1:fp32"]))
        #expect(world.answers[.ok] == 2, "what was accepted is answered")
        let status = world.core.status()
        #expect(status.state == (model.isEmpty ? "DRAINED" : "READY"))
        #expect(status.models.map(\.drained) == [!model.isEmpty, false])
        world.tell(.reload(isFirst: false))
        rounds()
        #expect(try ask("a") == .unavailable)
        #expect(try ask("b") == (model.isEmpty ? .unavailable : .ok))
        #expect(world.processes.count == workers && world.clients[client]?.isRefused == false)
        #expect(drain(model, undo: true)?.status == .ok)
        #expect(world.core.status().state == "READY")
        #expect(try ask("a") == .ok)
    }

    /// A name means another version as long as there is one.
    @Test func aDrainedVersionLeavesItsNameToTheOthers() throws {
        world.folders["a"]?.versions = [1, 2]
        world.folders["a"]?.configuration.versionPolicy = .all
        world.tell(.reload(isFirst: false))
        rounds()
        #expect(drain("a@2")?.status == .ok)
        #expect(try ask("a") == .ok)
        #expect(try ask("a@2") == .unavailable)
        #expect(drain("a")?.status == .ok)
        #expect(try ask("a") == .unavailable)
        #expect(drain("a@1", undo: true)?.status == .ok)
        #expect(try ask("a") == .ok)
        #expect(try ask("a@2") == .unavailable)
    }

    @Test func nothingIsLoadedThatIsNotAskedFor() throws {
        var limits = CoreWorld.limits
        limits.modelControl = .explicit
        let world = CoreWorld(seed: 1, limits: limits, isCalm: true)
        let client = world.connect()
        world.greet(client)
        var status = world.core.status()
        #expect(status.models.isEmpty && status.held == ["a@1:fp32", "b@1:fp32"] && status.state == "NOT_SERVING")
        _ = world.call(client, ControlMethod.load.rawValue, payload: LoadRequest(model: "b").encode())
        for _ in 0..<30 {
            world.now += .milliseconds(100)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
        world.tell(.reload(isFirst: false))
        status = world.core.status()
        #expect(status.models.map(\.name) == ["b"] && status.held == ["a@1:fp32"])
    }

    /// Each result when it is there, and the end of the stream behind the last.
    @Test func aReloadTellsOfEachModel() throws {
        let stream = try #require(
            world.call(client, ControlMethod.reloadEach.rawValue, payload: ReloadEachRequest().encode())
        )
        rounds()
        #expect(world.reloaded.map(\.model).sorted() == ["a@1:fp32", "b@1:fp32"])
        #expect(world.reloaded.map(\.generation) == [2, 2])
        #expect(world.lastControl?.streamID == stream && world.lastControl?.payload == [])
    }

    @Test func aReloadIsNotWaitedForWhenNobodyWantsThat() throws {
        let payload = ReloadRequest(noWait: true).encode()
        let stream = try #require(world.call(client, ControlMethod.reload.rawValue, payload: payload))
        #expect(world.lastControl?.streamID == stream && world.lastControl?.payload == [])
        #expect(world.core.status().models.map(\.generation) == [1, 1])
        rounds()
        #expect(world.core.status().models.map(\.generation) == [2, 2])
    }
}
