import Configuration
import Messages
import Time
import Topology
import Wire

extension Core {
    /// How long a worker that has closed its channel may take to end.
    static let exitGrace = Duration.seconds(1)

    // MARK: - Starting

    private mutating func spawn(_ role: Supervised.Role, on slot: Slot) -> WorkerID {
        let id = WorkerID(nextID())
        processes[id] = Supervised(role, slot: slot)
        effects.append(.spawn(id, on: slot, isPacker: role.isPacker, isStrict: configuration.isNUMAStrict))
        return id
    }

    mutating func startSeat(_ seat: SeatID, of id: QueueID) {
        guard let model = catalogue[id], model.generations[seat.generation] != nil,
            let slot = model.slot(of: seat).flatMap({ knownSlots[$0] })
        else {
            return
        }
        let worker = spawn(.seat(id, seat), on: slot)
        catalogue.update(id) { $0.workers[seat] = worker }
    }

    mutating func startPacker(_ job: PackJobID) {
        _ = spawn(.packer(job), on: slot(forCopy: job) ?? slots[Int(job.value % UInt64(slots.count))])
    }

    mutating func started(_ id: WorkerID, _ processID: Int32) {
        guard let process = processes[id] else { return }
        processes[id]?.processID = processID
        report(.processStarted(label(id), isPacker: process.role.isPacker))
    }

    mutating func notStarted(_ id: WorkerID, _ error: String, jitter: Double) {
        guard let process = processes.removeValue(forKey: id) else { return }
        switch process.role {
        case .packer(let job):
            enqueue(packs.ended(job, .neverStarted(error), description: error, at: now))
        case .seat(let model, let seat):
            report(.processNotStarted(model: catalogue[model]?.reference ?? "", error: error))
            catalogue.update(model) { $0.workers[seat] = nil }
            change(model) { $0.ended(seat, .neverStarted(error), description: error, jitter: jitter, at: $1) }
        }
    }

    /// Sends a frame. A process that has closed its channel is sent nothing more.
    mutating func tell(_ id: WorkerID, _ frame: ToWorker, with files: [AttachedFile] = []) {
        guard processes[id]?.channelClosed == false else { return }
        effects.append(.tell(id, frame, with: files))
    }

    mutating func holds(unread bytes: Int, by id: WorkerID) {
        guard let process = processes[id] else { return }
        processes[id]?.unread = bytes
        clients.memory.unread += bytes - process.unread
        scheduler.unread(bytes, by: id)
    }

    // MARK: - What they say

    mutating func said(_ frame: FromWorker, by id: WorkerID) {
        guard let process = processes[id], process.killReason == nil else { return }
        if case .hello(let hello) = frame, hello.protocolVersion != WireProtocol.version {
            let message = "it speaks version \(hello.protocolVersion) of the protocol, not \(WireProtocol.version)"
            return violation(of: id, message)
        }
        switch process.role {
        case .packer(let job): said(frame, by: id, job)
        case .seat(let model, let seat): said(frame, by: id, model, seat)
        }
    }

    private mutating func said(_ frame: FromWorker, by id: WorkerID, _ model: QueueID, _ seat: SeatID) {
        switch frame {
        case .result(let result): deliver(result, from: id)
        case .prepared(let prepared):
            scheduler.prepared(RequestID(prepared.requestID), tokens: Int(prepared.tokens), by: id)
        case .batchDone(let done): batchDone(done, by: id, model, seat)
        case .hello(let hello):
            processes[id]?.sandbox = hello.sandbox
            // The same of each process, such as what the machine lacks, is told once.
            for warning in hello.warnings where toldWarnings.insert(warning).inserted {
                report(.workerWarning(label(id), warning))
            }
            change(model) { $0.hello(seat, at: $1) }
        case .ready(let ready): self.ready(ready, id, model, seat)
        case .failed(let failed):
            catalogue.update(model) { $0.lifecycle.reported(seat, failed.kind, failed.message) }
        case .progress: catalogue.update(model) { $0.lifecycle.heard(seat, at: now) }
        case .packKey, .packDone: violation(of: id, "it sent a frame that a worker does not send")
        }
    }

    private mutating func batchDone(_ done: FromWorker.BatchDone, by id: WorkerID, _ model: QueueID, _ seat: SeatID) {
        if processes[id]?.progressed == false {
            processes[id]?.progressed = true
            catalogue.update(model) { $0.lifecycle.provedUseful(seat) }
        }
        let isKnown = scheduler.batchDone(BatchID(done.batchID), tokens: Int(done.tokens), by: id, at: now)
        if !isKnown { violation(of: id, "it finished batch \(done.batchID), which it does not compute") }
    }

    private mutating func ready(_ ready: FromWorker.Ready, _ id: WorkerID, _ model: QueueID, _ seat: SeatID) {
        for proof in ready.failedProofs {
            report(.proofFailed(label(id), proof, instructionSet: ready.instructionSet))
        }
        let files = catalogue[model]?.generations[seat.generation]
        // A pack that was made anew meanwhile was verified, or not, by others.
        let isFirst = files?.pack?.id == processes[id]?.pack && files?.pack?.isVerified == false
        if let first = files?.ready, !isFirst, first.instructionSet != ready.instructionSet {
            // Both proved themselves at once. The next one is told what to use, so that all give the same bits.
            let message = "it computes with \(ready.instructionSet), and its generation with \(first.instructionSet)"
            return violation(of: id, message)
        }
        catalogue.update(model) { model in
            if files?.ready == nil || isFirst { model.generations[seat.generation]?.ready = ready }
            if isFirst { model.generations[seat.generation]?.pack?.isVerified = true }
        }
        report(.workerReady(label(id), after: .microseconds(ready.loadMicroseconds)))
        change(model) { $0.ready(seat, at: $1) }
    }

    mutating func channelClosed(_ id: WorkerID) {
        guard processes[id]?.channelClosed == false else { return }
        processes[id]?.channelClosed = true
        // Its exit status says why. It gets a moment to exit by itself.
        exiting.append((id, killAt: now + Self.exitGrace))
    }

    // MARK: - Blame

    /// The process is killed and counted as dead by its own fault.
    mutating func violation(of id: WorkerID, _ message: String) {
        guard let process = processes[id], process.killReason == nil else { return }
        report(.protocolBroken(label(id), message))
        kill(id, because: message)
    }

    /// The worker does not go on: the same; what it had to do is to blame, if there is anything.
    mutating func stalled(_ id: WorkerID, _ message: String, _ loss: Scheduler.Loss) {
        guard case .seat(let model, let seat)? = processes[id]?.role else { return }
        // Nobody misses one that is to end.
        if catalogue[model]?.lifecycle.seat(seat)?.isStopping == false { report(.workerStuck(label(id), message)) }
        processes[id]?.loss = loss
        if loss.wasWorking { catalogue.update(model) { $0.lifecycle.provedUseful(seat) } }
        kill(id, because: message)
    }

    /// Kills a process, whose end then counts as its own fault.
    mutating func kill(_ id: WorkerID, because message: String) {
        guard let process = processes[id], process.killReason == nil else { return }
        processes[id]?.killReason = message
        effects.append(.kill(id))
        switch process.role {
        case .seat(let model, let seat): change(model) { $0.violation(seat, message, at: $1) }
        case .packer(let job): enqueue(packs.violation(job, message, at: now))
        }
    }

    mutating func ended(_ ending: Ending) {
        let (id, end) = (ending.process, ending.end)
        let label = label(id)
        holds(unread: 0, by: id)
        guard let process = processes.removeValue(forKey: id) else { return }
        exiting.removeAll { $0.id == id }
        let cause = process.killReason ?? ending.description
        switch process.role {
        case .packer(let job):
            effects.append(.removeFile(job))
            enqueue(packs.ended(job, end, description: cause, at: now))
        case .seat(let model, let seat):
            let lifecycle = catalogue[model]?.lifecycle.seat(seat)
            let isExpected = lifecycle?.isStopping ?? true
            let words = lifecycle?.words(of: ending.description) ?? cause
            let isExternal = process.killReason == nil && (isExpected || end.isFromOutside)
            let loss = scheduler.workerGone(id, isExternal ? .external : .ownFault(cause))
            let record = WorkerEnd(
                end: ending.description,
                cause: words,
                isExpected: isExpected,
                peak: ending.peak,
                batches: (process.loss ?? loss).batches
            )
            report(.workerEnded(label, record))
            catalogue.update(model) {
                if $0.workers[seat] == id { $0.workers[seat] = nil }
                // Its request is to blame, and not the worker.
                if loss.wasWorking { $0.lifecycle.provedUseful(seat) }
            }
            change(model) { $0.ended(seat, end, description: ending.description, jitter: ending.jitter, at: $1) }
        }
    }

    /// What is told of a process.
    private func label(_ id: WorkerID) -> ProcessLabel {
        guard let process = processes[id] else { return ProcessLabel(processID: 0, slot: 0) }
        var label = ProcessLabel(processID: process.processID, slot: process.slot.id)
        switch process.role {
        case .seat(let model, let seat):
            label.model = catalogue[model]?.reference
            label.generation = seat.generation
        case .packer(let job):
            let model = packJobs[job]?.model ?? copyJobs[job]?.model
            label.model = model.flatMap { catalogue[$0]?.reference }
        }
        return label
    }
}
