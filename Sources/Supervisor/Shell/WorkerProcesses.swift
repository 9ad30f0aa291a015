import LinuxSystem
import Messages
import Topology
import Wire

/// The worker and packer processes with their channels. What they say is told as events; what the core decides is done
/// here.
final class WorkerProcesses {
    typealias Tell = (Event) -> Void

    private final class Process {
        var child: ChildProcess
        let channel: FramedStream
        /// What the kernel tells of its memory, opened before it says that nobody may look into it.
        let memory: (rollup: LiveFile?, maps: LiveFile?)
        /// Whether it has said what is no frame: nothing more is read.
        var isMuted = false
        var channelClosed = false
        /// Where it is short of memory, and what had been killed there for that, but for our own, before it began.
        let shortage = MemoryShortage()
        var killsBefore = 0
        /// What was told of its unread output.
        var toldBytes = 0

        init(_ child: consuming ChildProcess, _ channel: FramedStream) {
            let folder = "/proc/\(child.processID)"
            memory = (try? LiveFile("\(folder)/smaps_rollup"), try? LiveFile("\(folder)/numa_maps"))
            self.child = child
            self.channel = channel
        }
    }

    private let executable: String
    private let environment: [String: String]
    private let loop: EventLoop
    private var processes: [WorkerID: Process] = [:]
    private var toFlush: [WorkerID] = []
    /// Of the kills that a `MemoryShortage` counts, by its path: those that were the end of one of these processes.
    private var knownKills: [String: Int] = [:]

    init(executable: String, environment: [String: String], on loop: EventLoop) {
        (self.executable, self.environment, self.loop) = (executable, environment, loop)
    }

    // MARK: - Starting

    func spawn(_ id: WorkerID, on slot: Slot, _ flags: [String], _ tell: Tell) {
        do throws(SystemError) {
            let process = try start(id, on: slot, flags)
            process.killsBefore = otherKills(process.shortage)
            processes[id] = process
            tell(.spawned(id, process: process.child.processID))
        } catch {
            tell(.notSpawned(id, error: "\(error)", jitter: .random(in: 0..<1)))
        }
    }

    private func start(_ id: WorkerID, on slot: Slot, _ flags: [String]) throws(SystemError) -> Process {
        let arguments = [
            "--channel-fd", "3", "--cpus", "\(slot.cpus)", "--node", "\(slot.node)", "--threads", "\(slot.cpus.count)",
            "--parent", "\(ProcessSelf.processID)",
        ]
        let pair = try UnixStream.pair()
        let child = try ChildProcess(
            ChildCommand(
                executable,
                arguments: arguments + flags,
                environment: environment,
                descriptors: [3: pair.second.rawValue],
                newProcessGroup: true
            )
        )
        let channel = try FramedStream(
            pair.takeFirst(),
            as: .channel(id),
            on: loop,
            maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes
        )
        try loop.watch(child.rawValue, as: .process(id))
        return Process(child, channel)
    }

    // MARK: - Writing

    /// Queues a frame, and the descriptors that go with it.
    func send(_ frame: ToWorker, with descriptors: [HeldDescriptor], to id: WorkerID) {
        guard let process = processes[id] else { return }
        // A request's payload came in a frame of the same limit, and everything else is small.
        let limit = WireProtocol.maximumWorkerFrameBytes
        guard (try? process.channel.append(frame, with: descriptors, maximumFrameBytes: limit)) != nil else { return }
        mark(id, process)
    }

    private func mark(_ id: WorkerID, _ process: Process) {
        guard !process.channel.isMarked else { return }
        process.channel.isMarked = true
        toFlush.append(id)
    }

    /// Writes what is queued. That a process is gone is seen by its end.
    ///
    /// - Returns: whether more or less than before waits for one of them.
    func flush(_ tell: Tell) -> Bool {
        let marked = toFlush
        toFlush.removeAll(keepingCapacity: true)
        var hasTold = false
        for id in marked {
            guard let process = processes[id] else { continue }
            process.channel.isMarked = false
            _ = process.channel.flush()
            guard process.channel.waiting != process.toldBytes else { continue }
            process.toldBytes = process.channel.waiting
            tell(.unread(id, bytes: process.toldBytes))
            hasTold = true
        }
        return hasTold
    }

    // MARK: - Reading

    func ready(_ id: WorkerID, _ readiness: Readiness, _ tell: Tell) {
        guard let process = processes[id] else { return }
        if readiness.contains(.writable) { mark(id, process) }
        guard readiness.isWorthReading else { return }
        let arrival = process.channel.receive()
        if arrival == .bytes { tell(.heard(id)) }
        readFrames(of: id, process, tell)
        guard arrival == .closed, !process.channelClosed else { return }
        process.channelClosed = true
        process.channel.leave()
        tell(.channelClosed(id))
    }

    private func readFrames(of id: WorkerID, _ process: Process, _ tell: Tell) {
        while !process.isMuted {
            switch process.channel.next(FromWorker.self) {
            case .frame(let frame): tell(.said(id, frame))
            case .malformed(let error, _), .broken(let error):
                process.isMuted = true
                tell(.garbage(id, error.message))
            case .none: return
            }
        }
    }

    // MARK: - Ending

    func signal(_ id: WorkerID, _ signal: Signal) {
        // A process that has ended already will be reaped in this turn or the next.
        _ = try? processes[id]?.child.signal(signal)
    }

    /// Its pidfd says that it has ended.
    func ended(_ id: WorkerID, _ tell: Tell) {
        guard let process = processes[id], let status = try? process.child.reapIfEnded() else { return }
        // What it wrote before it ended is still in the channel, and counts.
        if !process.channelClosed {
            while process.channel.receive() == .bytes { readFrames(of: id, process, tell) }
            readFrames(of: id, process, tell)
            process.channel.leave()
        }
        loop.forget(process.child.rawValue)
        processes[id] = nil
        var (end, description): (ProcessEnd, String) =
            switch status {
            case .exited(let code): (.exited(code), "\(status)")
            case .killed(let signal, _): (.signalled(signal.rawValue), "\(status)")
            }
        if status == .killed(.kill, coreDumped: false), otherKills(process.shortage) > process.killsBefore {
            knownKills[process.shortage.path, default: 0] += 1
            (end, description) = (.outOfMemory, "out of memory, \(status)")
        }
        let peak = UInt64(process.child.peakBytes)
        tell(.ended(id, end, description: description, peak: peak, jitter: .random(in: 0..<1)))
    }

    private func otherKills(_ shortage: MemoryShortage) -> Int {
        shortage.kills - knownKills[shortage.path, default: 0]
    }

    // MARK: - Memory

    func memory(of ids: [WorkerID]) -> [WorkerID: ProcessMemory] {
        var result: [WorkerID: ProcessMemory] = [:]
        for id in ids { result[id] = processes[id].flatMap { ProcessMemory(of: $0.child.processID, $0.memory) } }
        return result
    }
}

extension ProcessMemory {
    /// Measures a process; nil when it is gone.
    init?(of processID: Int32, _ files: (rollup: LiveFile?, maps: LiveFile?) = (nil, nil)) {
        guard let memory = try? MemoryUsage.of(processID: processID, rollup: files.rollup) else { return nil }
        // Packs in the cache, and their copies.
        let places = try? MemoryByNode.of(processID: processID, maps: files.maps) {
            $0.hasSuffix(".pack") || $0.hasPrefix("/memfd:pack")
        }
        self.init(
            resident: UInt64(memory.residentBytes),
            proportional: UInt64(memory.proportionalBytes ?? memory.residentBytes),
            huge: UInt64(memory.hugeBytes),
            byNode: places.map { ($0.files.mapValues { UInt64($0) }, $0.own.mapValues { UInt64($0) }) }
        )
    }
}
