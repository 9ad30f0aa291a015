import LinuxSystem
import Messages
import Topology
import Wire

/// A client that is sent the status again and again.
struct Watch {
    let call: ControlCall
    let interval: Int64
    var nextAt: Int64
}

extension Server {
    func control(_ method: ControlMethod, _ request: Request, from client: ClientConnection, at now: Int64) {
        let call = ControlCall(client: client.id, streamID: request.streamID)
        client.controlCalls.insert(request.streamID)
        do throws(WireError) {
            switch try ControlRequest.decode(method, request.payload) {
            case .status(let status):
                finish(call, payload: self.status(at: now, withMemory: status.verbose).encode())
            case .cacheList: finish(call, payload: cacheList().encode())
            case .cachePrune(let prune): finish(call, payload: pruneCache(to: prune.maxBytes).encode())
            case .reload(let reload): self.reload(reload.model, call: call, at: now)
            case .watch(let watch):
                let milliseconds = max(100, watch.intervalMilliseconds == 0 ? 1000 : Int64(watch.intervalMilliseconds))
                watches.append(Watch(call: call, interval: milliseconds * 1_000_000, nextAt: now))
                runWatches(at: now)
            }
        } catch {
            finish(call, Refusal(error.status, error.message))
        }
    }

    // MARK: - Answers

    func finish(_ call: ControlCall, payload: [UInt8]) {
        guard let client = clients[call.client], client.controlCalls.remove(call.streamID) != nil else { return }
        send(.response(Response(streamID: call.streamID, payload: payload, endOfStream: true)), to: client)
    }

    func finish(_ call: ControlCall, _ refusal: Refusal) {
        guard let client = clients[call.client], client.controlCalls.remove(call.streamID) != nil else { return }
        answer(client, stream: call.streamID, refusal)
    }

    /// Sends the status to every watch that is due, unless its client has yet to read what it was sent before.
    func runWatches(at now: Int64) {
        var due: [ControlCall] = []
        for index in watches.indices where watches[index].nextAt <= now {
            watches[index].nextAt = now + watches[index].interval
            due.append(watches[index].call)
        }
        guard !due.isEmpty else { return }
        let payload = status(at: now, withMemory: true).encode()
        // Sending may end a client, and with it others of its watches.
        for call in due {
            guard let client = clients[call.client], client.channel.output.count == 0 else { continue }
            send(.response(Response(streamID: call.streamID, payload: payload, endOfStream: false)), to: client)
        }
    }

    // MARK: - Status

    /// - Parameter withMemory: whether to measure the processes, for which the kernel walks through all their pages.
    private func status(at now: Int64, withMemory: Bool) -> StatusResponse {
        let own = withMemory ? try? MemoryUsage.of(processID: ProcessSelf.processID) : nil
        return StatusResponse(
            state: state.name,
            version: Self.version,
            pid: ProcessSelf.processID,
            uptimeSeconds: UInt64(max(0, now - startedAt) / 1_000_000_000),
            models: models.all.map { status(of: $0, withMemory: withMemory) },
            connections: UInt32(clamping: clients.count),
            pssBytes: UInt64(own?.proportionalBytes ?? own?.residentBytes ?? 0)
        )
    }

    private var state: ServerState {
        if shutdown != .serving { return .draining }
        let states = models.all.map(\.lifecycle.state)
        let ready = states.count { $0 == .ready }
        if ready > 0 { return ready == states.count ? .ready : .degraded }
        return states.contains(.loading) ? .starting : .notServing
    }

    private func status(of model: ServedModel, withMemory: Bool) -> ModelStatus {
        let lifecycle = model.lifecycle
        let counts = scheduler.status(of: model.queue)
        let files = model.serving
        let ready = files?.ready
        let state: ModelState =
            switch lifecycle.state {
            case .unknown: .unknown
            case .loading: .loading
            case .ready: model.retiresBy == nil ? .ready : .unloading
            case .unloading: .unloading
            case .unavailable: .unavailable
            }
        var workers: [WorkerStatus] = []
        for generation in [lifecycle.serving, lifecycle.incoming, lifecycle.leaving].compactMap({ $0 }) {
            for index in generation.seats.indices {
                workers.append(status(of: index, in: generation, of: model, withMemory: withMemory))
            }
        }
        return ModelStatus(
            name: model.name,
            version: model.version,
            variant: model.variant,
            state: state.name,
            reason: lifecycle.reason ?? "",
            workers: workers,
            generation: lifecycle.serving?.number ?? 0,
            tasks: ready?.tasks ?? [],
            packBytes: ready?.packBytes ?? 0,
            maxTokens: ready?.maxTokens ?? 0,
            requests: counts.answered,
            failures: counts.failed,
            queued: UInt32(clamping: counts.queued),
            computing: UInt32(clamping: counts.computing),
            replays: counts.replays,
            architecture: ready?.architecture ?? "",
            numa: ready?.numa ?? "",
            path: model.path,
            quality: ready?.quality,
            instructionSet: ready?.instructionSet ?? "",
            failedProofs: ready?.failedProofs ?? []
        )
    }

    private func status(
        of index: Int,
        in generation: Generation,
        of model: ServedModel,
        withMemory: Bool
    ) -> WorkerStatus {
        let seat = generation.seats[index]
        let slot = slots[generation.slots[index]]
        let process = model.workers[SeatID(generation: generation.number, index: index)]
        let memory = withMemory ? process.flatMap { try? MemoryUsage.of(processID: $0.processID) } : nil
        let state: WorkerState =
            switch seat.state {
            case .idle, .starting: .starting
            case .loading: .loading
            case .ready: .ready
            case .draining, .ending: .draining
            case .backoff: .backoff
            case .failed, .refused: .failed
            case .stopped: .stopped
            }
        return WorkerStatus(
            pid: process?.processID ?? 0,
            slot: UInt32(slot.id),
            numaNode: Int32(slot.node),
            cpus: "\(slot.cpus)",
            state: state.name,
            restarts: UInt32(clamping: seat.restarts),
            rssBytes: UInt64(memory?.residentBytes ?? 0),
            pssBytes: UInt64(memory?.proportionalBytes ?? memory?.residentBytes ?? 0),
            lastExit: seat.lastEnd ?? "",
            requests: process?.requests ?? 0,
            generation: generation.number
        )
    }
}
