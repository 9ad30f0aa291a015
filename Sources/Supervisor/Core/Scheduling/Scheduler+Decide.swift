import Configuration
import Messages
package import Time
import Wire

extension Scheduler {
    /// Draws the consequences of every event since the last call and appends what to do to `output`.
    package func decide(at now: Instant, into output: inout [Action]) {
        if stallCheckAt.isDue(at: now) { giveUpStalled(at: now) }
        expire(at: now)
        defer {
            output.append(contentsOf: actions)
            actions.removeAll(keepingCapacity: true)
        }
        // What is like a request that is blamed may be refused, and must not be sent to a worker before.
        guard !hasBlamed else { return hasBlamed = false }
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
    }

    private func expire(at now: Instant) {
        while let next = deadlines.first(where: { $0.element.phase != .finished }), next.key.isDue(at: now) {
            let place = next.element.phase == .started ? "while it was computed" : "before it was computed"
            refuse(next.element, Refusal(.deadlineExceeded, "the deadline passed \(place)"))
        }
    }

    // MARK: - From the queue to a worker

    /// Sends requests ahead to the model's workers, the least loaded first, until each has two batches' worth waiting. A client
    /// that has nothing there goes beyond that, so that it need not wait for the two batches of others.
    private func assign(_ queue: QueueRecord, at now: Instant) {
        let usual = 2 * queue.policy.maxBatchTokens
        while let request = queue.next() {
            if let refusal = lateness(of: request, isNew: false, at: now) {
                refuse(request, refusal)
                continue
            }
            let limit = queue.isShared && request.client.assigned == 0 ? 2 * usual : usual
            guard let worker = leastLoaded(of: queue, below: limit, alone: request.alone) else { return }
            queue.assign(request)
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
    /// fails at. One that is overdue comes last.
    private func leastLoaded(of queue: QueueRecord, below limit: Int, alone: Bool) -> WorkerRecord? {
        var best: WorkerRecord?
        var bestLoad = (Int.max, Int.max, Int.max)
        for worker in queue.workers {
            guard worker.assignedTokens + (worker.committed?.tokens ?? 0) < limit else { continue }
            guard worker.unread <= Self.credit else { continue }
            guard alone ? worker.isFree : !worker.isReserved else { continue }
            let isOverdue = worker.slot.overdue === worker
            let load = (isOverdue ? 1 : 0, worker.slot.workers.reduce(0) { $0 + $1.load }, worker.load)
            if load < bestLoad { (best, bestLoad) = (worker, load) }
        }
        return best
    }

    // MARK: - From a worker's prepared requests to a batch

    private func startNext(on slot: SlotRecord, at now: Instant) {
        slot.wakeAt = .never
        if let worker = slot.busy, patience(with: worker).isDue(at: now) {
            slot.overdue = worker
            slot.busy = nil
        }
        if slot.busy == nil, let worker = nextInTurn(on: slot, by: .at(now)) {
            worker.computing = form(on: worker, at: now)
            slot.busy = worker
        }
        if let busy = slot.busy, canCommit(behind: busy), nextInTurn(on: slot, by: .never) === busy {
            busy.committed = form(on: busy, at: now)
        }
        if let busy = slot.busy { slot.wakeAt = min(slot.wakeAt, patience(with: busy)) }
    }

    /// When the batch that a worker computes has taken too long, if other models wait for the slot: then it is theirs, and the
    /// worker computes on beside them. There is at most one such worker.
    private func patience(with worker: WorkerRecord) -> Deadline {
        let slot = worker.slot
        guard slot.overdue == nil, let batch = worker.computing,
            slot.workers.contains(where: { $0.queue !== worker.queue && !$0.assigned.isEmpty })
        else { return .never }
        let expected = worker.queue.costs.expected(batchTokens: batch.tokens) ?? 0
        return .at(batch.startedAt + max(.seconds(4 * expected), Self.leastPatience))
    }

    /// No batch is overdue before this.
    private static let leastPatience = Duration.milliseconds(250)

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
        for worker in slot.workers where worker.queue !== slot.overdue?.queue {
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

    /// Makes the next batch of the worker's prepared requests, in their turns, and starts it.
    private func form(on worker: WorkerRecord, at now: Instant) -> Batch {
        let queue = worker.queue
        refuseLate(on: worker, at: now)
        let waiting = inTurn(worker.assigned)
        let alone = waiting.first?.alone ?? false
        var count = 0
        var tokens = 0
        for request in waiting {
            if count > 0, alone || request.alone || tokens + request.tokens > queue.policy.maxBatchTokens { break }
            count += 1
            tokens += request.tokens
        }
        expectProgress(of: worker, at: now)
        let requests = Array(waiting.prefix(count))
        for request in requests {
            queue.start(request)
            request.phase = .started
            request.startedAt = now
        }
        worker.assigned.removeAll { $0.phase == .started }
        worker.assignedTokens -= tokens
        worker.slot.shares.charge(queue.id, tokens: tokens, weight: queue.policy.weight)
        markDirty(queue)
        // One that only has no room for a large request may be as small as any, and does not tell the rate by itself.
        let isLarge = 2 * tokens >= queue.policy.maxBatchTokens
        let isFull = !alone && (isLarge || count < waiting.count && queue.costs.rate != nil)
        let batch = Batch(
            id: nextBatch(),
            requests: requests,
            tokens: tokens,
            alone: alone,
            isFull: isFull,
            startedAt: now
        )
        actions.append(.start(batch.id, requests.map(\.id), on: worker.id))
        return batch
    }

    /// Requests of one queue in the order of their turns. As a rule they were assigned in it.
    private func inTurn(_ requests: [RequestRecord]) -> [RequestRecord] {
        let isSorted = zip(requests, requests.dropFirst()).allSatisfy { $0.turn <= $1.turn }
        return isSorted ? requests : requests.sorted { ($0.turn, $0.id) < ($1.turn, $1.id) }
    }
}
