package import Messages
import Time
import Topology
import Wire

extension Core {
    mutating func control(_ method: ControlMethod, _ request: Request, from client: ClientID) {
        let call = ControlCall(client: client, stream: request.streamID)
        clients.begin(call)
        do throws(WireError) {
            switch try ControlRequest.decode(method, request.payload) {
            case .status(let status): statusCalls.waiting.append((call, status.verbose ? .verbose : .status))
            case .crashList: clients.finish(call, payload: CrashListResponse(crashes: crashes.crashes).encode())
            case .quarantineList:
                let requests = quarantine.refused(at: now).map { $0.message(at: now) }
                clients.finish(call, payload: QuarantineListResponse(requests: requests).encode())
            case .quarantineClear(let clear): try clearQuarantine(clear.model, call)
            case .cacheList: effects.append(.listCache(.list(call)))
            case .cachePrune(let prune): effects.append(.listCache(.prune(call, limit: prune.maxBytes)))
            case .reload(let reload): self.reload(reload.model, call, reload.noWait ? .begun : .whole)
            case .reloadEach(let reload): self.reload(reload.model, call, .each)
            case .load(let load): self.load(try ModelReference(parsing: load.model), call)
            case .unload(let unload): self.unload(try ModelReference(parsing: unload.model), call)
            case .drain(let drain): try self.drain(drain, call)
            case .metrics: statusCalls.waiting.append((call, .metrics))
            case .watch where shutdown != .serving, .events where shutdown != .serving:
                clients.finish(call, Refusal(.unavailable, "the server is shutting down"))
            case .watch(let watch):
                let milliseconds = watch.intervalMilliseconds == 0 ? 1000 : max(100, watch.intervalMilliseconds)
                clients.watch(call, every: .milliseconds(milliseconds), at: now)
            case .events(let events): clients.listen(call, events)
            }
        } catch {
            clients.finish(call, Refusal(error.status, error.message))
        }
    }

    private mutating func clearQuarantine(_ model: String, _ call: ControlCall) throws(WireError) {
        let meant = model.isEmpty ? nil : try ModelReference(parsing: model)
        let cleared = quarantine.clear(at: now) { reference in
            guard let meant, let known = try? ModelReference(parsing: reference) else { return meant == nil }
            return meant.means(known)
        }
        let answer = QuarantineClearResponse(cleared: UInt32(clamping: cleared))
        clients.finish(call, payload: answer.encode())
    }

    // MARK: - Status

    /// Answers those who wait for the status, once the memory of the processes is known if they want that.
    mutating func answerStatusCalls() {
        guard !statusCalls.waiting.isEmpty else { return }
        let known = processes.keys.sorted()
        guard !statusCalls.needsMeasurement(of: known, at: now) else {
            statusCalls.measurement = StatusCalls.Measurement(at: now, processes: known)
            return effects.append(.measure(known))
        }
        let calls = statusCalls.waiting
        statusCalls.waiting = []
        var payloads: [StatusCalls.Wish: [UInt8]] = [:]
        for (call, wish) in calls {
            guard let call else {
                effects.append(.showMetrics(metrics))
                continue
            }
            let payload = payloads[wish] ?? self.payload(wish)
            payloads[wish] = payload
            clients.report(call, payload: payload)
        }
    }

    private func payload(_ wish: StatusCalls.Wish) -> [UInt8] {
        if wish == .status { return status().encode() }
        return wish == .verbose ? measuredStatus.encode() : MetricsResponse(text: metrics).encode()
    }

    /// With the memory of the processes as it was last measured.
    private var measuredStatus: StatusResponse {
        status(own: statusCalls.measurement?.own, statusCalls.measurement?.others ?? [:])
    }

    package var metrics: String { counters.text(measuredStatus) }

    package func status(own: ProcessMemory? = nil, _ others: [WorkerID: ProcessMemory] = [:]) -> StatusResponse {
        StatusResponse(
            state: state.name,
            version: WireProtocol.softwareVersion,
            pid: ownProcessID,
            uptimeSeconds: UInt64(clamping: (now - startedAt).components.seconds),
            models: catalogue.entries.map { status(of: $0.id, $0.model, others) },
            connections: UInt32(clamping: clients.count),
            pssBytes: own?.proportional ?? 0,
            bufferedBytes: UInt64(clients.memory.total),
            memoryBudget: UInt64(clients.memory.limit),
            quarantined: UInt32(quarantine.count(at: now)),
            held: catalogue.orders.heldModels
        )
    }

    private var state: ServerState {
        if shutdown != .serving { return .draining }
        if catalogue.orders.drainsServer { return .drained }
        let states = catalogue.entries.map(\.model.lifecycle.state)
        let ready = states.count { $0 == .ready }
        if ready > 0 { return ready == states.count ? .ready : .degraded }
        return states.contains(.loading) ? .starting : .notServing
    }

    private func status(of id: QueueID, _ model: ServedModel, _ memory: [WorkerID: ProcessMemory]) -> ModelStatus {
        let lifecycle = model.lifecycle
        let counts = scheduler.status(of: id)
        let ready = model.serving?.ready
        let retires = lifecycle.state == .ready && model.retiresBy != nil
        let generations = [lifecycle.serving, lifecycle.incoming, lifecycle.leaving].compactMap { $0 }
        return ModelStatus(
            name: model.name,
            version: model.version,
            variant: model.variant,
            state: (retires ? .unloading : lifecycle.state).name,
            reason: lifecycle.reason ?? "",
            workers: generations.flatMap { generation in
                generation.seats.indices.map { status(of: $0, in: generation, of: model, memory) }
            },
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
            numa: model.serving?.pack?.placement.map { "\($0)" } ?? "",
            path: model.path,
            quality: ready?.quality,
            instructionSet: ready?.instructionSet ?? "",
            failedProofs: ready?.failedProofs ?? [],
            drained: catalogue.orders.draining.callsFor(model.name, model.edition)
        )
    }

    private func status(
        of index: Int,
        in generation: Generation,
        of model: ServedModel,
        _ memory: [WorkerID: ProcessMemory]
    ) -> WorkerStatus {
        let seat = generation.seats[index]
        let slot = knownSlots[generation.slots[index]]
        let id = model.workers[SeatID(generation: generation.number, index: index)]
        let process = id.flatMap { processes[$0] }
        let memory = id.flatMap { memory[$0] }
        let state: WorkerState =
            switch seat.state {
            case .idle where seat.isDown, .backoff where seat.isDown, .failed, .refused: .failed
            case .idle, .starting: .starting
            case .loading: .loading
            case .ready: .ready
            case .draining, .ending: .draining
            case .backoff: .backoff
            case .stopped: .stopped
            }
        return WorkerStatus(
            pid: process?.processID ?? 0,
            slot: UInt32(generation.slots[index]),
            numaNode: Int32(slot?.node ?? 0),
            cpus: slot.map { "\($0.cpus)" } ?? "",
            state: state.name,
            restarts: UInt32(clamping: seat.restarts),
            rssBytes: memory?.resident ?? 0,
            pssBytes: memory?.proportional ?? 0,
            lastExit: seat.lastEnd ?? "",
            requests: process?.requests ?? 0,
            generation: generation.number,
            nextStartMicroseconds: generation.nextStart(of: index).microseconds(from: now),
            memory: memory.flatMap { memory in slot.flatMap { MemoryPlacement(memory, onNode: $0.node) } },
            sandbox: process?.sandbox ?? ""
        )
    }
}

extension MemoryPlacement {
    fileprivate init?(_ memory: ProcessMemory, onNode node: Int) {
        guard let (weights, own) = memory.byNode else { return nil }
        self.init(
            weights: weights.values.reduce(0, +),
            weightsOnNode: weights[node] ?? 0,
            own: own.values.reduce(0, +),
            ownOnNode: own[node] ?? 0,
            huge: memory.huge
        )
    }
}

extension Quarantine.Entry {
    fileprivate func message(at now: Instant) -> QuarantinedRequest {
        QuarantinedRequest(
            key: fingerprint.hash,
            model: fingerprint.label.model,
            method: fingerprint.label.method,
            bytes: UInt64(fingerprint.bytes),
            cause: cause,
            leftMicroseconds: (until - now).microseconds,
            requestID: fingerprint.label.id
        )
    }
}

extension Deadline {
    /// The time until then, at least 1; 0: never.
    fileprivate func microseconds(from now: Instant) -> UInt64 {
        if case .at(let time) = self { max(1, (time - now).microseconds) } else { 0 }
    }
}
