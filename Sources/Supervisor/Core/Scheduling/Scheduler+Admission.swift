import Configuration
import Messages
import Time

extension Scheduler {
    /// By how much longer than reckoned it may take for a request to be accepted.
    private static let margin = 1.1

    /// Why a request that arrives, or whose turn it is, cannot be answered in time, as far as is known: by what full batches
    /// of its model take, and what comes before it.
    ///
    /// One that finds nothing before it is tried, whatever the numbers say, and what comes of it corrects them.
    func lateness(of request: RequestRecord, isNew: Bool, at now: Instant) -> Refusal? {
        let queue = request.queue
        guard isNew ? queue.waiting > 0 : queue.assigned > 0 else { return nil }
        guard case .at(let end) = request.deadline, let rate = queue.costs.rate, !queue.workers.isEmpty else {
            return nil
        }
        let left = (end - now) / .seconds(1)
        func seconds(behind tokens: Double) -> Double {
            self.seconds(for: tokens + Double(request.tokens), of: queue, rate: rate, at: now)
                * (isNew ? Self.margin : 1)
        }
        // Most often there is time for all that waits.
        var time = seconds(behind: Double(isNew ? queue.waitingTokens : queue.assignedTokens))
        guard time > left else { return nil }
        if isNew {
            let limit = left * rate * Double(queue.workers.count)
            time = seconds(behind: queue.tokens(before: request, limit: limit))
            guard time > left else { return nil }
        }
        return Self.refusal(of: request, rate: rate, seconds: time, left: left)
    }

    /// Refuses what a worker is about to compute, and would not in time even if it began now. If that is all, the first one is
    /// computed nevertheless, so that numbers which are wrong are corrected.
    func refuseLate(on worker: WorkerRecord, at now: Instant) {
        let queue = worker.queue
        guard let rate = queue.costs.rate else { return }
        var seconds = Double(min(worker.assignedTokens, queue.policy.maxBatchTokens)) / rate
        if let batch = worker.computing {
            seconds += max(0, Double(batch.tokens) / rate - (now - batch.startedAt) / .seconds(1))
        }
        let end = Deadline.at(now + .seconds(min(1e9, seconds)))
        let late = worker.assigned.filter { $0.deadline < end }
        for request in late.dropFirst(late.count == worker.assigned.count ? 1 : 0) {
            guard case .at(let deadline) = request.deadline else { continue }
            let left = (deadline - now) / .seconds(1)
            refuse(request, Self.refusal(of: request, rate: rate, seconds: seconds, left: left))
        }
    }

    private static func refusal(of request: RequestRecord, rate: Double, seconds: Double, left: Double) -> Refusal {
        func milliseconds(_ seconds: Double) -> Int { Int(max(0, min(1e9, seconds * 1000))) }
        let message =
            "it cannot be answered within its timeout: it would take about \(milliseconds(seconds)) ms "
            + "with what comes before it, and \(milliseconds(left)) ms are left"
        // It will not be sooner than it is computed alone.
        let alone = Duration.seconds(min(1e9, Double(request.tokens) / rate * margin))
        let couldBe = Deadline.at(request.arrival + alone) <= request.deadline
        let hint = couldBe ? CostModel.hint(seconds: seconds - left) : nil
        return Refusal(.resourceExhausted, message, retryAfter: hint, shed: .deadline)
    }

    /// How long it takes until that many tokens of a queue are computed: beside what computes on its slots now, and with what
    /// the other models of the slots get meanwhile.
    private func seconds(for tokens: Double, of queue: QueueRecord, rate: Double, at now: Instant) -> Double {
        var slots = 0.0
        for worker in queue.workers where standsFor(worker) { slots += 1 }
        guard slots > 0 else { return 0 }
        let part = tokens / slots
        let batch = Double(queue.policy.maxBatchTokens)
        var sum = 0.0
        for worker in queue.workers where standsFor(worker) {
            // All requests of a batch are answered at its end, and what comes later may fill it while others wait.
            let isPressed = 2 * part >= batch || worker.slot.busy?.committed != nil
            let own = isPressed ? (part / batch).rounded(.up) * batch : part
            sum += own / rate + secondsComputing(on: worker.slot, at: now)
            for other in worker.slot.workers where other.queue !== queue {
                guard let rate = other.queue.costs.rate else { continue }
                let waiting =
                    Double(other.assignedTokens)
                    + Double(other.queue.queuedTokens) / Double(max(1, other.queue.workers.count))
                sum += min(waiting, part * other.queue.policy.weight / queue.policy.weight) / rate
            }
        }
        return sum / slots
    }

    /// Of the workers that a queue has on a slot one stands for all, for one at a time computes.
    private func standsFor(_ worker: WorkerRecord) -> Bool {
        worker.slot.workers.first { $0.queue === worker.queue && !$0.draining } === worker
    }

    /// How long a slot's batches still take.
    private func secondsComputing(on slot: SlotRecord, at now: Instant) -> Double {
        guard let busy = slot.busy, let batch = busy.computing else { return 0 }
        let costs = busy.queue.costs
        let computing = costs.expected(batchTokens: batch.tokens) ?? 0
        let committed = busy.committed.flatMap { costs.expected(batchTokens: $0.tokens) } ?? 0
        return max(0, computing - (now - batch.startedAt) / .seconds(1)) + committed
    }
}
