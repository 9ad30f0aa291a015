import Configuration
import Messages
package import Time
import Wire

extension Scheduler {
    /// Draws the consequences of every event since the last call and appends what to do to `output`.
    package func decide(at now: Instant, into output: inout [Action]) {
        expire(at: now)
        if stallCheckAt.isDue(at: now) { giveUpStalled(at: now) }
        let waking = slots.values.filter { $0.wakeAt.isDue(at: now) }
        for slot in waking.sorted(by: { $0.id < $1.id }) { markDirty(slot) }
        // Starting a batch makes room for requests to be sent ahead, which may fill the next batch.
        while !dirtyQueues.isEmpty || !dirtySlots.isEmpty {
            while let queue = dirtyQueues.popLast() {
                queue.dirty = false
                assign(queue, at: now)
            }
            while let slot = dirtySlots.popLast() {
                slot.dirty = false
                startNext(on: slot, at: now)
            }
        }
        output.append(contentsOf: actions)
        actions.removeAll(keepingCapacity: true)
    }

    private func expire(at now: Instant) {
        while let (deadline, request) = deadlines.first(where: { $0.phase != .finished }), deadline.isDue(at: now) {
            let place = request.phase == .started ? "while it was computed" : "before it was computed"
            refuse(request, Refusal(.deadlineExceeded, "the deadline passed \(place)"))
        }
    }

    // MARK: - From the queue to a worker

    /// Sends requests ahead to the model's workers, the least loaded first, until each has two batches' worth waiting.
    private func assign(_ queue: QueueRecord, at now: Instant) {
        let limit = 2 * queue.policy.maxBatchTokens
        while queue.queued > 0, let (_, request) = queue.heap.first(where: { $0.phase == .queued }) {
            guard let worker = leastLoaded(of: queue, below: limit, alone: request.alone) else { return }
            queue.heap.removeTop()
            queue.queued -= 1
            queue.queuedTokens -= request.tokens
            queue.assigned += 1
            expectProgress(of: worker, at: now)
            request.phase = .assigned
            request.worker = worker
            worker.assigned.append(request)
            worker.assignedTokens += request.tokens
            actions.append(.prepare(request.id, on: worker.id))
            markDirty(worker.slot)
        }
    }

    /// The worker with room whose slot has the least to do; among instances on one slot, the one with the least. A request that
    /// is to be alone gets a worker that has nothing else, and that gets nothing else, so that it is clear what the worker
    /// fails at.
    private func leastLoaded(of queue: QueueRecord, below limit: Int, alone: Bool) -> WorkerRecord? {
        var best: WorkerRecord?
        var bestLoad = (Int.max, Int.max)
        for worker in queue.workers {
            guard worker.assignedTokens + (worker.committed?.tokens ?? 0) < limit else { continue }
            guard worker.unread <= Self.credit else { continue }
            guard alone ? worker.isFree : !worker.isReserved else { continue }
            let load = (worker.slot.workers.reduce(0) { $0 + $1.load }, worker.load)
            if load < bestLoad { (best, bestLoad) = (worker, load) }
        }
        return best
    }

    // MARK: - From a worker's prepared requests to a batch

    private func startNext(on slot: SlotRecord, at now: Instant) {
        slot.wakeAt = .never
        if slot.busy == nil, let worker = nextInTurn(on: slot, by: .at(now)) {
            worker.computing = form(on: worker, at: now)
            slot.busy = worker
        }
        if let busy = slot.busy, canCommit(behind: busy), nextInTurn(on: slot, by: .never) === busy {
            busy.committed = form(on: busy, at: now)
        }
    }

    /// Whether the next batch may be sent before the computing one is done: only when waiting longer would hardly
    /// make it better, and never beside a request that is computed alone.
    private func canCommit(behind worker: WorkerRecord) -> Bool {
        guard worker.committed == nil, worker.computing?.alone == false, worker.assigned.first?.alone == false else {
            return false
        }
        return worker.assignedTokens >= worker.queue.policy.maxBatchTokens / 2
    }

    /// The worker whose turn it is on a slot: the smallest virtual time among the models with prepared requests, then
    /// the most urgent request. Models that still wait for company then have no turn; the slot wakes up for them.
    private func nextInTurn(on slot: SlotRecord, by time: Deadline) -> WorkerRecord? {
        var best: WorkerRecord?
        var bestKey = (Double.infinity, Deadline.never)
        for worker in slot.workers {
            guard let first = worker.assigned.first else { continue }
            let ready = readyTime(of: worker, first)
            guard ready <= time else {
                slot.wakeAt = min(slot.wakeAt, ready)
                continue
            }
            let key = (slot.shares.startTag(of: worker.queue.id), first.urgency)
            if key < bestKey { (best, bestKey) = (worker, key) }
        }
        return best
    }

    /// When an idle slot should start what the worker has: at once, unless the model asks to wait for company.
    private func readyTime(of worker: WorkerRecord, _ first: RequestRecord) -> Deadline {
        let policy = worker.queue.policy
        let isEnough = policy.preferredBatchSize > 0 && worker.assigned.count >= policy.preferredBatchSize
        let isFull = worker.assignedTokens >= policy.maxBatchTokens
        if first.alone || isEnough || isFull || policy.maxQueueDelay == .zero { return .at(first.arrival) }
        return .at(worker.assigned.reduce(first.arrival) { min($0, $1.arrival) } + policy.maxQueueDelay)
    }

    /// Cuts the next batch from the front of the worker's prepared requests and starts it.
    private func form(on worker: WorkerRecord, at now: Instant) -> Batch {
        let queue = worker.queue
        let alone = worker.assigned.first?.alone ?? false
        var count = 0
        var tokens = 0
        for request in worker.assigned {
            if count > 0, alone || request.alone || tokens + request.tokens > queue.policy.maxBatchTokens { break }
            count += 1
            tokens += request.tokens
        }
        expectProgress(of: worker, at: now)
        let requests = Array(worker.assigned.prefix(count))
        worker.assigned.removeFirst(count)
        worker.assignedTokens -= tokens
        for request in requests {
            request.phase = .started
            request.startedAt = now
        }
        queue.assigned -= count
        queue.started += count
        worker.slot.shares.charge(queue.id, tokens: tokens, weight: queue.policy.weight)
        markDirty(queue)
        let batch = Batch(id: nextBatch(), requests: requests, tokens: tokens, alone: alone)
        actions.append(.start(batch.id, requests.map(\.id), on: worker.id))
        return batch
    }
}
