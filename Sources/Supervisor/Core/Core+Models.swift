import Configuration
import Messages
import Time
import Topology
import Wire

extension Core {
    mutating func add(
        name: String,
        _ edition: Edition,
        path: String,
        _ configuration: ModelConfiguration
    ) -> QueueID {
        let id = QueueID(nextID())
        catalogue.insert(ServedModel(name: name, edition, path: path, configuration), as: id)
        scheduler.addQueue(id, policy: configuration.policy)
        return id
    }

    /// Builds a generation of the model. The caller has made sure that nothing is changing.
    mutating func load(_ id: QueueID, path: String, _ configuration: ModelConfiguration) {
        let count = configuration.instances > 0 ? configuration.instances : slots.count
        let placement = placeSeats(count: count, loads: seatsBySlot()).map { slots[$0].id }
        let timeouts = (load: self.configuration.loadTimeout, drain: self.configuration.drainTimeout)
        change(id) { lifecycle, now in
            (lifecycle.timeouts.load, lifecycle.timeouts.drain) = timeouts
            return lifecycle.load(slots: placement, at: now).actions
        }
        catalogue.update(id) { model in
            if let incoming = model.lifecycle.incoming {
                model.generations[incoming.number] = GenerationFiles(path: path, configuration: configuration)
            }
            // Nobody answers yet, so requests wait with the new policy.
            if model.lifecycle.state != .ready { model.configuration = configuration }
        }
        guard catalogue[id]?.lifecycle.state != .ready else { return }
        scheduler.updatePolicy(id, policy: configuration.policy)
        scheduler.open(id)
    }

    private func seatsBySlot() -> [Int] {
        var loads = slots.map { _ in 0 }
        for (_, model) in catalogue.entries {
            // A model's own older generation leaves, so it does not count against its successor.
            guard let generation = model.lifecycle.incoming ?? model.lifecycle.serving else { continue }
            for id in generation.slots {
                if let index = slots.firstIndex(where: { $0.id == id }) { loads[index] += 1 }
            }
        }
        return loads
    }

    /// Loads each model anew that has workers where no slot is any more, or none where there should be one, or that map a pack
    /// which has changed. It serves on meanwhile, as in a reload. A reload that is under way comes first: it places what it
    /// loads where there are slots now.
    mutating func advanceMoves() {
        guard reloads.isEmpty else { return }
        for id in moving.sorted() {
            guard let model = catalogue[id], model.retiresBy == nil, let serving = model.lifecycle.serving,
                let files = model.serving, shutdown == .serving
            else {
                if catalogue[id]?.lifecycle.isChanging != true { moving.remove(id) }
                continue
            }
            guard !model.lifecycle.isChanging, model.reload == nil else { continue }
            moving.remove(id)
            let isElsewhere = !Set(serving.slots).isSubset(of: slots.map(\.id))
            let isMisplaced =
                isElsewhere || (files.configuration.instances == 0 && serving.slots.count != slots.count)
            guard isMisplaced || files.pack?.isDoubtful == true else { continue }
            if isMisplaced { report(.moved(model: model.reference)) }
            load(id, path: files.path, files.configuration)
        }
    }

    // MARK: - What the models' state machines decide

    mutating func perform(_ action: ModelLifecycle.Action, of id: QueueID) {
        guard let model = catalogue[id] else { return }
        switch action {
        case .pack(let generation):
            let job = PackJobID(nextID())
            packJobs[job] = (id, generation)
            catalogue.update(id) { $0.generations[generation]?.job = job }
            enqueue(packs.request(job, at: now))
        case .discardPack(let generation):
            guard let pack = model.generations[generation]?.pack else { return }
            report(.packDamaged(model: model.reference))
            effects.append(.removePack(pack.id, key: pack.key))
            endDoubtful(id)
        case .seat(let seat, let action): perform(action, seat, of: id)
        case .activate(let generation):
            guard let files = model.generations[generation] else { return }
            let isAgain = model.lastServed == generation
            catalogue.update(id) {
                ($0.configuration, $0.path, $0.lastServed) = (files.configuration, files.path, generation)
            }
            scheduler.updatePolicy(id, policy: files.configuration.policy)
            scheduler.open(id)
            report(.serving(model: model.reference, generation: generation, isAgain: isAgain))
            // What the one before failed at this one may be able to compute.
            if !isAgain { quarantine.clear(at: now) { $0 == model.reference } }
            replaceKept(model.name)
        case .close(let refusal):
            report(.unavailable(model: model.reference, refusal.message))
            scheduler.close(id, refusal)
        case .release(let generation):
            let files = model.generations[generation]
            if let job = files?.job {
                packJobs[job] = nil
                enqueue(packs.cancel(job, at: now))
            }
            closePack(of: id, generation)
            catalogue.update(id) { $0.generations[generation] = nil }
        case .loaded(let outcome):
            if outcome.code != .ok {
                report(.notLoaded(model: model.reference, outcome.code, outcome.message))
                endDoubtful(id)
            }
            reloaded(id, outcome.code, outcome.message, generation: outcome.generation)
        case .unloaded:
            scheduler.removeQueue(id, Refusal(.unavailable, "the model was unloaded"))
            report(.unloaded(model: model.reference))
            reloaded(id, .ok, "unloaded", generation: 0)
            unloaded(id)
            catalogue.remove(id)
        }
    }

    private mutating func perform(_ action: WorkerLifecycle.Action, _ seat: SeatID, of id: QueueID) {
        if action == .spawn { return startSeat(seat, of: id) }
        guard let worker = catalogue[id]?.workers[seat], let process = processes[worker] else { return }
        switch action {
        case .spawn: break
        case .sendLoad: sendLoad(to: worker, process, seat, of: id)
        case .enlist: scheduler.workerReady(worker, queue: id, slot: process.slot.id, at: now)
        case .drain: scheduler.drain(worker, at: now)
        case .sendDrain: tell(worker, .drain(ToWorker.Drain()))
        case .terminate: effects.append(.terminate(worker))
        case .kill: effects.append(.kill(worker))
        }
    }

    private mutating func sendLoad(to worker: WorkerID, _ process: Supervised, _ seat: SeatID, of id: QueueID) {
        guard let model = catalogue[id], let files = model.generations[seat.generation] else { return }
        guard let pack = files.pack else { return }
        let load = ToWorker.Load(
            modelDirectory: files.path,
            name: model.name,
            version: model.version,
            variant: model.variant,
            maxBatchTokens: UInt32(clamping: files.configuration.policy.maxBatchTokens),
            threads: UInt32(clamping: process.slot.cpus.count),
            generation: seat.generation,
            packKey: pack.key,
            verifyPack: !pack.isVerified || pack.isDoubtful,
            instructionSet: pack.isVerified ? files.ready?.instructionSet ?? "" : "",
            slowMicroseconds: configuration.slowRequest?.microseconds ?? 0,
            maxRequestTokens: UInt64(files.configuration.maxRequestTokens),
            maxRequestSequences: UInt32(clamping: files.configuration.maxRequestSequences)
        )
        processes[worker]?.pack = pack.id
        tell(worker, .load(load), with: [.pack(pack.copies[process.slot.node] ?? pack.id)])
    }
}
