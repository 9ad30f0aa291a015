import Messages
package import Time
import Wire

extension Scheduler {
    /// A worker is ready to take requests of `queueID`.
    package func workerReady(_ id: WorkerID, queue queueID: QueueID, slot number: Int, at now: Instant) {
        guard let queue = queues[queueID], workers[id] == nil else { return }
        let slot = slots[number] ?? SlotRecord(id: number)
        slots[number] = slot
        let worker = WorkerRecord(id: id, queue: queue, slot: slot, heardAt: now)
        workers[id] = worker
        queue.workers.append(worker)
        slot.workers.append(worker)
        stallCheckAt = min(stallCheckAt, .after(stallLimit, from: now))
        markDirty(queue)
        markDirty(slot)
    }

    /// The worker takes nothing new: what it has not started goes back to the queue, free. When what it started is
    /// done, `drained` follows. One that does nothing, and does not even say so, is given up at once.
    package func drain(_ id: WorkerID, at now: Instant) {
        guard let worker = workers[id], !worker.draining else { return }
        let silence = now - worker.heardAt
        if stallLimit != nil, !worker.owes, silence >= Self.idleSilence { return giveUp(worker, after: silence) }
        worker.draining = true
        worker.queue.workers.removeAll { $0 === worker }
        for request in worker.assigned {
            actions.append(.revoke(request.id, on: id))
            worker.takeBack(request)
            returnToQueue(request)
        }
        markDirty(worker.slot)
        finishDraining(worker)
    }

    /// So many bytes of what the worker was sent are held, as it has not read them.
    package func unread(_ bytes: Int, by id: WorkerID) {
        guard let worker = workers[id] else { return }
        worker.unread = bytes
        markDirty(worker.queue)
    }

    /// The worker has counted a request's tokens.
    package func prepared(_ id: RequestID, tokens: Int, by workerID: WorkerID) {
        guard let request = requests[id], let worker = request.worker, worker.id == workerID else { return }
        let queue = request.queue
        queue.costs.learn(bytes: request.bytes, tokens: tokens)
        request.isPrepared = true
        request.client.debt += Double(tokens - request.tokens)
        guard request.phase == .assigned else { return }
        worker.assignedTokens += tokens - request.tokens
        queue.count(request, tokens: tokens)
        markDirty(worker.slot)
    }

    /// The worker has answered a request. Returns nil when nobody waits for it any more: the result is dropped.
    package func result(_ id: RequestID, ok: Bool, by workerID: WorkerID) -> Delivery? {
        guard let request = requests[id], request.worker?.id == workerID else { return nil }
        let startedAt = request.phase == .started ? request.startedAt : request.arrival
        detach(request)
        request.worker = nil
        requests[id] = nil
        if ok {
            request.queue.answered += 1
            request.queue.budget.recordSuccess()
        } else {
            request.queue.failed += 1
        }
        return Delivery(
            arrival: request.arrival,
            startedAt: startedAt,
            replays: request.deaths,
            wasSuspected: request.faults > 0
        )
    }

    /// The worker has finished a batch. Returns false when it computes no such batch, which breaks the protocol.
    ///
    /// A request of the batch that got no answer would wait for ever: it is refused as an error of the worker's.
    ///
    /// - Parameter tokens: of the batch's requests that had not been revoked when it began.
    package func batchDone(_ id: BatchID, tokens: Int, by workerID: WorkerID, at now: Instant) -> Bool {
        guard let worker = workers[workerID], let batch = worker.computing, batch.id == id else { return false }
        for request in batch.unanswered {
            refuse(request, Refusal(.internal, "the worker finished the batch without an answer"))
        }
        worker.queue.costs.learn(
            batchTokens: tokens,
            after: now - batch.startedAt,
            isFull: batch.isFull,
            isWhole: !batch.requests.contains(where: \.isRevoked)
        )
        worker.computing = worker.committed
        worker.computing?.startedAt = now
        worker.committed = nil
        let slot = worker.slot
        if let next = worker.computing {
            for request in next.requests where request.phase == .started { request.startedAt = now }
            if slot.busy == nil { (slot.busy, slot.overdue) = (worker, nil) }
        } else if slot.overdue === worker {
            slot.overdue = nil
        } else {
            slot.busy = nil
        }
        markDirty(worker.queue)
        markDirty(worker.slot)
        finishDraining(worker)
        return true
    }

    /// The worker is gone, after everything that it had written was read.
    ///
    /// What it had not started, and the batch that waited behind the computing one, goes back to the queue, free. What
    /// it was computing is sent again, each request alone, while the model's budget of deaths allows; a request that
    /// was computed alone when its worker failed by itself, and has made another one fail before, is refused. The same goes
    /// for the request that a worker which failed by itself was preparing; beside one that computed, neither is condemned. One
    /// that nobody waits for any more is blamed like any other.
    @discardableResult
    package func workerGone(_ id: WorkerID, _ death: Death) -> Loss {
        guard let worker = workers.removeValue(forKey: id) else { return Loss() }
        let queue = worker.queue
        queue.workers.removeAll { $0 === worker }
        if worker.slot.busy === worker { worker.slot.busy = nil }
        leaveSlot(worker)

        var batch = worker.computing?.requests ?? []
        var suspects = batch.filter { $0.phase == .started || $0.isGivenUp }
        var innocent = worker.committed?.unanswered ?? []
        if suspects.isEmpty, let committed = worker.committed {
            // All of the first batch was answered, so the second may have begun before that was reported.
            (batch, suspects, innocent) = (committed.requests, innocent, [])
        }
        if case .ownFault = death {
            // It prepares between two pieces of computing, too: the oldest request that it had to prepare.
            let preparing = [worker.assigned.first { !$0.isPrepared }, worker.takenBack?.request].compactMap(\.self)
            suspects += preparing
            batch += preparing
        }
        var loss = Loss(wasWorking: !worker.wasSilent && (worker.computing != nil || !suspects.isEmpty))
        loss.batches = [worker.computing, worker.committed].compactMap { $0?.shape }
        worker.forgetBatches()
        for request in worker.assigned where !suspects.contains(where: { $0 === request }) { returnToQueue(request) }
        for request in innocent { returnToQueue(request) }

        let isAlone = batch.count == 1
        if case .ownFault(let cause) = death { blame(suspects, isAlone: isAlone, for: cause) }
        let waiting = suspects.filter { $0.worker === worker }
        if !waiting.isEmpty { queue.budget.recordDeath() }
        for request in waiting {
            request.worker = nil
            request.deaths += 1
            if case .ownFault(let cause) = death, isAlone, request.faults >= 2 {
                let message = "the worker ended (\(cause)) while it worked on this request alone; it is not sent again"
                refuse(request, Refusal(.failedPrecondition, message))
            } else if !queue.budget.allowsReplay {
                refuse(request, Refusal(.unavailable, "workers of this model keep ending", retryAfter: .seconds(1)))
            } else {
                request.alone = true
                queue.replays += 1
                actions.append(.replayed(request.id, death.cause))
                returnToQueue(request)
            }
        }
        return loss
    }

    private func blame(_ suspects: [RequestRecord], isAlone: Bool, for cause: String) {
        guard !suspects.isEmpty else { return }
        let blames = suspects.map { request in
            request.faults += 1
            request.alone = true
            return Blame(
                request: request.id,
                fingerprint: request.fingerprint,
                faults: request.faults,
                isCertain: isAlone && request.faults >= 2
            )
        }
        actions.append(.blamed(blames, cause))
        hasBlamed = true
    }

    // MARK: - Progress

    /// The worker has given a sign that it goes on.
    package func progressed(_ id: WorkerID, at now: Instant) { workers[id]?.heard(at: now) }

    /// The worker is about to be sent something to do: from now on it owes, unless it did already.
    func expectProgress(of worker: WorkerRecord, at now: Instant) {
        guard !worker.owes else { return }
        if now - worker.heardAt > Self.idleSilence { worker.wasSilent = true }
        // One that is silent while idle gains no time by it.
        worker.heardAt = min(now, worker.heardAt + Self.idleSilence)
        stallCheckAt = min(stallCheckAt, .after(stallLimit, from: worker.heardAt))
    }

    /// Gives up each worker that has been silent for too long.
    func giveUpStalled(at now: Instant) {
        stallCheckAt = .never
        guard let stallLimit else { return }
        for worker in workers.values.sorted(by: { $0.id < $1.id }) {
            let limit = worker.owes ? stallLimit : stallLimit + Self.idleSilence
            if now - worker.heardAt >= limit + Self.lateness {
                // Nobody looked when it was due: this process stood still, and the worker perhaps with it.
                worker.heardAt = now
            }
            guard now - worker.heardAt >= limit else {
                stallCheckAt = min(stallCheckAt, .at(worker.heardAt + limit))
                continue
            }
            giveUp(worker, after: limit)
        }
    }

    private func giveUp(_ worker: WorkerRecord, after silence: Duration) {
        let message = "no \(worker.owes ? "progress" : "sign of life") for \(silence.milliseconds) ms"
        let loss = workerGone(worker.id, worker.wasSilent ? .idle(message) : .ownFault(message))
        actions.append(.stalled(worker.id, message, loss))
    }

    /// A worker that has nothing to do says every second that it is there. It may be silent for longer than one that has, by this.
    private static let idleSilence = Duration.seconds(2)

    /// A worker gets nothing more while it has not read as many bytes: what is given up meanwhile need not be sent.
    static let credit = 256 << 10

    /// By how much a wake-up is so late that the time before it says nothing about the workers.
    private static let lateness = Duration.seconds(1)

    /// Detaches and queues again. With the queue closed there is nobody to wait for, so the request is refused.
    private func returnToQueue(_ request: RequestRecord) {
        detach(request)
        request.worker = nil
        if let refusal = request.queue.closed {
            requests[request.id] = nil
            request.queue.failed += 1
            actions.append(.refuse(request.id, refusal))
        } else {
            enqueue(request)
        }
    }

    /// The slot goes with the last of its workers.
    private func leaveSlot(_ worker: WorkerRecord) {
        if worker.slot.overdue === worker { worker.slot.overdue = nil }
        worker.slot.workers.removeAll { $0 === worker }
        if worker.slot.workers.isEmpty { slots[worker.slot.id] = nil }
        markDirty(worker.slot)
    }

    private func finishDraining(_ worker: WorkerRecord) {
        guard worker.draining, worker.computing == nil, worker.committed == nil else { return }
        workers[worker.id] = nil
        leaveSlot(worker)
        actions.append(.drained(worker.id))
    }
}
