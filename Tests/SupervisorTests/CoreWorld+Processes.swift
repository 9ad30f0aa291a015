import Configuration
import Messages
import Supervisor
import Testing
import Time
import Topology
import Wire

/// What the processes do.
extension CoreWorld {
    enum Behaviour: CaseIterable {
        case good
        case configurationError
        case exitAtLoad
        case neverReady
        case packDamaged
        case noPack
    }

    enum Trouble: CaseIterable {
        case noProcesses
        case noFiles
        case exitAtLoad
        case packerDies
    }

    /// A process is sent a frame.
    func hear(_ frame: ToWorker, _ attachments: [AttachedFile], _ id: WorkerID) {
        guard processes[id] != nil else { return }
        switch frame {
        case .pack(let pack):
            guard case .file(let job)? = attachments.first else {
                Issue.record("a Pack without a file")
                return
            }
            if trouble == .noFiles || chance(1, in: 30) {
                return core.handle(.fileRefused(job, "the disk is full"), at: now)
            }
            files.insert(job)
            processes[id]?.pack = (pack, job)
        case .packProceed: processes[id]?.mayWrite = true
        case .copy:
            guard attachments.count == 2, case .pack(let pack) = attachments[0], case .memory(let job) = attachments[1]
            else {
                Issue.record("a Copy without a pack and a file: \(attachments)")
                return
            }
            #expect(heldPacks.contains(pack) && copies[pack] == nil, "a pack that is not held open")
            if trouble == .noFiles || chance(1, in: 30) {
                refusedCopies.insert(job)
                return core.handle(.fileRefused(job, "no memory"), at: now)
            }
            #expect(heldPacks.insert(job).inserted)
            copies[job] = processes[id]?.slot.node
            processes[id]?.copy = job
        case .load(let load):
            guard case .pack(let job)? = attachments.first else {
                Issue.record("a Load without a pack")
                return
            }
            #expect(heldPacks.contains(job), "a pack that is not held open")
            let node = processes[id]?.slot.node
            #expect(copies[job] == nil || copies[job] == node, "a worker of node \(node ?? -1) has another one's copy")
            processes[id]?.load = load
        case .prepare(let request):
            #expect(processes[id]?.isReady == true)
            processes[id]?.prepared[request.requestID] = request
            processes[id]?.unreported.append(request.requestID)
        case .start(let batch):
            processes[id]?.batches.append(batch)
            #expect((processes[id]?.batches.count ?? 0) <= 2)
        case .revoke(let revoke): processes[id]?.prepared[revoke.requestID] = nil
        case .drain: processes[id]?.isDraining = true
        }
    }

    /// Lets a process do its next piece of work.
    func work(_ id: WorkerID) {
        guard let process = processes[id] else { return }
        if let end = process.end {
            if chance(1, in: 4) { tell(.channelClosed(id)) }
            return finish(id, end)
        }
        guard !process.hangs else { return }
        guard process.isGreeted else {
            processes[id]?.isGreeted = true
            let hello = FromWorker.Hello(
                protocolVersion: WireProtocol.version,
                warnings: ["this machine has no \(process.slot.id)"],
                sandbox: "seccomp"
            )
            return say(id, .hello(hello))
        }
        if process.isPacker { pack(id, process) } else { serve(id, process) }
    }

    private func pack(_ id: WorkerID, _ process: Process) {
        if process.copy != nil {
            processes[id]?.end = chance(1, in: 10) ? .signalled(7) : .exited(0)
            if processes[id]?.end == .exited(0) { say(id, .packDone(FromWorker.PackDone(bytes: 10))) }
        }
        guard let (request, job) = process.pack else { return }
        if trouble == .packerDies { return finish(id, .signalled(9)) }
        let behaviour = behaviours[request.modelDirectory + request.variant] ?? .good
        if behaviour == .noPack {
            processes[id]?.end = .exited(78)
            return say(id, .failed(FromWorker.Failed(kind: .configuration, message: "no weights")))
        }
        if !process.hasNamedKey {
            processes[id]?.hasNamedKey = true
            let name = request.modelDirectory.split(separator: "/")[1]
            let contents = folders[String(name)]?.contents ?? 0
            let folder = request.modelDirectory.split(separator: "/").joined(separator: "-")
            say(id, .packKey(FromWorker.PackKey(key: "\(folder)-\(request.variant)-\(contents)")))
        } else if process.mayWrite {
            processes[id]?.end = .exited(0)
            if chance(1, in: 20) { files.remove(job) }
            say(id, .packDone(FromWorker.PackDone(bytes: 10)))
        }
    }

    private func serve(_ id: WorkerID, _ process: Process) {
        guard let load = process.load else { return }
        if trouble == .exitAtLoad, !process.isReady { return finish(id, .exited(3)) }
        guard process.isReady else { return start(id, load) }
        processes[id]?.unreported = []
        for request in process.unreported {
            say(id, .prepared(FromWorker.Prepared(requestID: request, tokens: 9, sequences: 1)))
        }
        if let batch = processes[id]?.batches.first {
            // A text with an X is more than a worker can take.
            if batch.requestIDs.contains(where: { process.prepared[$0]?.payload.first == 88 }) {
                return finish(id, .signalled(11))
            }
            for request in batch.requestIDs {
                // What was revoked gets no result.
                guard processes[id]?.prepared.removeValue(forKey: request) != nil else { continue }
                let name = "\(load.name)@\(load.version):\(load.variant)#\(load.generation)"
                say(id, .result(FromWorker.Result(requestID: request, payload: Array(name.utf8))))
            }
            guard processes[id] != nil else { return }
            processes[id]?.batches.removeFirst()
            let tokens = 9 * UInt32(batch.requestIDs.count)
            say(id, .batchDone(FromWorker.BatchDone(batchID: batch.batchID, tokens: tokens, computeMicroseconds: 5)))
        } else if process.isDraining {
            processes[id]?.end = .exited(0)
        }
    }

    private func start(_ id: WorkerID, _ load: ToWorker.Load) {
        switch behaviours[load.modelDirectory + load.variant] ?? .good {
        case .good, .noPack:
            processes[id]?.isReady = true
            say(id, .ready(FromWorker.Ready(tasks: ["embed"], maxTokens: 9, instructionSet: "plain")))
        case .configurationError:
            processes[id]?.end = .exited(78)
            say(id, .failed(FromWorker.Failed(kind: .configuration, message: "no such model_type")))
        case .exitAtLoad: processes[id]?.end = .exited(3)
        case .neverReady: break
        case .packDamaged:
            processes[id]?.end = .exited(70)
            say(id, .failed(FromWorker.Failed(kind: .pack, message: "the pack is damaged")))
        }
    }

    func say(_ id: WorkerID, _ frame: FromWorker) { tell(.heard(id), .said(id, frame)) }

    func finish(_ id: WorkerID, _ end: ProcessEnd) {
        processes[id] = nil
        let jitter = Double.random(in: 0..<1, using: &random)
        tell(.ended(id, end, description: "\(end)", peak: 17, jitter: jitter))
    }

    /// What the counters say of all models together.
    func sum(_ name: String) -> Int {
        let lines = core.metrics.split(separator: "\n").filter { $0.hasPrefix("modeld_\(name){") }
        return lines.reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
    }
}
