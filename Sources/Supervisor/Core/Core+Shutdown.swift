import Configuration
import Messages
import Wire

extension Core {
    /// The first order to end begins to; the second one ends at once.
    mutating func stop(at now: Int64) {
        guard shutdown == .serving else { return killWorkers(at: now) }
        shutdown = .draining(until: now + configuration.drainTimeout)
        let refusal = Refusal(.unavailable, "the server is shutting down")
        scheduler.shutDown(refusal)
        effects.append(.stopListening)
        clients.goAway(refusal)
    }

    private mutating func killWorkers(at now: Int64) {
        if case .flushing = shutdown { return }
        scheduler.refuseAll(Refusal(.unavailable, "the server was stopped"))
        unloadAll(gracefully: false, at: now)
        for id in processes.keys.sorted() { effects.append(.kill(id)) }
        shutdown = .killing
    }

    private mutating func unloadAll(gracefully: Bool, at now: Int64) {
        let refusal = Refusal(.unavailable, "the server is shutting down")
        for id in catalogue.all { change(id) { $0.unload(gracefully: gracefully, refusal, at: now) } }
        for job in packJobs.keys.sorted() { enqueue(packs.cancel(job, at: now)) }
    }

    /// Goes on with the shutdown as far as it can.
    mutating func advanceShutdown(at now: Int64) {
        if case .draining(let until) = shutdown, scheduler.unanswered == 0 || now >= until {
            scheduler.refuseAll(Refusal(.unavailable, "the server is shutting down"))
            unloadAll(gracefully: true, at: now)
            shutdown = .stopping(until: now + Shutdown.stopTimeout)
        }
        if case .stopping(let until) = shutdown, now >= until, !processes.isEmpty {
            report(.workersDoNotEnd)
            killWorkers(at: now)
        }
        switch shutdown {
        case .stopping, .killing:
            if processes.isEmpty, todo.isEmpty { shutdown = .flushing(until: now + Clients.closingTimeout) }
        case .serving, .draining, .flushing, .finished: break
        }
        if case .flushing(let until) = shutdown, !clients.hasOutput || now >= until { shutdown = .finished }
    }
}
