import LinuxSystem
import Logging
import Messages
import Topology
import Wire

extension Server {
    var workerTimeouts: WorkerLifecycle.Timeouts {
        var timeouts = WorkerLifecycle.Timeouts()
        timeouts.load = configuration.loadTimeout
        timeouts.drain = configuration.drainTimeout
        return timeouts
    }

    // MARK: - The repository

    /// Loads every model of the repository. One that cannot be read is there, unavailable, with the reason.
    func loadRepository(at now: Int64) {
        tellSkipped()
        let names = (try? repository.names()) ?? []
        for name in names {
            do throws(ConfigurationError) {
                guard let found = try repository.model(name) else { continue }
                for (folder, variant) in found.served { load(add(found, folder, variant), found, folder, at: now) }
            } catch {
                logger.error("a model cannot be read", metadata: ["model": "\(name)", "error": "\(error)"])
                let path = "\(repository.root)/\(name)"
                let model = add(name: name, version: 0, variant: "fp32", path: path, ModelConfiguration())
                enqueue(model.lifecycle.refuseLoad(.invalidArgument, error.message), of: model)
            }
        }
    }

    /// Says what of the repository is not served, each thing once.
    func tellSkipped() {
        for entry in repository.skipped() where toldSkipped.insert(entry).inserted {
            logger.log(
                level: entry.isSuspicious ? .warning : .info,
                "not served: \(entry.reason)",
                metadata: ["path": "\(entry.path)"]
            )
        }
    }

    func add(_ found: RepositoryModel, _ folder: ModelFolder, _ variant: String) -> ServedModel {
        add(name: found.name, version: folder.version, variant: variant, path: folder.path, found.configuration)
    }

    func add(
        name: String,
        version: UInt64,
        variant: String,
        path: String,
        _ configuration: ModelConfiguration
    ) -> ServedModel {
        let model = ServedModel(
            name: name,
            version: version,
            variant: variant,
            queue: QueueID(nextID()),
            path: path,
            configuration: configuration,
            timeouts: workerTimeouts
        )
        models.insert(model)
        scheduler.addQueue(model.queue, policy: configuration.policy)
        return model
    }

    /// Builds a generation of the model. The caller has made sure that nothing is changing.
    func load(_ model: ServedModel, _ found: RepositoryModel, _ folder: ModelFolder, at now: Int64) {
        let count = found.configuration.instances > 0 ? found.configuration.instances : slots.count
        let placement = placeSeats(count: count, loads: seatsBySlot())
        let (generation, actions) = model.lifecycle.load(slots: placement, at: now)
        model.generations[generation] = GenerationFiles(
            number: generation,
            path: folder.path,
            configuration: found.configuration
        )
        if model.lifecycle.serving == nil {
            // Nobody answers yet, so requests wait with the new policy.
            model.configuration = found.configuration
            scheduler.updatePolicy(model.queue, policy: found.configuration.policy)
            scheduler.open(model.queue)
        }
        enqueue(actions, of: model)
    }

    private func seatsBySlot() -> [Int] {
        var loads = slots.map { _ in 0 }
        for model in models.all {
            // A model's own older generation leaves, so it does not count against its successor.
            guard let generation = model.lifecycle.incoming ?? model.lifecycle.serving else { continue }
            for slot in generation.slots { loads[slot] += 1 }
        }
        return loads
    }

    // MARK: - What the models' state machines decide

    func perform(_ action: ModelLifecycle.Action, of model: ServedModel, at now: Int64) {
        switch action {
        case .pack(let generation):
            let job = PackJobID(nextID())
            packJobs[job] = (model, generation)
            model.generations[generation]?.job = job
            enqueue(packs.request(job, at: now))
        case .discardPack(let generation):
            guard let pack = model.generations[generation]?.pack else { return }
            logger.warning("a damaged pack is made again", metadata: ["model": "\(model.reference)"])
            packFolder.remove(key: pack.key)
        case .seat(let seat, let action): perform(action, seat, of: model, at: now)
        case .activate(let generation):
            guard let files = model.generations[generation] else { return }
            model.configuration = files.configuration
            model.path = files.path
            scheduler.updatePolicy(model.queue, policy: files.configuration.policy)
            scheduler.open(model.queue)
            logger.info("serving", metadata: ["model": "\(model.reference)", "generation": "\(generation)"])
        case .close(let refusal):
            logger.warning("unavailable: \(refusal.message)", metadata: ["model": "\(model.reference)"])
            scheduler.close(model.queue, refusal)
        case .release(let generation):
            if let job = model.generations[generation]?.job {
                packJobs[job] = nil
                enqueue(packs.cancel(job, at: now))
            }
            model.generations[generation] = nil
        case .loaded(let outcome): loaded(model, outcome, at: now)
        case .unloaded:
            scheduler.removeQueue(model.queue, Refusal(.unavailable, "the model was unloaded"))
            models.remove(model)
            logger.info("unloaded", metadata: ["model": "\(model.reference)"])
            report(model, .ok, "unloaded", generation: 0, at: now)
        }
    }

    private func perform(_ action: WorkerLifecycle.Action, _ seat: SeatID, of model: ServedModel, at now: Int64) {
        if action == .spawn { return startSeat(seat, of: model, at: now) }
        guard let process = model.workers[seat] else { return }
        switch action {
        case .spawn: break
        case .sendLoad: sendLoad(to: process, seat, of: model, at: now)
        case .enlist: scheduler.workerReady(process.id, queue: model.queue, slot: process.slot)
        case .drain: scheduler.drain(process.id)
        case .sendDrain: send(.drain(ToWorker.Drain()), to: process)
        case .terminate: process.signal(.terminate)
        case .kill: process.signal(.kill)
        }
    }

    private func sendLoad(to process: WorkerProcess, _ seat: SeatID, of model: ServedModel, at now: Int64) {
        guard let files = model.generations[seat.generation], let pack = files.pack else { return }
        let load = ToWorker.Load(
            modelDirectory: files.path,
            name: model.name,
            version: model.version,
            variant: model.variant,
            maxBatchTokens: UInt32(clamping: files.configuration.policy.maxBatchTokens),
            threads: UInt32(clamping: slots[process.slot].cpus.count),
            generation: seat.generation,
            packKey: pack.key,
            verifyPack: !pack.isVerified,
            instructionSet: pack.isVerified ? files.ready?.instructionSet ?? "" : ""
        )
        process.pack = pack
        send(.load(load), with: pack.descriptor.rawValue, to: process, at: now)
    }

    private func loaded(_ model: ServedModel, _ outcome: ModelLifecycle.Outcome, at now: Int64) {
        if outcome.code != .ok {
            let metadata: Logger.Metadata = ["model": "\(model.reference)", "code": "\(outcome.code)"]
            logger.error("not loaded: \(outcome.message)", metadata: metadata)
        }
        report(model, outcome.code, outcome.message, generation: outcome.generation, at: now)
    }
}
