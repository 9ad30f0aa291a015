import LinuxSystem
import Logging
import Messages
import Wire

/// The end of the server.
///
/// | state    | SIGTERM, SIGINT | nothing unanswered | time is up                | no process left |
/// |----------|-----------------|--------------------|---------------------------|-----------------|
/// | serving  | → draining      | –                  | –                         | –               |
/// | draining | → killing       | → stopping         | refuses the rest → stopping | –             |
/// | stopping | → killing       | –                  | → killing                 | → flushing      |
/// | killing  | –               | –                  | –                         | → flushing      |
/// | flushing | –               | –                  | → finished                | → finished when all output is written |
enum Shutdown: Equatable {
    case serving
    /// Accepted requests are finished.
    case draining(until: Int64)
    /// Workers are told to end.
    case stopping(until: Int64)
    /// Workers have been killed.
    case killing
    /// Clients are sent their last answers.
    case flushing(until: Int64)
    case finished
}

extension Server {
    /// From the order to the workers to end until they are killed.
    static let stopTimeout: Int64 = 8_000_000_000

    var isFinished: Bool { shutdown == .finished }

    var shutdownDeadline: Int64 {
        switch shutdown {
        case .draining(let until), .stopping(let until), .flushing(let until): until
        case .serving, .killing, .finished: Int64.max
        }
    }

    func takeSignals(at now: Int64) {
        while let received = try? signals.next() {
            logger.notice("signal", metadata: ["signal": "\(received.signal)", "sender": "\(received.sender)"])
            if received.signal == .hangUp {
                reload("", call: nil, at: now)
            } else if shutdown == .serving {
                beginShutdown(at: now)
            } else {
                killWorkers(at: now)
            }
        }
    }

    private func beginShutdown(at now: Int64) {
        shutdown = .draining(until: now + configuration.drainTimeout)
        scheduler.shutDown(Refusal(.unavailable, "the server is shutting down"))
        // The path is free for a successor from here on.
        listening = nil
        acceptAt = Int64.max
        for client in Array(clients.values) { send(.goAway(GoAway(reason: "the server is shutting down")), to: client) }
        for watch in watches { finish(watch.call, Refusal(.unavailable, "the server is shutting down")) }
        watches.removeAll()
    }

    private func killWorkers(at now: Int64) {
        if case .flushing = shutdown { return }
        scheduler.refuseAll(Refusal(.unavailable, "the server was stopped"))
        unloadAll(gracefully: false, at: now)
        for process in workers.values { process.signal(.kill) }
        shutdown = .killing
    }

    private func unloadAll(gracefully: Bool, at now: Int64) {
        for model in models.all {
            let refusal = Refusal(.unavailable, "the server is shutting down")
            enqueue(model.lifecycle.unload(gracefully: gracefully, refusal, at: now), of: model)
        }
        for job in packJobs.keys.sorted() { enqueue(packs.cancel(job, at: now)) }
    }

    /// Goes on with the shutdown as far as it can.
    func advanceShutdown(at now: Int64) {
        if case .draining(let until) = shutdown, scheduler.unanswered == 0 || now >= until {
            scheduler.refuseAll(Refusal(.unavailable, "the server is shutting down"))
            unloadAll(gracefully: true, at: now)
            shutdown = .stopping(until: now + Self.stopTimeout)
        }
        if case .stopping(let until) = shutdown, now >= until, !workers.isEmpty {
            logger.warning("workers do not end; killing them")
            killWorkers(at: now)
        }
        switch shutdown {
        case .stopping, .killing:
            if workers.isEmpty, todo.isEmpty { shutdown = .flushing(until: now + Self.closingTimeout) }
        case .serving, .draining, .flushing, .finished: break
        }
        if case .flushing(let until) = shutdown {
            let hasOutput = clients.values.contains { $0.channel.output.count > 0 }
            if !hasOutput || now >= until { shutdown = .finished }
        }
    }
}
