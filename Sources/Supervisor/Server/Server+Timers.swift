import LinuxSystem
import Messages
import Wire

extension Server {
    /// When something is due although nothing happens; nil when nothing is.
    func nextDeadline() -> Int64? {
        var earliest = min(scheduler.nextWakeup() ?? Int64.max, packs.deadline ?? Int64.max)
        earliest = min(earliest, acceptAt)
        earliest = min(earliest, modelDeadline())
        for worker in workers.values { earliest = min(earliest, worker.killAt) }
        for model in retiring { earliest = min(earliest, model.retiresBy ?? Int64.max) }
        for watch in watches { earliest = min(earliest, watch.nextAt) }
        for id in transient {
            switch clients[id]?.state {
            case .greeting(let until)?, .closing(let until)?: earliest = min(earliest, until)
            case .open?, nil: continue
            }
        }
        earliest = min(earliest, shutdownDeadline)
        return earliest == Int64.max ? nil : earliest
    }

    /// The earliest deadline of any model, computed anew only when one of them has changed: this is asked every turn.
    private func modelDeadline() -> Int64 {
        if let known = knownModelDeadline { return known }
        let earliest = models.all.reduce(Int64.max) { min($0, $1.lifecycle.deadline ?? Int64.max) }
        knownModelDeadline = earliest
        return earliest
    }

    func runTimers(at now: Int64) {
        for model in models.all where modelDeadline() <= now {
            guard let deadline = model.lifecycle.deadline, deadline <= now else { continue }
            enqueue(model.lifecycle.timer(at: now, limiter: &limiter), of: model)
        }
        if let deadline = packs.deadline, deadline <= now { enqueue(packs.timer(at: now)) }
        for worker in workers.values where worker.killAt <= now {
            worker.killAt = Int64.max
            kill(worker, because: "it closed its channel and did not end", at: now)
        }
        if !watches.isEmpty { runWatches(at: now) }
        for id in transient.sorted() {
            guard let client = clients[id] else { continue }
            switch client.state {
            case .greeting(let until) where until <= now:
                refuseConnection(client, Refusal(.deadlineExceeded, "no Hello within 5 s"), at: now)
            case .closing(let until) where until <= now: disconnect(client)
            default: continue
            }
        }
        if acceptAt <= now { resumeAccepting() }
    }
}
