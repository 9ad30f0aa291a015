package import Configuration
package import LinuxSystem
package import Logging
import Messages
import Time
import Topology
import Wire

/// The supervisor's shell: one thread, one epoll loop. It turns what is ready into events, and does what the core decides;
/// it decides nothing itself.
///
/// A turn of the loop tells the core every event that is ready, then has all consequences drawn at once, and then writes
/// each stream's output with one call.
package final class Server {
    /// The version that Hello and Status name.
    package static let version = WireProtocol.softwareVersion

    private var configuration: ServerConfiguration
    private let reread: () throws -> ServerConfiguration
    private let repository: ModelRepository
    private var slots: [Slot]
    private var nextSlot: Int
    /// The CPUs of this process when they, and the packs, were last looked at, and when that is done again.
    private var affinity: [UInt64]?
    private var nextLook: Instant
    private let loop: EventLoop
    private let signals: SignalDescriptor
    private let clients: ClientStreams
    private let processes: WorkerProcesses
    private var packs: PackFolder
    private var manager: ServiceManager
    private let output: LineOutput
    private let metrics: MetricsListener?
    private var log: ServerLog
    private var core: Core
    private var effects: [Effect] = []

    private static let lookInterval = Duration.milliseconds(500)

    /// Binds the socket and gets everything ready; `run` starts the workers.
    ///
    /// Make it in the first thread, before any other starts: workers die with the thread that started them, and signals
    /// are blocked in it.
    ///
    /// - Parameters:
    ///   - configuration: the settings to begin with.
    ///   - reread: reads them again, whenever SIGHUP comes.
    ///   - environment: the process's, from which workers get little, and nothing of the service manager.
    ///   - output: what the logger writes to; SIGUSR1 has its file opened anew.
    /// - Throws: `ConfigurationError`, `SystemError` or `TopologyError`, each with one clear message.
    package init(
        configuration: ServerConfiguration,
        reread: @escaping () throws -> ServerConfiguration,
        environment: [String: String],
        userID: UInt32,
        logger: Logger,
        output: LineOutput
    ) throws {
        let now = MonotonicClock.now
        self.reread = reread
        self.configuration = configuration
        self.output = output
        log = ServerLog(logger)
        manager = try ServiceManager(environment: environment, at: now)
        repository = try ModelRepository(root: absolutePath(configuration.modelRepository, setting: "model_repository"))
        if try repository.names().isEmpty { log.report(.repositoryIsEmpty(path: repository.root), at: now) }
        packs = try PackFolder(path: configuration.cacheDirectory(environment: environment, isRoot: userID == 0))
        let executable = try configuration.workerExecutable ?? WorkerProgram.besideOwn()
        let plan = try Self.planSlots(configuration)
        for warning in plan.warnings { log.report(.slotsPlanned(warning: "\(warning)"), at: now) }
        slots = plan.slots
        nextSlot = plan.slots.count
        affinity = try? ThreadAffinity.current()
        nextLook = now + Self.lookInterval
        signals = try SignalDescriptor([.terminate, .interrupt, .hangUp, .user1])
        try ProcessSelf.ignoreWriteSignals()
        _ = try? ProcessSelf.raiseOpenFileLimit()
        // Requests and answers are many sizes; what is freed among others would stay.
        ProcessSelf.giveMemoryBack(from: 32 << 10)
        loop = try EventLoop()
        try loop.watch(signals.rawValue, as: .signals)
        processes = WorkerProcesses(
            executable: executable,
            environment: WorkerProgram.environment(from: environment),
            on: loop
        )
        clients = try ClientStreams(configuration, on: loop, listener: Self.listener(configuration, from: &manager))
        metrics = try configuration.metricsListen.map { (address) throws(SystemError) in
            try MetricsListener(address, socketMode: configuration.socketMode)
        }
        core = Core(
            configuration: configuration,
            repository: repository.root,
            slots: plan.slots,
            userID: userID,
            processID: ProcessSelf.processID,
            run: String(UInt32.random(in: .min ... .max), radix: 36),
            quarantineKey: .random(in: .min ... .max),
            at: now
        )
    }

    /// Serves until a signal ends it. When it returns, no worker is left, and the socket is gone.
    package func run() throws(SystemError) {
        report(.started(socket: clients.path, repository: repository.root, slots: slotNames))
        core.handle(.reload(isFirst: true), at: MonotonicClock.now)
        settle(at: MonotonicClock.now)
        while !core.isFinished {
            let deadline = min(core.deadline, clients.acceptAt, manager.deadline, log.deadline)
            try loop.wait(until: clients.isBehind ? .at(.start) : min(deadline, .at(nextLook)))
            let now = MonotonicClock.now
            clients.catchUp { core.handle($0, at: now) }
            for event in loop.ready { handle(event, at: now) }
            if now >= nextLook {
                look(at: now)
                if metrics?.wantsText(at: now) == true { core.handle(.metricsWanted, at: now) }
            }
            clients.resumeAccepting(at: now)
            if log.deadline.isDue(at: now) { reportLeftOut(at: now) }
            settle(at: now)
            // Last, for it says that the loop has come so far.
            tellManager { manager throws(SystemError) in try manager.attend(at: now) }
        }
        clients.stopListening()
        reportLeftOut(at: MonotonicClock.now)
        metrics?.stop()
        report(.stopped)
    }

    /// Tells it to the log, to those who listen, and to the counters.
    private func report(_ happening: Happening, at now: Instant = MonotonicClock.now) {
        core.handle(.noted(happening, log.report(happening, at: now)), at: now)
    }

    private func reportLeftOut(at now: Instant) {
        for happening in log.takeLeftOut() { report(happening, at: now) }
    }

    private func tellManager(_ tell: (inout ServiceManager) throws(SystemError) -> Void) {
        do throws(SystemError) {
            try tell(&manager)
        } catch {
            report(.serviceManagerNotTold(error: "\(error)"))
        }
    }

    private func handle(_ event: ReadyEvent, at now: Instant) {
        let tell = { self.core.handle($0, at: now) }
        switch Token(event.token) {
        case .listener:
            do throws(SystemError) {
                try clients.accept(at: now, tell)
            } catch {
                report(.acceptingPaused(error: "\(error)"))
            }
        case .signals:
            while let received = try? signals.next() {
                report(.signal("\(received.signal)", sender: received.sender))
                switch received.signal {
                case .hangUp:
                    readSettings(tell)
                    lookAtSlots(tell)
                    tell(.reload(isFirst: false))
                case .user1: reopenLog()
                default: tell(.stop)
                }
            }
        case .client(let id): clients.ready(id, event.readiness, tell)
        case .channel(let id): processes.ready(id, event.readiness, tell)
        case .process(let id): processes.ended(id, tell)
        }
    }

    private func reopenLog() {
        do throws(SystemError) {
            let isNamed = try output.reopen()
            report(.logReopened(problem: isNamed ? nil : "log_file is not set"))
        } catch {
            report(.logReopened(problem: "\(error)"))
        }
    }

    private var slotNames: String { slots.map { "\($0.cpus)" }.joined(separator: " ") }

    private func readSettings(_ tell: (Event) -> Void) {
        do {
            var next = configuration
            let waiting = next.adopt(try reread())
            // What cannot be planned is refused as a whole.
            _ = try Self.planSlots(next)
            configuration = next
            log.logger.logLevel = Logger.Level(rawValue: configuration.logLevel) ?? .info
            tell(.configured(configuration))
            report(.settingsChanged(waiting: waiting))
        } catch {
            report(.settingsRefused("\(error)"))
        }
    }

    /// At what changes without telling: packs, and CPUs. Those that go offline, or that a container loses, are no longer
    /// among those that this process may use.
    private func look(at now: Instant) {
        nextLook = now + Self.lookInterval
        for job in packs.changed() { core.handle(.packChanged(job), at: now) }
        guard let current = try? ThreadAffinity.current(), current != affinity else { return }
        affinity = current
        lookAtSlots { core.handle($0, at: now) }
    }

    /// Plans anew: CPUs may have gone offline or come back, or the container's may be others.
    private func lookAtSlots(_ tell: (Event) -> Void) {
        guard let plan = try? Self.planSlots(configuration) else { return }
        for warning in plan.warnings { report(.slotsPlanned(warning: "\(warning)")) }
        let next = nextSlot
        let planned = plan.slots.enumerated().map { index, slot in
            slots.first { ($0.cpus, $0.node) == (slot.cpus, slot.node) }
                ?? Slot(id: next + index, node: slot.node, cpus: slot.cpus)
        }
        guard planned != slots else { return }
        slots = planned
        nextSlot += planned.count
        report(.slotsChanged(slotNames))
        tell(.slots(slots))
    }

    /// Does what was decided and writes the output, until nothing is left.
    private func settle(at now: Instant) {
        var isSettled: Bool
        repeat {
            core.decide(at: now, into: &effects)
            for effect in effects { perform(effect, at: now) }
            let hasTold = processes.flush { core.handle($0, at: now) }
            let hasWritten = clients.flush { core.handle($0, at: now) }
            isSettled = effects.isEmpty && !hasTold && !hasWritten
        } while !isSettled
    }

    private func perform(_ effect: Effect, at now: Instant) {
        func tell(_ event: Event) { core.handle(event, at: now) }
        switch effect {
        case .send(let frame, let id): clients.send(frame, to: id)
        case .limitFrames(let id, let bytes): clients.limitFrames(of: id, to: bytes)
        case .discardInput(let id): clients.discardInput(of: id)
        case .endOutput(let id): clients.endOutput(of: id)
        case .disconnect(let id): clients.disconnect(id)
        case .stopListening: clients.stopListening()
        case .spawn(let id, let slot, let isPacker, let isStrict):
            let flags = (isPacker ? ["--pack"] : []) + (isStrict ? ["--strict"] : [])
            processes.spawn(id, on: slot, flags + ["--sandbox", configuration.workerSandbox.rawValue], tell)
        case .tell(let id, let frame, let files): send(frame, with: files, to: id, tell)
        case .terminate(let id): processes.signal(id, .terminate)
        case .kill(let id): processes.signal(id, .kill)
        case .findPack(let job, let key): tell(.packFound(job, key: key, bytes: packs.size(key: key)))
        case .storePack(let job, let key, let bytes):
            let isLost = !packs.hasTemporary(job)
            let problem = packs.store(job, key: key, bytes: bytes)
            tell(problem.map { .packNotStored(job, $0, isLost: isLost) } ?? .packStored(job, bytes: bytes))
        case .openPack(let job, let key, let worker):
            do throws(SystemError) {
                let bytes = try packs.hold(job, key: key)
                let room = MemoryRoom.current(of: Set(slots.map(\.node)))
                let own = worker.flatMap { processes.memory(of: [$0])[$0]?.byNode?.own.values.reduce(0, +) }
                tell(.packOpened(job, key: key, bytes: bytes, room: room, own: own))
            } catch {
                tell(.packNotOpened(job, "\(error)"))
            }
        case .sealCopy(let job, let bytes): tell(.copySealed(job, error: packs.seal(job, bytes: bytes)))
        case .closePack(let job): packs.release(job)
        case .removeFile(let job): packs.removeTemporary(job)
        case .removePack(let job, let key):
            if packs.hasChanged(job) { tell(.packChanged(job)) }
            packs.remove(job, key: key)
        case .listCache(let purpose): tell(.cacheListed(purpose, path: packs.path, packs.packs()))
        case .pruneCache(let purpose, let victims, let bytes):
            let stuck = victims.filter { !packs.remove(key: $0.key) }
            for pack in stuck { report(.packStuck(key: pack.key)) }
            tell(.cachePruned(purpose, victims.filter { !stuck.contains($0) }, of: bytes))
        case .scan(let id, let model, let names):
            for entry in repository.skipped() { report(.notServed(entry)) }
            do throws(ConfigurationError) {
                tell(.scanned(id, try repository.listing(model: model, also: names)))
            } catch {
                tell(.notScanned(id, error.message))
            }
        case .measure(let ids):
            tell(.measured(own: ProcessMemory(of: ProcessSelf.processID), processes.memory(of: ids)))
        case .showMetrics(let text): metrics?.show(text, at: now)
        case .happened(let happening): report(happening, at: now)
        case .announce(let announcement):
            tellManager { manager throws(SystemError) in try manager.tell(announcement.message(at: now), at: now) }
        }
    }

    private func send(_ frame: ToWorker, with files: [AttachedFile], to id: WorkerID, _ tell: (Event) -> Void) {
        var held: [HeldDescriptor] = []
        for file in files {
            switch file {
            case .pack(let job):
                if packs.hasChanged(job) { tell(.packChanged(job)) }
                if let pack = packs.held(job) { held.append(pack) }
            case .memory(let job):
                do throws(SystemError) {
                    held.append(try packs.makeCopy(job))
                } catch {
                    return tell(.fileRefused(job, "\(error)"))
                }
            case .file(let job):
                do throws(ConfigurationError) {
                    held.append(try packs.makeTemporary(job))
                } catch {
                    return tell(.fileRefused(job, error.message))
                }
            }
        }
        processes.send(frame, with: held, to: id)
    }
}
