import LinuxSystem
import Logging
import Messages
import Topology
import Wire

extension Server {
    /// How long a worker that has closed its channel may take to end.
    static let exitGrace: Int64 = 1_000_000_000

    // MARK: - Starting

    /// Starts a worker or a packer. Returns why it could not be started.
    private func spawn(_ role: WorkerProcess.Role, slot index: Int) -> Result<WorkerProcess, SystemError> {
        let slot = slots[index]
        var arguments = [
            "--channel-fd", "3", "--cpus", "\(slot.cpus)", "--node", "\(slot.node)", "--threads", "\(slot.cpus.count)",
            "--parent", "\(ProcessSelf.processID)",
        ]
        if case .packer = role { arguments.append("--pack") }
        do throws(SystemError) {
            let pair = try UnixStream.pair()
            let child = try ChildProcess(
                ChildCommand(
                    workerExecutable,
                    arguments: arguments,
                    environment: workerEnvironment,
                    descriptors: [3: pair.second.rawValue],
                    newProcessGroup: true
                )
            )
            let id = WorkerID(nextID())
            let channel = try FramedStream(
                pair.takeFirst(),
                owner: .channel(id.value),
                maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes
            )
            try epoll.add(channel.descriptor, token: channel.owner.value, interest: .readable)
            try epoll.add(child.rawValue, token: Token.process(id.value).value, interest: .readable)
            let process = WorkerProcess(id: id, role: role, slot: index, child: child, channel: channel)
            workers[id] = process
            return .success(process)
        } catch {
            return .failure(error)
        }
    }

    func startSeat(_ seat: SeatID, of model: ServedModel, at now: Int64) {
        guard let files = model.generations[seat.generation], let index = slot(of: seat, in: model) else { return }
        switch spawn(.seat(model, seat, files), slot: index) {
        case .success(let process):
            model.workers[seat] = process
            logger.info("worker started", metadata: describe(process))
        case .failure(let error):
            logger.error("a worker cannot be started", metadata: ["model": "\(model.reference)", "error": "\(error)"])
            let ended = model.lifecycle.ended(
                seat,
                .neverStarted("\(error)"),
                description: "\(error)",
                jitter: .random(in: 0..<1),
                at: now
            )
            enqueue(ended, of: model)
        }
    }

    func startPacker(_ job: PackJobID, at now: Int64) {
        switch spawn(.packer(job), slot: Int(job.value % UInt64(slots.count))) {
        case .success(let process): logger.info("packer started", metadata: describe(process))
        case .failure(let error):
            enqueue(packs.ended(job, .neverStarted("\(error)"), description: "\(error)", at: now))
        }
    }

    private func slot(of seat: SeatID, in model: ServedModel) -> Int? {
        for generation in [model.lifecycle.serving, model.lifecycle.incoming, model.lifecycle.leaving] {
            if let generation, generation.number == seat.generation { return generation.slots[seat.index] }
        }
        return nil
    }

    // MARK: - Writing

    func send(_ frame: ToWorker, to process: WorkerProcess) {
        guard !process.channelClosed else { return }
        do throws(WireError) {
            try process.channel.output.append(frame, maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes)
            markForFlush(process.channel)
        } catch {
            // A request's payload came in a frame of the same limit, and everything else is small.
            logger.error("a frame for a worker is too large", metadata: describe(process))
        }
    }

    /// Sends a process's first frame with a descriptor. Its channel is empty, so the start of it is taken at once.
    func send(_ frame: ToWorker, with descriptor: Int32, to process: WorkerProcess, at now: Int64) {
        guard let bytes = try? FrameEncoder.encode(frame), process.channel.output.count == 0 else {
            return violation(of: process, "its first frame cannot be sent", at: now)
        }
        let written = bytes.withUnsafeBytes { raw in
            try? process.channel.stream.write(raw, descriptors: [descriptor])
        }
        switch written {
        case .bytes(let count)?:
            process.channel.output.append(rest: bytes[count...])
            markForFlush(process.channel)
        case .closed?: break
        case .wouldBlock?, nil: violation(of: process, "its first frame cannot be sent", at: now)
        }
    }

    // MARK: - Reading

    func channelReady(_ id: WorkerID, _ readiness: Readiness, at now: Int64) {
        guard let process = workers[id] else { return }
        if readiness.contains(.writable) { markForFlush(process.channel) }
        guard readiness.rawValue & Readiness.worthReading.rawValue != 0 else { return }
        let arrival = process.channel.receive()
        // A worker has one thread: what it writes it writes between two pieces of its work.
        if arrival == .bytes { scheduler.progressed(id, at: now) }
        readFrames(of: process, at: now)
        if arrival == .closed { channelClosed(process, at: now) }
    }

    private func channelClosed(_ process: WorkerProcess, at now: Int64) {
        guard !process.channelClosed else { return }
        process.channelClosed = true
        try? epoll.remove(process.channel.descriptor)
        // Its exit status, seen on the pidfd, says why. It gets a moment to exit by itself.
        process.killAt = now + Self.exitGrace
    }

    private func readFrames(of process: WorkerProcess, at now: Int64) {
        while process.killReason == nil {
            switch process.channel.next(FromWorker.self) {
            case .frame(let frame):
                switch process.role {
                case .seat(let model, let seat, let files):
                    handle(frame, from: process, model, seat, files, at: now)
                case .packer(let job): handle(frame, from: process, job, at: now)
                }
            case .malformed(let error, _), .broken(let error):
                violation(of: process, "it sent garbage: \(error.message)", at: now)
            case .none: return
            }
        }
    }

    private func handle(
        _ frame: FromWorker,
        from process: WorkerProcess,
        _ model: ServedModel,
        _ seat: SeatID,
        _ files: GenerationFiles,
        at now: Int64
    ) {
        switch frame {
        case .result(let result): deliver(result, from: process, at: now)
        case .prepared(let prepared):
            scheduler.prepared(RequestID(prepared.requestID), tokens: Int(prepared.tokens), by: process.id)
        case .batchDone(let done):
            if !process.progressed {
                process.progressed = true
                model.lifecycle.completedBatch(seat)
            }
            let nanoseconds = Int64(clamping: done.computeMicroseconds).multipliedReportingOverflow(by: 1000)
            let known = scheduler.batchDone(
                BatchID(done.batchID),
                nanoseconds: nanoseconds.overflow ? 0 : nanoseconds.partialValue,
                by: process.id,
                at: now
            )
            if !known {
                violation(of: process, "it finished batch \(done.batchID), which it does not compute", at: now)
            }
        case .hello(let hello):
            for warning in hello.warnings { logger.warning("worker: \(warning)", metadata: describe(process)) }
            guard hello.protocolVersion == WireProtocol.version else {
                let message = "it speaks version \(hello.protocolVersion) of the protocol, not \(WireProtocol.version)"
                return violation(of: process, message, at: now)
            }
            enqueue(model.lifecycle.hello(seat, at: now), of: model)
        case .ready(let ready):
            for proof in ready.failedProofs {
                logger.error(
                    "this CPU computes wrongly: \(proof); the worker uses \(ready.instructionSet) instead",
                    metadata: describe(process)
                )
            }
            if let first = files.ready, process.pack?.isVerified == true, first.instructionSet != ready.instructionSet {
                // Both proved themselves at once. The next one is told what to use, so that all give the same bits.
                let message =
                    "it computes with \(ready.instructionSet), and its generation with \(first.instructionSet)"
                return violation(of: process, message, at: now)
            }
            if files.ready == nil || process.pack?.isVerified == false { files.ready = ready }
            process.pack?.isVerified = true
            let milliseconds = Int(clamping: ready.loadMicroseconds / 1000)
            logger.info(
                "worker ready",
                metadata: describe(process).merging(["load_ms": "\(milliseconds)"]) { old, _ in old }
            )
            enqueue(model.lifecycle.ready(seat, at: now), of: model)
        case .failed(let failed):
            model.lifecycle.reported(seat, WorkerFailure(failed.kind), failed.message)
        case .progress: model.lifecycle.heard(seat, at: now)
        case .packKey, .packDone:
            violation(of: process, "it sent a frame that a worker does not send", at: now)
        }
    }

    /// The process is killed and counted as dead by its own fault.
    func violation(of process: WorkerProcess, _ message: String, at now: Int64) {
        guard process.killReason == nil else { return }
        logger.error("worker breaks the protocol: \(message)", metadata: describe(process))
        kill(process, because: message, at: now)
    }

    /// The process has something to do and does not go on: the same.
    func stalled(_ process: WorkerProcess, _ message: String, at now: Int64) {
        logger.error("worker is stuck: \(message)", metadata: describe(process))
        kill(process, because: message, at: now)
    }

    /// Kills a process, whose end then counts as its own fault.
    func kill(_ process: WorkerProcess, because message: String, at now: Int64) {
        guard process.killReason == nil else { return }
        process.killReason = message
        process.signal(.kill)
        switch process.role {
        case .seat(let model, let seat, _): enqueue(model.lifecycle.violation(seat, message, at: now), of: model)
        case .packer(let job): enqueue(packs.violation(job, message, at: now))
        }
    }

    // MARK: - Ending

    func processEnded(_ id: WorkerID, at now: Int64) {
        guard let process = workers[id], let status = try? process.child.reapIfEnded() else { return }
        // What it wrote before it ended is still in the channel, and counts.
        if !process.channelClosed {
            while process.channel.receive() == .bytes { readFrames(of: process, at: now) }
            readFrames(of: process, at: now)
            try? epoll.remove(process.channel.descriptor)
        }
        process.channelClosed = true
        try? epoll.remove(process.child.rawValue)
        todo.append(.ended(process, status))
    }

    func ended(_ process: WorkerProcess, _ status: ExitStatus, at now: Int64) {
        workers[process.id] = nil
        let cause = process.killReason ?? "\(status)"
        let end: ProcessEnd =
            switch status {
            case .exited(let code): .exited(code)
            case .killed(let signal, _): .signalled(signal.rawValue)
            }
        switch process.role {
        case .packer(let job):
            packFolder.removeTemporary(job)
            enqueue(packs.ended(job, end, description: cause, at: now))
        case .seat(let model, let seat, _):
            let expected = model.lifecycle.seat(seat)?.isStopping ?? true
            let metadata = describe(process).merging(["end": "\(cause)"]) { old, _ in old }
            if expected {
                logger.info("worker ended", metadata: metadata)
            } else {
                logger.warning("worker died", metadata: metadata)
            }
            let isExternal = process.killReason == nil && (expected || status.isExternal)
            scheduler.workerGone(process.id, isExternal ? .external : .ownFault(cause))
            if model.workers[seat] === process { model.workers[seat] = nil }
            let actions = model.lifecycle.ended(
                seat,
                end,
                description: "\(status)",
                jitter: .random(in: 0..<1),
                at: now
            )
            enqueue(actions, of: model)
        }
    }

    func describe(_ process: WorkerProcess) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["pid": "\(process.processID)", "slot": "\(process.slot)"]
        switch process.role {
        case .seat(let model, let seat, _):
            metadata["model"] = "\(model.reference)"
            metadata["generation"] = "\(seat.generation)"
        case .packer(let job):
            if let job = packJobs[job] { metadata["model"] = "\(job.model.reference)" }
        }
        return metadata
    }
}

extension ExitStatus {
    /// Whether somebody else ended the process, as far as can be told.
    fileprivate var isExternal: Bool {
        switch self {
        case .exited(let code): code == 0
        case .killed(let signal, _): signal == .kill || signal == .terminate || signal == .interrupt
        }
    }
}

extension WorkerFailure {
    init(_ kind: FailureKind) {
        self =
            switch kind {
            case .internal: .transient
            case .configuration: .configuration
            case .resource: .resource
            case .pack: .pack
            }
    }
}
