import Configuration
import Messages
import Time
import Wire

extension Core {
    // MARK: - From clients

    mutating func accept(_ request: Request, from client: ClientID) {
        if let refusal = clients.objection(toTenant: request.tenant, from: client) {
            return clients.turnAway(.role, client, stream: request.streamID, refusal)
        }
        if InferenceMethod(rawValue: request.method) != nil { return infer(request, from: client) }
        if let method = ControlMethod(rawValue: request.method) {
            guard let refusal = clients.objection(to: method, from: client) else {
                return control(method, request, from: client)
            }
            return clients.turnAway(.role, client, stream: request.streamID, refusal)
        }
        let known = InferenceMethod.allCases.map(\.rawValue) + ControlMethod.allCases.map(\.rawValue)
        let message = "unknown method '\(request.method.prefix(100))'; this server has \(known.joined(separator: ", "))"
        clients.turnAway(.method, client, stream: request.streamID, Refusal(.unimplemented, message))
    }

    private mutating func infer(_ request: Request, from client: ClientID) {
        let target: Catalogue.Destination
        do throws(Refusal) {
            target = try catalogue.resolve(request.model)
        } catch {
            return clients.turnAway(.model, client, stream: request.streamID, error)
        }
        let id = RequestID(nextID())
        let timeout = request.timeoutMicroseconds
        let deadline = Deadline.after(timeout > 0 ? .microseconds(timeout) : target.defaultTimeout, from: now)
        let kept = PendingRequest(
            client: client,
            stream: request.streamID,
            label: RequestLabel(
                id: request.requestID.isEmpty ? "\(run)-\(id.value)" : loggable(request.requestID),
                trace: loggable(request.traceparent),
                method: request.method,
                model: target.reference,
                user: clients.caller(client).user
            ),
            payload: request.payload,
            arrival: now,
            deadline: deadline
        )
        guard let priority = Priority(rawValue: request.priority) else {
            return refuse(kept, Refusal(.invalidArgument, "the priority is \(request.priority); it may be -1, 0 or 1"))
        }
        let verdict = quarantine.verdict(kept.label, kept.payload, at: now)
        if case .condemned(let refusal)? = verdict { return refuse(kept, refusal) }
        guard clients.admits(kept.bytes, of: client) else {
            let message = "too little is left of the server's memory_budget of \(clients.memory.limit) bytes"
            return refuse(kept, Refusal(.resourceExhausted, message, retryAfter: .milliseconds(100), shed: .bytes))
        }
        pending[id] = kept
        let submission = Submission(
            bytes: request.payload.count,
            // Some tasks compute a text several times: once per label, once per choice.
            claim: Int(request.costEstimate),
            from: clients.begin(id, client, stream: request.streamID, bytes: kept.bytes, tenant: request.tenant),
            priority: priority,
            deadline: deadline
        )
        scheduler.submit(id, submission, to: target.id, at: now)
        if case .suspected(let faults)? = verdict { scheduler.suspect(id, faults: faults) }
    }

    /// A name that a client may give any length, as far as logs need it.
    private func loggable(_ name: String) -> String {
        name.utf8.count <= 128 ? name : String(decoding: name.utf8.prefix(128), as: UTF8.self)
    }

    // MARK: - To workers

    mutating func perform(_ action: Scheduler.Action) {
        switch action {
        case .prepare(let id, let worker):
            guard let request = pending[id] else { return }
            let prepare = ToWorker.Prepare(
                requestID: id.value,
                method: request.label.method,
                payload: request.payload,
                deadlineNanoseconds: request.deadline.nanoseconds,
                name: request.label.id,
                traceparent: request.label.trace
            )
            tell(worker, .prepare(prepare))
        case .start(let batch, let ids, let worker):
            tell(worker, .start(ToWorker.Start(batchID: batch.value, requestIDs: ids.map(\.value))))
        case .revoke(let id, let worker):
            tell(worker, .revoke(ToWorker.Revoke(requestID: id.value)))
            guard configuration.quarantine != nil, let request = pending[id] else { return }
            let quarantine = quarantine
            scheduler.remember(id, on: worker) { quarantine.fingerprint(request.label, request.payload) }
        case .refuse(let id, let refusal):
            if let request = take(id) { refuse(request, refusal) }
        case .blamed(let blames, let cause): blame(blames, for: cause)
        case .replayed(let id, let cause):
            if let request = pending[id] { report(.replayed(request.label, cause: cause)) }
        case .drained(let worker):
            guard case .seat(let model, let seat)? = processes[worker]?.role else { return }
            change(model) { $0.drained(seat, at: $1) }
        case .stalled(let worker, let message, let loss): stalled(worker, message, loss)
        }
    }

    /// A worker has failed that had worked on these. Others like them, that wait or are computed, share what is known of them.
    private mutating func blame(_ blames: [Scheduler.Blame], for cause: String) {
        guard let time = configuration.quarantine else { return }
        var sizes: Set<Int> = []
        for blame in blames {
            let present = pending[blame.request].map { quarantine.fingerprint($0.label, $0.payload) }
            guard let fingerprint = blame.fingerprint ?? present else { continue }
            quarantine.blame(
                fingerprint,
                faults: blame.faults,
                isCondemned: blame.isCertain,
                cause: cause,
                until: now + time
            )
            if blame.isCertain { report(.quarantined(fingerprint.label, cause: cause)) }
            sizes.insert(fingerprint.bytes)
        }
        for (id, request) in pending.sorted(by: { $0.key < $1.key }) where sizes.contains(request.payload.count) {
            switch quarantine.verdict(request.label, request.payload, at: now) {
            case .suspected(let faults)?: scheduler.suspect(id, faults: faults)
            case .condemned(let refusal)?: scheduler.refuse(id, refusal)
            case nil: break
            }
        }
    }

    /// Takes a request that gets its answer now.
    private mutating func take(_ id: RequestID) -> PendingRequest? {
        guard let request = pending.removeValue(forKey: id) else { return nil }
        clients.end(request.client, stream: request.stream, bytes: request.bytes)
        return request
    }

    private mutating func refuse(_ request: PendingRequest, _ refusal: Refusal) {
        reportAnswer(of: request, refusal.code, refusal: refusal)
        clients.answer(request.client, stream: request.stream, refusal, of: request.label)
    }

    private mutating func reportAnswer(
        of request: PendingRequest,
        _ code: StatusCode,
        refusal: Refusal? = nil,
        timings: Timings? = nil
    ) {
        let time = now - request.arrival
        let isSlow = configuration.slowRequest.map { time >= $0 } ?? false
        let answer = Answer(
            request: request.label,
            status: code,
            reason: refusal?.message,
            shed: refusal?.shed,
            after: time,
            isSlow: isSlow,
            timings: timings
        )
        report(.answered(answer))
    }

    // MARK: - From workers

    mutating func deliver(_ result: FromWorker.Result, from worker: WorkerID) {
        let id = RequestID(result.requestID)
        guard let delivery = scheduler.result(id, ok: result.status == .ok, by: worker) else { return }
        processes[worker]?.requests += 1
        guard let request = take(id) else { return }
        if delivery.wasSuspected { quarantine.acquit(request.label, request.payload) }
        let timings = Timings(
            queueMicroseconds: (delivery.startedAt - delivery.arrival).microseconds,
            tokenizationMicroseconds: result.tokenizationMicroseconds,
            computeMicroseconds: result.computeMicroseconds,
            serverMicroseconds: (now - delivery.arrival).microseconds,
            batchTokens: result.batchTokens,
            batchRequests: result.batchRequests,
            replays: UInt32(clamping: delivery.replays)
        )
        // What a worker says of a failure may quote the text.
        reportAnswer(of: request, result.status, timings: timings)
        let response = Response(
            streamID: request.stream,
            status: result.status,
            message: result.message,
            timings: timings,
            model: request.label.model,
            payload: result.payload,
            endOfStream: true,
            requestID: request.label.id
        )
        clients.send(.response(response), to: request.client)
    }
}
