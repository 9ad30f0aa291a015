import Configuration
import Messages
import Supervisor
import Testing
import Time
import Topology
import Wire

/// Everything around a core: clients, processes, folders and packs, as simple models that keep the promises of the real
/// ones and break what those break. It does what the core decides, tells what came of it, and looks whether what is
/// promised holds.
final class CoreWorld {
    struct Client {
        enum Call: Equatable {
            case inference(model: String)
            case control
            /// Of an operator's, by somebody who is none.
            case forbidden
            case watch
            case events
            case reload
        }

        let user: UInt32
        var isGreeted = false
        /// It does not read, so that its output waits.
        var isDeaf = false
        /// The server has refused the connection: nothing is owed any more.
        var isRefused = false
        /// It sends nothing more.
        var hasEnded = false
        /// What has arrived of a frame that is not whole, and since when.
        var half: (bytes: Int, since: Instant)?
        var calls: [UInt64: Call] = [:]
        var lastStream: UInt64 = 0
    }

    struct Process {
        let slot: Slot
        let isPacker: Bool
        var isGreeted = false
        var load: ToWorker.Load?
        var isReady = false
        var pack: (request: ToWorker.Pack, job: PackJobID)?
        var copy: PackJobID?
        var hasNamedKey = false
        var mayWrite = false
        var prepared: [UInt64: ToWorker.Prepare] = [:]
        var unreported: [UInt64] = []
        var batches: [ToWorker.Start] = []
        var isDraining = false
        /// It does nothing any more, as a stopped process; only SIGKILL ends it.
        var hangs = false
        var end: ProcessEnd?

        var isIdle: Bool { !hangs && end == nil && batches.isEmpty && unreported.isEmpty }
    }

    /// A model's folder.
    struct Folder {
        var versions: [UInt64] = [1]
        var configuration = ModelConfiguration()
        var isUnreadable = false
        var contents = 0
    }

    var core: Core
    var slots: [Slot]
    var lastSlot = 3
    var random: SeededGenerator
    var now = Instant.start + .seconds(1)
    var clients: [ClientID: Client] = [:]
    /// Clients that are gone, of which frames are still told that came with their last ones.
    var ghosts: [ClientID] = []
    var processes: [WorkerID: Process] = [:]
    var folders: [String: Folder] = ["a": Folder(), "b": Folder()]
    /// By path and variant; good, when not here.
    var behaviours: [String: Behaviour] = [:]
    var cached: Set<String> = []
    var (heldPacks, keys): (Set<PackJobID>, [PackJobID: String]) = ([], [:])
    /// The nodes of the copies that are held.
    var copies: [PackJobID: Int] = [:]
    /// Copies for which there was no file.
    var refusedCopies: Set<PackJobID> = []
    var files: Set<PackJobID> = []
    var isStopped = false
    /// Users who may do what is for operators.
    var operators: Set<UInt32> = [0, 7, CoreWorld.operatorUser]
    /// What fails for all that are started, as long as it lasts.
    var trouble: Trouble?
    /// What is left of memory, in bytes.
    var free: UInt64?
    /// Requests of which it was told that they have their answer.
    private(set) var told: Set<String> = []
    /// Requests that answers name, and the log has not told of.
    var untold: Set<String> = []
    private var warned: Set<String> = []
    private(set) var deaths = 0
    /// How often all processes were measured.
    private(set) var measurements = 0
    /// Connections that were refused, or closed, and why.
    private(set) var refusals: [Refusal] = []
    private(set) var announcements = Announcements()
    /// What all who listen were told.
    private(set) var events: [ServerEvent] = []
    /// What the metrics' listener shows, and what reloads that tell of each model have told.
    private(set) var (metrics, reloaded) = ("", [ReloadResult]())
    /// The last request that was told of, and the last worker that was ready.
    private(set) var answer: Answer?
    private(set) var worker: ProcessLabel?
    /// Of those that have been heard: what the answers were.
    var answers: [StatusCode: Int] = [:]
    /// Names that serve, and nothing has happened to them that could end that.
    var working: Set<String> = []
    /// Names whose pack was damaged: they serve until they need another one, which may not come.
    var doubtful: Set<String> = []
    private var effects: [Effect] = []
    private let isCalm: Bool
    /// The last answer to a control call.
    private(set) var lastControl: Response?
    private var lastClient: UInt64 = 0
    private var lastProcess: Int32 = 0

    /// - Parameter isCalm: whether nothing fails by chance.
    init(seed: UInt64, limits: ServerConfiguration = limits, isCalm: Bool = false) {
        random = SeededGenerator(state: seed)
        self.isCalm = isCalm
        slots = (0..<Int.random(in: 1...3, using: &random)).map { Slot(id: $0, node: $0 % 2, cpus: [$0]) }
        core = Core(
            configuration: limits,
            repository: "/r",
            slots: slots,
            userID: 7,
            processID: 1,
            run: "run",
            quarantineKey: seed,
            at: now
        )
        core.handle(.reload(isFirst: true), at: now)
        settle()
    }

    /// All is ready, and a client has had its first answer.
    static func serving(limits: ServerConfiguration = limits) -> CoreWorld {
        let world = CoreWorld(seed: 1, limits: limits, isCalm: true)
        func work(until isDone: () -> Bool) {
            for _ in 0..<300 where !isDone() {
                world.now += .milliseconds(100)
                world.settle()
                for id in world.processes.keys.sorted() { world.work(id) }
            }
            #expect(isDone())
        }
        let client = world.connect()
        world.greet(client)
        work { world.core.status().models.allSatisfy { $0.state == "READY" } }
        _ = world.call(client, CoreHistoryTests.embed, model: "a")
        work { world.answer != nil }
        return world
    }

    func chance(_ one: Int, in all: Int) -> Bool { !isCalm && Int.random(in: 0..<all, using: &random) < one }

    // MARK: - What the core decides

    /// Tells something, does what follows, and looks whether all promises hold.
    func tell(_ events: Event...) {
        for event in events { core.handle(event, at: now) }
        settle()
    }

    func settle() {
        var rounds = 0
        // What has nothing to do says every second that it is there.
        for (id, process) in processes where process.isReady && process.isIdle { core.handle(.heard(id), at: now) }
        repeat {
            for (id, client) in clients where !client.isDeaf { core.handle(.written(id, waiting: 0), at: now) }
            core.decide(at: now, into: &effects)
            let batch = effects
            for effect in batch { perform(effect) }
            rounds += 1
        } while !effects.isEmpty && rounds < 1000
        #expect(rounds < 1000, "the core never comes to rest")
        check()
    }

    private func perform(_ effect: Effect) {
        func tell(_ event: Event) { core.handle(event, at: now) }
        switch effect {
        case .send(let frame, let id): receive(frame, id)
        case .limitFrames: break
        case .discardInput(let id):
            clients[id]?.isRefused = true
            clients[id]?.half = nil
        case .endOutput(let id):
            #expect(clients[id]?.isRefused == true)
            clients[id]?.calls = [:]
            tell(.disconnected(id))
        case .disconnect(let id):
            #expect(clients.removeValue(forKey: id) != nil, "a client is disconnected that is not there")
            ghosts.append(id)
        case .stopListening: isStopped = true
        case .spawn(let id, let slot, let isPacker, _):
            if trouble == .noProcesses || chance(1, in: 30) {
                return tell(.notSpawned(id, error: "no more processes", jitter: 0.5))
            }
            lastProcess += 1
            processes[id] = Process(slot: slot, isPacker: isPacker)
            #expect(processes.count < 60, "too many processes")
            tell(.spawned(id, process: lastProcess))
        case .tell(let id, let frame, let files): hear(frame, files, id)
        case .terminate(let id):
            if processes[id]?.hangs == false, processes[id]?.end == nil { processes[id]?.end = .signalled(15) }
        case .kill(let id): processes[id]?.end = .signalled(9)
        case .findPack(let job, let key): tell(.packFound(job, key: key, bytes: cached.contains(key) ? 10 : nil))
        case .storePack(let job, let key, let bytes):
            if !files.contains(job) || chance(1, in: 20) {
                tell(.packNotStored(job, "it is gone", isLost: files.remove(job) == nil))
            } else {
                files.remove(job)
                cached.insert(key)
                tell(.packStored(job, bytes: bytes))
            }
        case .openPack(let job, let key, let worker):
            guard cached.contains(key) else { return tell(.packNotOpened(job, "no such file")) }
            #expect(heldPacks.insert(job).inserted)
            keys[job] = key
            let room: UInt64 = (64 << 20) + (chance(1, in: 10) ? 9 : 10)
            let memory = MemoryRoom(total: chance(1, in: 10) ? 20 : free, nodes: [0: room, 1: room])
            tell(.packOpened(job, key: key, bytes: 10, room: memory, own: worker.map { _ in 10 }))
        case .closePack(let job):
            copies[job] = nil
            #expect(heldPacks.remove(job) != nil || refusedCopies.contains(job))
        case .sealCopy(let job, let bytes):
            #expect(bytes == 10)
            let isSealed = heldPacks.contains(job) && !chance(1, in: 20)
            tell(.copySealed(job, error: isSealed ? nil : "it is written to"))
        case .removeFile(let job): files.remove(job)
        case .removePack(let job, let key):
            #expect(heldPacks.contains(job), "a pack is removed that is not held open")
            cached.remove(key)
        case .listCache(let purpose):
            let packs = cached.sorted().map { CachedPack(key: $0, bytes: 10, usedAt: 0) }
            tell(.cacheListed(purpose, path: "/c", packs))
        case .pruneCache(let purpose, let victims, let bytes):
            cached.subtract(victims.map(\.key))
            tell(.cachePruned(purpose, victims, of: bytes))
        case .scan(let id, let model, let also): scan(id, model, also)
        case .measure:
            measurements += 1
            tell(.measured(own: nil, [:]))
        case .announce(let announcement): announcements.note(announcement)
        case .showMetrics(let text): metrics = text
        case .happened(let happening):
            note(happening)
            let line = happening.line
            tell(.noted(happening, ServerEvent(severity: line.severity, message: line.message)))
        }
    }

    private func scan(_ id: ReloadID, _ model: String?, _ also: [String]) {
        let names = model.map { [$0] } ?? Set(folders.keys).union(also).sorted()
        let models = names.map { name -> (name: String, found: Result<RepositoryModel?, ConfigurationError>) in
            guard let folder = folders[name] else {
                working.remove(name)
                return (name, .success(nil))
            }
            if folder.isUnreadable { return (name, .failure(ConfigurationError("no YAML"))) }
            let selected = folder.configuration.versionPolicy.select(from: folder.versions)
            let found = selected.map { ModelFolder(version: $0, path: "/r/\(name)/\($0)") }
            let model = RepositoryModel(name: name, folders: found, configuration: folder.configuration)
            return (name, .success(model))
        }
        core.handle(.scanned(id, RepositoryListing(models: models)), at: now)
    }

    private func note(_ happening: Happening) {
        switch happening {
        case .workerEnded(let label, let end) where !end.isExpected:
            deaths += 1
            working.remove(name(label.model ?? ""))
        case .workerStuck(let label, _), .protocolBroken(let label, _): working.remove(name(label.model ?? ""))
        case .processNotStarted(let model, _): working.remove(name(model))
        case .packDamaged(let model): doubtful.insert(name(model))
        case .serving(let model, _, _): doubtful.remove(name(model))
        case .workerReady(let label, _): worker = label
        case .workerWarning(_, let warning): #expect(warned.insert(warning).inserted, "it was told before")
        case .answered(let answer):
            self.answer = answer
            let request = answer.request
            #expect(told.insert(request.id).inserted, "of a request it is told twice that it was answered")
            untold.remove(request.id)
            #expect(request.id.hasPrefix(request.trace.isEmpty ? "run-" : "id-\(request.trace)"), "\(request)")
        case .refused(.connection, let refusal, _): refusals.append(refusal)
        case .replayed(let request, _):
            #expect(!told.contains(request.id), "it was answered, and is computed again")
        default: break
        }
    }

    /// `a` of `a@1:fp32`.
    private func name(_ reference: String) -> String { String(reference.prefix { $0 != "@" }) }

    // MARK: - Clients

    func connect(user: UInt32 = 7) -> ClientID {
        lastClient += 1
        let id = ClientID(lastClient)
        clients[id] = Client(user: user)
        tell(.connected(id, user: user, process: 1))
        return id
    }

    func greet(_ id: ClientID) {
        if clients[id]?.isRefused == false { clients[id]?.isGreeted = true }
        tell(.frame(id, .hello(Hello(protocolVersion: WireProtocol.version))))
    }

    /// Sends a request on a new stream.
    func call(
        _ id: ClientID,
        _ method: String,
        model: String = "",
        bytes: Int = 0,
        payload: [UInt8]? = nil,
        timeout: UInt64 = 0,
        priority: Int32 = 0,
        tenant: String = ""
    )
        -> UInt64?
    {
        guard var client = clients[id], client.isGreeted, !client.isRefused, !client.hasEnded else {
            return nil
        }
        client.lastStream += 1
        let stream = client.lastStream
        client.calls[stream] =
            switch ControlMethod(rawValue: method) {
            case .watch: .watch
            case .events: .events
            case .status?, .metrics?: .control
            case .some where !operators.contains(client.user): .forbidden
            case .reloadEach?: .reload
            case .some: .control
            case nil: model.isEmpty ? .control : .inference(model: model)
            }
        clients[id] = client
        // Every other request has a name of the client's.
        let trace = stream.isMultiple(of: 2) ? "\(id.value)-\(stream)" : ""
        let request = Request(
            streamID: stream,
            method: method,
            model: model,
            timeoutMicroseconds: timeout,
            requestID: trace.isEmpty ? "" : "id-\(trace)",
            traceparent: trace,
            payload: payload ?? Array(repeating: 97, count: bytes),
            tenant: tenant,
            priority: priority
        )
        tell(.frame(id, .request(request)))
        return stream
    }

    /// So much has arrived of a frame.
    func sendHalf(_ id: ClientID, bytes: Int, isNew: Bool = false) {
        guard let client = clients[id], !client.isRefused, !client.hasEnded else { return }
        let since = isNew ? now : client.half?.since ?? now
        clients[id]?.half = bytes > 0 ? (bytes, since) : nil
        tell(.unfinished(id, bytes: bytes, isNew: isNew))
    }

    func endInput(_ id: ClientID) {
        guard clients[id]?.hasEnded == false else { return }
        clients[id]?.hasEnded = true
        clients[id]?.half = nil
        tell(.inputEnded(id))
    }

    private func receive(_ frame: Frame, _ id: ClientID) {
        guard let client = clients[id] else {
            Issue.record("a frame for a client that is gone")
            return
        }
        #expect(!client.isRefused, "a frame for a client that was refused")
        guard case .response(let response) = frame, response.streamID != 0 else { return }
        let call = client.calls[response.streamID]
        #expect(call != nil, "stream \(response.streamID) has no call, or was answered twice")
        guard response.endOfStream else {
            #expect(call == .watch || call == .events || call == .reload)
            if call == .events, let event = try? ServerEvent.decode(response.payload) { events.append(event) }
            if call == .reload, let result = try? ReloadResult.decode(response.payload) { reloaded.append(result) }
            return
        }
        clients[id]?.calls[response.streamID] = nil
        if call == .forbidden { #expect(response.status != .ok, "who is no operator has done what is for operators") }
        guard case .inference? = call else {
            lastControl = response
            return
        }
        answers[response.status, default: 0] += 1
        if !response.requestID.isEmpty { untold.insert(response.requestID) }
        guard response.status == .ok else { return }
        #expect(!response.requestID.isEmpty, "an answer does not say what the log calls its request")
        // The worker has written who it is.
        let text = String(decoding: response.payload, as: UTF8.self)
        #expect(text.hasPrefix(response.model + "#"), "\(text) answers for \(response.model)")
    }
}
