import Configuration
import Foundation
import Messages
import Supervisor
import Testing
import Time
import Topology
import Wire

/// How many times its usual work a randomised test does; `ops/nightly` asks for more.
private let effort = ProcessInfo.processInfo.environment["DISTILLERY_FUZZ_FACTOR"].flatMap { Int($0) } ?? 1

/// A debug build, which takes fifteen times as long, has a third of the histories.
#if DEBUG
    private let histories = 4 * effort
#else
    private let histories = 12 * effort
#endif

/// Random histories of the whole core: clients, reloads, deaths, stalls, cancellations, deadlines, shutdown. `CoreWorld`
/// looks after each event whether every request has at most one answer, is known for as long as it has none, is answered by
/// the model that the answer names, and whether what works goes on. Here it is added that at the end, from whatever state,
/// all that can serve serves, and that the end of the server leaves nothing.
@Suite struct CoreHistoryTests {
    static let embed = InferenceMethod.embed.rawValue
    static let references = ["a", "a", "b", "b", "a@1", "a@2", "b:fp32", "b:int8", "c", "a b"]

    @Test(arguments: 1...UInt64(2 * histories)) func fromEveryStateWhatCanServeServesAgain(seed: UInt64) {
        let world = CoreWorld(seed: seed)
        for _ in 0..<600 { step(world) }
        heal(world)
        finish(world)
    }

    /// The server is told to end in the middle of it.
    @Test(arguments: 1...UInt64(histories)) func theEndIsReachedFromEveryState(seed: UInt64) {
        let world = CoreWorld(seed: seed &+ 1_000_000)
        for _ in 0..<300 { step(world) }
        world.tell(.stop)
        for _ in 0..<20 { step(world) }
        if seed % 3 == 0 { world.tell(.stop) }
        finish(world)
    }

    /// Whatever passes, however long it takes: all serves again by itself, what served and what was loaded meanwhile.
    @Test(arguments: CoreWorld.Trouble.allCases, [1, 60, 1000]) func troubleThatPassesNeedsNoOperator(
        _ trouble: CoreWorld.Trouble,
        seconds: Int
    ) {
        let world = CoreWorld(seed: UInt64(seconds), isCalm: true)
        let client = world.connect()
        world.greet(client)
        for _ in 0..<30 { round(world) }
        #expect(world.core.status().state == "READY")
        world.trouble = trouble
        world.folders["new"] = CoreWorld.Folder()
        world.tell(.reload(isFirst: false))
        for process in world.processes.keys.sorted() { world.finish(process, .signalled(9)) }
        for _ in 0..<2 * seconds { round(world, lasting: .milliseconds(500)) }
        #expect(seconds == 1 || world.core.status().state != "READY")
        let isPacking = world.processes.values.contains(where: \.isPacker)
        for model in world.core.status().models where model.state == "UNAVAILABLE" && !isPacking {
            #expect(model.workers.allSatisfy { $0.pid > 0 || $0.nextStartMicroseconds > 0 }, "\(model)")
        }
        world.trouble = nil
        // The longest pause, and a bit.
        func serves() -> Bool {
            world.core.status().models.allSatisfy { $0.workers.allSatisfy { $0.state == "READY" } }
        }
        for _ in 0..<800 where !serves() { round(world, lasting: .milliseconds(500)) }
        #expect(serves() && world.core.status().state == "READY", "\(world.core.status())")
        #expect(world.announcements.state == .ready && world.announcements.status == "3 of 3 models ready")
        for name in ["a", "b", "new"] { _ = world.call(client, Self.embed, model: name, bytes: 10) }
        for _ in 0..<30 { round(world) }
        #expect(world.answers == [.ok: 3])
        finish(world)
    }

    /// A new version cannot be loaded, so the old one is kept; it recovers by itself, and takes the old one's place.
    @Test func whatRecoversTakesThePlaceOfWhatWasKept() {
        let world = CoreWorld(seed: 1, isCalm: true)
        for _ in 0..<30 { round(world) }
        world.folders["a"]?.versions = [1, 2]
        world.folders["a"]?.configuration.versionPolicy = .latest(1)
        world.behaviours["/r/a/2fp32"] = .exitAtLoad
        world.tell(.reload(isFirst: false))
        func states() -> [String] {
            world.core.status().models.filter { $0.name == "a" }.map { "\($0.version) \($0.state)" }
        }
        for _ in 0..<200 { round(world) }
        #expect(states() == ["1 READY", "2 UNAVAILABLE"])
        let loads = world.sum("model_loads_total")
        world.behaviours = [:]
        for _ in 0..<400 where states() != ["2 READY"] { round(world) }
        #expect(states() == ["2 READY"])
        #expect(world.sum("model_loads_total") == loads + 1)
        finish(world)
    }

    /// One random event.
    private func step(_ world: CoreWorld) {
        let client = world.clients.keys.sorted().randomElement(using: &world.random)
        let process = world.processes.keys.sorted().randomElement(using: &world.random)
        switch Int.random(in: 0..<60, using: &world.random) {
        case 0..<3:
            guard !world.isStopped else { return }
            let client = world.connect(
                user: world.chance(1, in: 20)
                    ? 8
                    : [0, 7, 7, CoreWorld.operatorUser, CoreWorld.gatewayUser].randomElement(using: &world.random) ?? 7
            )
            if !world.chance(1, in: 10) { world.greet(client) }
        case 3..<17:
            guard let client, let model = Self.references.randomElement(using: &world.random) else { return }
            let timeout = world.chance(1, in: 3) ? UInt64.random(in: 1...3_000_000, using: &world.random) : 0
            let bytes = Int.random(in: 0...300, using: &world.random)
            let poison = [UInt8](repeating: 88, count: bytes % 3 + 1)
            let payload = world.chance(1, in: 20) ? poison : nil
            let priority: Int32 = [0, 0, -1, 1, 7].randomElement(using: &world.random) ?? 0
            _ = world.call(
                client,
                Self.embed,
                model: model,
                bytes: bytes,
                payload: payload,
                timeout: timeout,
                priority: priority,
                tenant: ["", "", "", "x", "y"].randomElement(using: &world.random) ?? ""
            )
        case 17, 18:
            guard let client, let calls = world.clients[client]?.calls else { return }
            guard let stream = calls.keys.sorted().randomElement(using: &world.random) else { return }
            world.tell(.frame(client, .cancel(Cancel(streamID: stream))))
        case 19, 20:
            guard let client, let method = ControlMethod.allCases.randomElement(using: &world.random) else { return }
            let model = ["", "", "a", "b", "b:int8", "z"].randomElement(using: &world.random) ?? ""
            _ = world.call(client, method.rawValue, payload: payload(method, model, world))
        case 21: if let client { misbehave(client, world) }
        case 22:
            world.tell(.metricsWanted)
            #expect(world.metrics.hasPrefix("# HELP modeld_info"))
            if let ghost = world.ghosts.last { tellBehind(.disconnected(ghost), ghost, world) }
        case 23:
            guard let client else { return }
            switch Int.random(in: 0..<3, using: &world.random) {
            case 0: world.clients[client]?.isDeaf.toggle()
            case 1:
                let bytes = Int.random(in: 0...40_000, using: &world.random)
                world.sendHalf(client, bytes: bytes, isNew: world.chance(1, in: 2))
            default: if world.chance(1, in: 2) { world.endInput(client) }
            }
        case 24, 25: change(world)
        case 26:
            switch Int.random(in: 0..<5, using: &world.random) {
            case 0, 1: world.tell(.reload(isFirst: false))
            case 2: changeSlots(world)
            case 3: changeSettings(world)
            default: ruin(world)
            }
        case 27..<46: for _ in 0..<3 { if let process { world.work(process) } }
        case 46, 47: if let process { world.finish(process, randomEnd(world)) }
        case 48:
            guard let process else { return }
            world.tell(.unread(process, bytes: .random(in: 0...500, using: &world.random)))
            if world.chance(1, in: 2) { world.processes[process]?.hangs = true }
        case 49:
            if let process, world.chance(1, in: 2) { return world.tell(.garbage(process, "no frame")) }
            let pack = world.heldPacks.sorted().randomElement(using: &world.random)
            if let pack { world.tell(.packChanged(pack)) }
        case 50..<58: pass(.random(upTo: .milliseconds(200), using: &world.random), world)
        default: pass(.random(upTo: .seconds(4), using: &world.random), world)
        }
    }

    private func randomEnd(_ world: CoreWorld) -> ProcessEnd {
        let ends: [ProcessEnd] = [.exited(0), .exited(1), .exited(78), .signalled(9), .signalled(11), .outOfMemory]
        return ends.randomElement(using: &world.random) ?? .exited(0)
    }

    private func pass(_ duration: Duration, _ world: CoreWorld) {
        world.now += duration
        world.settle()
        let deadline = world.core.deadline
        #expect(!deadline.isDue(at: world.now), "something is due, and was not done")
    }

    private func payload(_ method: ControlMethod, _ model: String, _ world: CoreWorld) -> [UInt8] {
        switch method {
        case .status: StatusRequest(verbose: true).encode()
        case .watch: WatchRequest(intervalMilliseconds: 200).encode()
        case .events: EventsRequest(severity: .trace, recent: 3).encode()
        case .metrics: MetricsRequest().encode()
        case .reload: ReloadRequest(model: model, noWait: world.chance(1, in: 3)).encode()
        case .reloadEach: ReloadEachRequest(model: model).encode()
        case .load: LoadRequest(model: model).encode()
        case .unload: UnloadRequest(model: model).encode()
        // Mostly undone, so that requests have something to do.
        case .drain: DrainRequest(model: model, undo: world.chance(3, in: 4)).encode()
        case .crashList: CrashListRequest().encode()
        case .quarantineList: QuarantineListRequest().encode()
        case .quarantineClear: QuarantineClearRequest(model: model).encode()
        case .cacheList: CacheListRequest().encode()
        case .cachePrune: CachePruneRequest(maxBytes: 10).encode()
        }
    }

    private func misbehave(_ client: ClientID, _ world: CoreWorld) {
        let ends: [Event] = [
            .frame(client, .response(Response(streamID: 1))),
            .frame(client, .hello(Hello(protocolVersion: 99))),
            .broken(client, Refusal(.resourceExhausted, "too large")),
            .disconnected(client),
        ]
        guard let end = ends.randomElement(using: &world.random), world.chance(4, in: 5) else {
            return world.tell(.malformed(client, Refusal(.invalidArgument, "no frame"), stream: 0))
        }
        tellBehind(end, client, world)
    }

    /// Tells what ends a client, and at once what came with it: it is nobody's.
    private func tellBehind(_ end: Event, _ client: ClientID, _ world: CoreWorld) {
        func request(_ stream: UInt64, _ method: String, _ payload: [UInt8]) -> Event {
            .frame(client, .request(Request(streamID: stream, method: method, model: "a", payload: payload)))
        }
        world.tell(
            end,
            request(999, Self.embed, []),
            request(998, ControlMethod.watch.rawValue, WatchRequest().encode()),
            request(997, ControlMethod.status.rawValue, StatusRequest().encode()),
            .malformed(client, Refusal(.invalidArgument, "no frame"), stream: 1),
            .disconnected(client)
        )
    }

    private func changeSettings(_ world: CoreWorld) {
        var settings = world.core.configuration
        settings.maxInFlight = Int.random(in: 10...20, using: &world.random)
        settings.maxConnections = Int.random(in: 4...6, using: &world.random)
        settings.stallTimeout = [nil, .seconds(1), .seconds(2)].randomElement(using: &world.random) ?? nil
        settings.numa = NUMAPolicy.allCases.randomElement(using: &world.random) ?? .auto
        settings.isNUMAStrict = world.chance(1, in: 3)
        settings.loadTimeout = .seconds(Int.random(in: 4...6, using: &world.random))
        settings.slowRequest = [nil, .milliseconds(100), .milliseconds(200)].randomElement(using: &world.random) ?? nil
        world.tell(.configured(settings))
    }

    /// CPUs go, or come.
    private func changeSlots(_ world: CoreWorld) {
        if world.slots.count > 1, Bool.random(using: &world.random) {
            world.slots.remove(at: Int.random(in: 0..<world.slots.count, using: &world.random))
        } else if world.slots.count < 4 {
            let number = world.lastSlot + 1
            world.lastSlot = number
            world.slots.append(Slot(id: number, node: number % 2, cpus: [number]))
        }
        world.tell(.slots(world.slots))
    }

    /// Somebody works in the repository.
    private func change(_ world: CoreWorld) {
        let name = ["a", "b"].randomElement(using: &world.random) ?? "a"
        guard var folder = world.folders[name] else {
            world.folders[name] = CoreWorld.Folder()
            return
        }
        switch Int.random(in: 0..<8, using: &world.random) {
        case 0: folder.contents += 1
        case 1:
            folder.versions = [1, 2, 3].filter { _ in Bool.random(using: &world.random) }
            if folder.versions.isEmpty { folder.versions = [1] }
        case 2: folder.configuration.versionPolicy = [.all, .latest(1)].randomElement(using: &world.random) ?? .all
        case 3:
            let choices = [["fp32"], ["int8"], ["fp32", "int8"]]
            folder.configuration.variants = choices.randomElement(using: &world.random) ?? ["fp32"]
        case 4: folder.isUnreadable.toggle()
        case 5: folder.configuration.instances = Int.random(in: 0...2, using: &world.random)
        case 6:
            if world.chance(1, in: 3) { world.folders[name] = nil }
            return
        default:
            let version = UInt64.random(in: 1...3, using: &world.random)
            let variant = Bool.random(using: &world.random) ? "fp32" : "int8"
            let behaviour = CoreWorld.Behaviour.allCases.randomElement(using: &world.random) ?? .good
            world.behaviours["/r/\(name)/\(version)\(variant)"] = behaviour
        }
        world.folders[name] = folder
    }

    /// A model's folder goes bad in one way and is reloaded, and then its workers die, so that it fails twice for one reason.
    private func ruin(_ world: CoreWorld) {
        let name = Bool.random(using: &world.random) ? "a" : "b"
        let behaviour = CoreWorld.Behaviour.allCases.randomElement(using: &world.random) ?? .good
        let folders = (1...3).flatMap { version in ["fp32", "int8"].map { "/r/\(name)/\(version)\($0)" } }
        for folder in folders { world.behaviours[folder] = behaviour }
        world.tell(.reload(isFirst: false))
        for _ in 0..<20 { round(world) }
        for process in world.processes.keys.sorted() where world.processes[process]?.load?.name == name {
            world.finish(process, .signalled(9))
        }
        for _ in 0..<20 {
            round(world)
            let client = world.clients.keys.sorted().randomElement(using: &world.random)
            if let client { _ = world.call(client, Self.embed, model: name, timeout: 3_000_000) }
        }
        for folder in folders { world.behaviours[folder] = nil }
    }

    /// Time passes in which every process does what it can. Those that hang go on hanging.
    private func round(_ world: CoreWorld, lasting duration: Duration = .milliseconds(100)) {
        world.now += duration
        world.settle()
        for process in world.processes.keys.sorted() { world.work(process) }
    }

    /// All folders are good again, and everything is reloaded until it serves; then it answers.
    private func heal(_ world: CoreWorld) {
        world.folders = ["a": CoreWorld.Folder(), "b": CoreWorld.Folder()]
        world.behaviours = [:]
        world.tell(.configured(CoreWorld.limits))
        for id in world.clients.keys.sorted() { world.tell(.disconnected(id)) }
        let probe = world.connect()
        world.greet(probe)
        for name in ["", "a", "b"] {
            let undo = DrainRequest(model: name, undo: true).encode()
            _ = world.call(probe, ControlMethod.drain.rawValue, payload: undo)
            guard !name.isEmpty else { continue }
            _ = world.call(probe, ControlMethod.load.rawValue, payload: LoadRequest(model: name).encode())
        }
        func isReady(_ name: String) -> Bool {
            let states = world.core.status().models.filter { $0.name == name }.map(\.state)
            return !states.isEmpty && states.allSatisfy { $0 == "READY" }
        }
        func becomeReady() {
            for count in 0..<3000 where !(isReady("a") && isReady("b")) {
                if count % 100 == 0 { world.tell(.reload(isFirst: false)) }
                round(world)
            }
            #expect(isReady("a") && isReady("b"), "\(world.core.status())")
        }
        becomeReady()
        // All of them hang, and who asks finds that out.
        for process in world.processes.keys where world.processes[process]?.isReady == true {
            world.processes[process]?.hangs = true
        }
        for name in ["a", "b"] {
            // Each that hangs takes a request to be found out; who dies too often is given up.
            let before = world.answers[.ok] ?? 0
            for attempt in 0..<10 where world.answers[.ok] ?? 0 == before {
                becomeReady()
                // Another request each time, and none that was sent before: two that hang are one in quarantine.
                let bytes = 400 + attempt
                guard let stream = world.call(probe, Self.embed, model: name, bytes: bytes) else { break }
                for _ in 0..<500 where world.clients[probe]?.calls[stream] != nil { round(world) }
                #expect(world.clients[probe]?.calls[stream] == nil, "a request has no answer")
            }
            let status = world.core.status()
            #expect(world.answers[.ok] ?? 0 > before, "\(name) does not answer: \(world.answers) \(status)")
        }
    }

    /// The server ends, and leaves nothing.
    private func finish(_ world: CoreWorld) {
        if !world.isStopped { world.tell(.stop) }
        for _ in 0..<600 where !world.core.isFinished { round(world) }
        let (isFinished, unanswered) = (world.core.isFinished, world.core.unanswered)
        #expect(isFinished)
        #expect(world.announcements.state == .stopping)
        #expect(world.processes.isEmpty)
        #expect(world.heldPacks.isEmpty && world.copies.isEmpty, "packs are held open")
        #expect(world.files.isEmpty, "files of packers are left")
        #expect(unanswered.requests == 0 && unanswered.bytes == 0)
        #expect(world.sum("inference_requests_total") == world.told.count)
        #expect(world.sum("request_duration_seconds_count") == world.told.count)
        #expect(world.sum("worker_deaths_total") == world.deaths)
        for client in world.clients.values where !client.isRefused { #expect(client.calls.isEmpty, "no answer") }
    }
}
