import Configuration
import Messages
import Topology
import Wire

extension Core {
    // MARK: - What the coordinator decides

    mutating func perform(_ action: PackCoordinator.Action) {
        switch action {
        case .spawn(let job): startPacker(job)
        case .sendPack(let job): sendPack(job)
        case .sendProceed(let job):
            if let id = packer(job) { tell(id, .packProceed(ToWorker.PackProceed())) }
        case .sendCopy(let job): if let id = packer(job) { sendCopy(job, to: id) }
        case .seal(let job, let bytes): effects.append(.sealCopy(job, bytes: bytes))
        case .copied(let job): copied(job)
        case .store(let job, let key, let bytes): effects.append(.storePack(job, key: key, bytes: bytes))
        case .kill(let job): if let id = packer(job) { effects.append(.kill(id)) }
        case .finished(let job, let key, _):
            effects += [.removeFile(job), .openPack(job, key: key, beside: serving(beside: job))]
        case .failed(let job, let code, let message): packFailed(job, code, message)
        }
    }

    mutating func packFailed(_ job: PackJobID, _ code: StatusCode, _ message: String) {
        if copyFailed(job, code, message) { return }
        guard let (model, generation) = packJobs.removeValue(forKey: job) else { return }
        catalogue.update(model) { $0.generations[generation]?.job = nil }
        failPack(of: model, generation, code, message)
    }

    mutating func failPack(of id: QueueID, _ generation: UInt64, _ code: StatusCode, _ message: String) {
        change(id) { $0.packFailed(generation: generation, code, message, at: $1) }
    }

    /// Starts over with a pack whose file was removed, with its folder most likely, while it was written; once.
    mutating func packAgain(_ job: PackJobID) -> Bool {
        guard let (id, generation) = packJobs[job], let model = catalogue[id] else { return false }
        guard model.generations[generation]?.isPackedAgain == false else { return false }
        report(.packFileRemoved(model: model.reference))
        catalogue.update(id) { $0.generations[generation]?.isPackedAgain = true }
        packJobs[job] = nil
        enqueue(packs.cancel(job, at: now))
        perform(.pack(generation: generation), of: id)
        return true
    }

    private func packer(_ job: PackJobID) -> WorkerID? { processes.first { $0.value.role == .packer(job) }?.key }

    private mutating func sendPack(_ job: PackJobID) {
        guard let id = packer(job), let (model, generation) = packJobs[job], let model = catalogue[model] else {
            return
        }
        guard let files = model.generations[generation] else { return }
        let quality = files.configuration.quality
        let folder = "\(repository)/\(model.name)/"
        let pack = ToWorker.Pack(
            modelDirectory: files.path,
            variant: model.variant,
            calibrationFile: quality.calibrationFile.map { $0.hasPrefix("/") ? $0 : folder + $0 } ?? "",
            minCosine: quality.minCosine,
            minAgreement: quality.minAgreement
        )
        tell(id, .pack(pack), with: [.file(job)])
    }

    /// A worker of the model whose next generation gets a pack.
    private func serving(beside job: PackJobID) -> WorkerID? {
        guard let (id, generation) = packJobs[job], let model = catalogue[id] else { return nil }
        return model.workers.filter { $0.key.generation < generation }.values.min()
    }

    mutating func packOpened(_ job: PackJobID, key: String, bytes: UInt64, room: MemoryRoom, own: UInt64?) {
        guard let (model, generation) = packJobs.removeValue(forKey: job) else {
            return effects.append(.closePack(job))
        }
        // Workers of a damaged pack that was made anew may have asked for it until now.
        closePack(of: model, generation)
        catalogue.update(model) { model in
            model.generations[generation]?.job = nil
            model.generations[generation]?.pack = OpenPack(id: job, key: key, bytes: bytes)
        }
        place(model, generation, room: room, own: own)
        if configuration.cacheMaxBytes > 0 { effects.append(.listCache(.limit)) }
    }

    /// What workers map of it may have other bytes than were verified. Who maps a sealed copy has those still.
    mutating func packChanged(_ job: PackJobID) {
        for (id, model) in catalogue.entries {
            let files = model.generations.first { $0.value.pack?.id == job }
            guard let (generation, files) = files, model.lifecycle.leaving?.number != generation else { continue }
            if case .replicated? = files.pack?.placement { return }
            report(.packChanged(model: model.reference))
            catalogue.update(id) { $0.generations[generation]?.pack?.isDoubtful = true }
            moving.insert(id)
        }
    }

    /// A pack that has changed is damaged, or nothing else could be loaded: its workers end at once. Their successors verify
    /// it, and compute again what those had begun.
    mutating func endDoubtful(_ id: QueueID) {
        guard let model = catalogue[id] else { return }
        for (generation, files) in model.generations where files.pack?.isDoubtful == true {
            catalogue.update(id) {
                $0.generations[generation]?.pack?.isDoubtful = false
                $0.generations[generation]?.pack?.isVerified = false
            }
            for worker in model.workers.filter({ $0.key.generation == generation }).values.sorted() {
                processes[worker]?.pack = nil
                effects.append(.kill(worker))
            }
        }
    }

    // MARK: - What a packer says

    mutating func said(_ frame: FromWorker, by id: WorkerID, _ job: PackJobID) {
        switch frame {
        case .hello: enqueue(packs.hello(job, at: now))
        case .packKey(let named):
            guard PackCoordinator.isKey(named.key) else {
                return enqueue(packs.identified(job, key: named.key, cachedBytes: nil, at: now))
            }
            effects.append(.findPack(job, key: named.key))
        case .progress: packs.progressed(job, at: now)
        case .packDone(let done): enqueue(packs.packed(job, bytes: done.bytes, at: now))
        case .failed(let failed): packs.reported(job, failed.kind, failed.message)
        case .ready, .prepared, .result, .batchDone:
            violation(of: id, "it sent a frame that a packer does not send")
        }
    }

    // MARK: - The cache

    /// Its packs, the most recently used first, are listed for a client, or some of them are to go.
    mutating func cacheListed(_ purpose: CachePurpose, path: String, _ packs: [CachedPack]) {
        let users = packUsers()
        let limit: UInt64
        switch purpose {
        case .list(let call):
            let entries = packs.map { CacheEntry($0, models: users[$0.key] ?? []) }
            let limit = UInt64(configuration.cacheMaxBytes)
            let response = CacheListResponse(path: path, entries: entries, limitBytes: limit)
            return clients.finish(call, payload: response.encode())
        case .prune(_, let wanted): limit = wanted
        case .limit: limit = UInt64(configuration.cacheMaxBytes)
        }
        // Those that no generation has open, the least recently used first.
        let victims = CachedPack.victims(of: packs, limit: limit, inUse: Set(users.keys))
        effects.append(.pruneCache(purpose, victims, of: packs.reduce(0) { $0 + $1.bytes }))
    }

    mutating func cachePruned(_ purpose: CachePurpose, _ removed: [CachedPack], of bytes: UInt64) {
        for pack in removed { report(.packRemoved(key: pack.key, bytes: pack.bytes)) }
        guard case .prune(let call, _) = purpose else { return }
        let response = CachePruneResponse(
            removed: removed.map { CacheEntry($0, models: []) },
            bytes: bytes - removed.reduce(0) { $0 + $1.bytes }
        )
        clients.finish(call, payload: response.encode())
    }

    /// What has each pack open, by key.
    private func packUsers() -> [String: [String]] {
        var users: [String: [String]] = [:]
        for (_, model) in catalogue.entries {
            for key in Set(model.generations.values.compactMap(\.pack?.key)) {
                users[key, default: []].append(model.reference)
            }
        }
        return users
    }
}

extension CacheEntry {
    fileprivate init(_ pack: CachedPack, models: [String]) {
        self.init(key: pack.key, bytes: pack.bytes, usedAt: pack.usedAt, models: models)
    }
}
