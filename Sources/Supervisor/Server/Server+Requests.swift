import LinuxSystem
import Messages
import Wire

extension Server {
    // MARK: - From clients

    func accept(_ request: Request, from client: ClientConnection, at now: Int64) {
        let stream = request.streamID
        guard stream != 0 else {
            return answer(client, stream: 0, Refusal(.invalidArgument, "a request's stream_id should not be 0"))
        }
        guard !client.isInFlight(stream) else {
            let message = "stream \(stream) was used again before it was answered"
            return refuseConnection(client, Refusal(.invalidArgument, message), at: now)
        }
        guard client.inFlight < configuration.maxInFlight else {
            let message = "the connection has \(configuration.maxInFlight) unanswered requests (max_in_flight)"
            return answer(client, stream: stream, Refusal(.resourceExhausted, message, retryAfter: 10_000_000))
        }
        if InferenceMethod(rawValue: request.method) != nil { return infer(request, from: client, at: now) }
        if let method = ControlMethod(rawValue: request.method) {
            return control(method, request, from: client, at: now)
        }
        let known = InferenceMethod.allCases.map(\.rawValue) + ControlMethod.allCases.map(\.rawValue)
        let message = "unknown method '\(request.method.prefix(100))'; this server has \(known.joined(separator: ", "))"
        answer(client, stream: stream, Refusal(.unimplemented, message))
    }

    private func infer(_ request: Request, from client: ClientConnection, at now: Int64) {
        let model: ServedModel
        switch models.resolve(request.model) {
        case .success(let found): model = found
        case .failure(let error): return answer(client, stream: request.streamID, error.refusal)
        }
        let bytes = request.payload.count
        guard pendingBytes + bytes <= configuration.maxPendingBytes else {
            let message = "unanswered requests hold \(pendingBytes) bytes (max_pending_bytes)"
            let refusal = Refusal(.resourceExhausted, message, retryAfter: 100_000_000)
            return answer(client, stream: request.streamID, refusal, model: model.reference)
        }
        let id = RequestID(nextID())
        let deadline = deadline(of: request, model, at: now)
        pending[id] = PendingRequest(
            connection: client,
            streamID: request.streamID,
            method: request.method,
            payload: request.payload,
            deadline: deadline,
            model: model
        )
        pendingBytes += bytes
        client.requests[request.streamID] = id
        // Some tasks compute a text several times: once per label, once per choice.
        let cost = request.costEstimate > 0 ? min(Int(request.costEstimate), 64 * bytes) : bytes
        scheduler.submit(id, to: model.queue, bytes: cost, deadline: deadline, at: now)
    }

    /// The monotonic time at which the request is answered at the latest; `Int64.max` when it has no timeout.
    private func deadline(of request: Request, _ model: ServedModel, at now: Int64) -> Int64 {
        guard request.timeoutMicroseconds > 0 else {
            let timeout = model.configuration.defaultTimeout
            return timeout > 0 ? now + timeout : Int64.max
        }
        let (nanoseconds, overflow) = Int64(clamping: request.timeoutMicroseconds).multipliedReportingOverflow(by: 1000)
        let (deadline, late) = now.addingReportingOverflow(nanoseconds)
        return overflow || late ? Int64.max : deadline
    }

    func cancel(stream: UInt64, of client: ClientConnection) {
        if let id = client.requests[stream] {
            scheduler.cancel(id)
        } else if client.controlCalls.contains(stream) {
            let call = ControlCall(client: client.id, streamID: stream)
            watches.removeAll { $0.call == call }
            finish(call, Refusal(.cancelled, "cancelled by the client"))
        }
    }

    // MARK: - To workers

    func perform(_ action: Scheduler.Action, at now: Int64) {
        switch action {
        case .prepare(let id, let worker):
            guard let request = pending[id], let process = workers[worker] else { return }
            let deadline = request.deadline == Int64.max ? 0 : request.deadline
            send(
                .prepare(
                    ToWorker.Prepare(
                        requestID: id.value,
                        method: request.method,
                        payload: request.payload,
                        deadlineNanoseconds: deadline
                    )
                ),
                to: process
            )
        case .start(let batch, let ids, let worker):
            guard let process = workers[worker] else { return }
            send(.start(ToWorker.Start(batchID: batch.value, requestIDs: ids.map(\.value))), to: process)
        case .revoke(let id, let worker):
            guard let process = workers[worker] else { return }
            send(.revoke(ToWorker.Revoke(requestID: id.value)), to: process)
        case .refuse(let id, let refusal):
            guard let request = take(id) else { return }
            answer(request.connection, stream: request.streamID, refusal, model: request.model.reference)
        case .drained(let worker):
            guard let process = workers[worker], case .seat(let model, let seat, _) = process.role else { return }
            enqueue(model.lifecycle.drained(seat, at: now), of: model)
        case .stalled(let worker, let message):
            if let process = workers[worker] { stalled(process, message, at: now) }
        }
    }

    /// Takes a request that gets its answer now.
    private func take(_ id: RequestID) -> PendingRequest? {
        guard let request = pending.removeValue(forKey: id) else { return nil }
        pendingBytes -= request.payload.count
        request.connection.requests[request.streamID] = nil
        return request
    }

    // MARK: - From workers

    func deliver(_ result: FromWorker.Result, from process: WorkerProcess, at now: Int64) {
        let id = RequestID(result.requestID)
        guard let delivery = scheduler.result(id, ok: result.status == .ok, by: process.id) else { return }
        process.requests += 1
        guard let request = take(id) else { return }
        func microseconds(_ nanoseconds: Int64) -> UInt64 { UInt64(max(0, nanoseconds) / 1000) }
        send(
            .response(
                Response(
                    streamID: request.streamID,
                    status: result.status,
                    message: result.message,
                    timings: Timings(
                        queueMicroseconds: microseconds(delivery.startedAt - delivery.arrival),
                        tokenizationMicroseconds: result.tokenizationMicroseconds,
                        computeMicroseconds: result.computeMicroseconds,
                        serverMicroseconds: microseconds(now - delivery.arrival),
                        batchTokens: result.batchTokens,
                        batchRequests: result.batchRequests,
                        replays: UInt32(clamping: delivery.replays)
                    ),
                    model: request.model.reference,
                    payload: result.payload,
                    endOfStream: true
                )
            ),
            to: request.connection
        )
    }
}
