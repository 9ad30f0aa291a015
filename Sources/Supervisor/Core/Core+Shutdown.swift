import Configuration
import Messages
import Time
import Wire

extension Core {
    /// The first order to end begins to; the second one ends at once.
    mutating func stop() {
        guard shutdown == .serving else { return killWorkers() }
        shutdown = .draining(until: now + configuration.drainTimeout)
        announce(announcer.stop())
        let refusal = Refusal(.unavailable, "the server is shutting down")
        scheduler.shutDown(refusal)
        effects.append(.stopListening)
        clients.goAway(refusal)
    }

    private mutating func killWorkers() {
        if case .flushing = shutdown { return }
        scheduler.refuseAll(Refusal(.unavailable, "the server was stopped"))
        unloadAll(gracefully: false)
        for id in processes.keys.sorted() { effects.append(.kill(id)) }
        shutdown = .killing
    }

    private mutating func unloadAll(gracefully: Bool) {
        let refusal = Refusal(.unavailable, "the server is shutting down")
        for id in catalogue.all { change(id) { $0.unload(gracefully: gracefully, refusal, at: $1) } }
        for job in (Array(packJobs.keys) + copyJobs.keys).sorted() { enqueue(packs.cancel(job, at: now)) }
    }

    /// Goes on with the shutdown as far as it can.
    mutating func advanceShutdown() {
        if case .draining(let until) = shutdown, scheduler.unanswered == 0 || now >= until {
            scheduler.refuseAll(Refusal(.unavailable, "the server is shutting down"))
            unloadAll(gracefully: true)
            shutdown = .stopping(until: now + Shutdown.stopTimeout)
        }
        if case .stopping(let until) = shutdown, now >= until, !processes.isEmpty {
            report(.workersDoNotEnd)
            killWorkers()
        }
        switch shutdown {
        case .stopping, .killing:
            // What has happened until then is told before.
            guard processes.isEmpty, todo.isEmpty, effects.isEmpty else { break }
            shutdown = .flushing(until: now + Clients.closingTimeout)
            clients.endWatches(Refusal(.unavailable, "the server is shutting down"))
        case .serving, .draining, .flushing, .finished: break
        }
        if case .flushing(let until) = shutdown, !clients.hasOutput || now >= until { shutdown = .finished }
    }
}
