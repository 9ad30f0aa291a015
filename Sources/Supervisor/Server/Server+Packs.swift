import LinuxSystem
import Logging
import Messages
import Wire

extension Server {
    // MARK: - What the coordinator decides

    func perform(_ action: PackCoordinator.Action, at now: Int64) {
        switch action {
        case .spawn(let job): startPacker(job, at: now)
        case .sendPack(let job): sendPack(job, at: now)
        case .sendProceed(let job):
            if let process = packer(job) { send(.packProceed(ToWorker.PackProceed()), to: process) }
        case .store(let job, let key, let bytes):
            if !packFolder.hasTemporary(job), packAgain(job, at: now) { return }
            let error = packFolder.store(job, key: key, bytes: bytes)
            enqueue(packs.stored(job, bytes: bytes, error: error, at: now))
        case .kill(let job): packer(job)?.signal(.kill)
        case .finished(let job, let key, let bytes): packFinished(job, key: key, bytes: bytes, at: now)
        case .failed(let job, let code, let message):
            guard let (model, generation) = packJobs.removeValue(forKey: job) else { return }
            model.generations[generation]?.job = nil
            enqueue(model.lifecycle.packFailed(generation: generation, code, message, at: now), of: model)
        }
    }

    /// Starts over with a pack whose file was removed, with its folder most likely, while it was written; once.
    private func packAgain(_ job: PackJobID, at now: Int64) -> Bool {
        guard let (model, generation) = packJobs[job], let files = model.generations[generation], !files.isPackedAgain
        else { return false }
        logger.warning("the file of a pack was removed; it is made again", metadata: ["model": "\(model.reference)"])
        files.isPackedAgain = true
        packJobs[job] = nil
        enqueue(packs.cancel(job, at: now))
        perform(.pack(generation: generation), of: model, at: now)
        return true
    }

    private func packer(_ job: PackJobID) -> WorkerProcess? {
        workers.values.first { process in
            if case .packer(job) = process.role { true } else { false }
        }
    }

    private func sendPack(_ job: PackJobID, at now: Int64) {
        guard let process = packer(job), let (model, generation) = packJobs[job] else { return }
        guard let files = model.generations[generation] else { return }
        do throws(ConfigurationError) {
            let file = try packFolder.makeTemporary(job)
            let quality = files.configuration.quality
            let folder = "\(repository.root)/\(model.name)/"
            let pack = ToWorker.Pack(
                modelDirectory: files.path,
                variant: model.variant,
                calibrationFile: quality.calibrationFile.map { $0.hasPrefix("/") ? $0 : folder + $0 } ?? "",
                minCosine: quality.minCosine,
                minAgreement: quality.minAgreement
            )
            send(.pack(pack), with: file.rawValue, to: process, at: now)
        } catch {
            enqueue(packs.refused(job, error.message, at: now))
        }
    }

    private func packFinished(_ job: PackJobID, key: String, bytes: UInt64, at now: Int64) {
        packFolder.removeTemporary(job)
        guard let (model, generation) = packJobs.removeValue(forKey: job) else { return }
        guard let files = model.generations[generation] else { return }
        files.job = nil
        do throws(SystemError) {
            files.pack = OpenPack(key: key, bytes: bytes, descriptor: try packFolder.open(key: key))
            enqueue(model.lifecycle.packed(generation: generation, key: key, at: now), of: model)
            limitCache()
        } catch {
            let message = "the pack cannot be opened: \(error)"
            enqueue(model.lifecycle.packFailed(generation: generation, .unavailable, message, at: now), of: model)
        }
    }

    // MARK: - What a packer says

    func handle(_ frame: FromWorker, from process: WorkerProcess, _ job: PackJobID, at now: Int64) {
        switch frame {
        case .hello(let hello):
            guard hello.protocolVersion == WireProtocol.version else {
                let message = "it speaks version \(hello.protocolVersion) of the protocol, not \(WireProtocol.version)"
                return violation(of: process, message, at: now)
            }
            enqueue(packs.hello(job, at: now))
        case .packKey(let named):
            let cached = PackCoordinator.isKey(named.key) ? packFolder.size(key: named.key) : nil
            enqueue(packs.identified(job, key: named.key, cachedBytes: cached, at: now))
        case .progress: packs.progressed(job, at: now)
        case .packDone(let done): enqueue(packs.packed(job, bytes: done.bytes, at: now))
        case .failed(let failed): packs.reported(job, WorkerFailure(failed.kind), failed.message)
        case .ready, .prepared, .result, .batchDone:
            violation(of: process, "it sent a frame that a packer does not send", at: now)
        }
    }
}
