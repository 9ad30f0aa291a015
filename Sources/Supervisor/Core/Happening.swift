package import Configuration
package import Messages

/// A process in what is told of it.
package struct ProcessLabel: Equatable, Sendable {
    package var processID: Int32
    package var slot: Int
    /// The model's reference and generation, as far as there are any.
    package var model: String?
    package var generation: UInt64?
}

/// What is told of a batch.
package struct BatchShape: Equatable, Sendable {
    package let requests: Int
    /// As they were estimated, or counted, when it began.
    package let tokens: Int
}

/// How a worker has ended, and what it had to do then.
package struct WorkerEnd: Equatable, Sendable {
    /// As in `exit 3`, `killed by SIGSEGV`.
    package var end: String
    /// The same, with what it said before, or was killed for.
    package var cause: String
    package var isExpected: Bool
    /// The most memory that it had, in bytes.
    package var peak: UInt64
    /// What it computed, and what waited behind that.
    package var batches: [BatchShape]

    package init(end: String, cause: String, isExpected: Bool, peak: UInt64, batches: [BatchShape]) {
        (self.end, self.cause, self.isExpected, self.peak, self.batches) = (end, cause, isExpected, peak, batches)
    }
}

/// A client in what is told of it.
package struct Caller: Equatable, Sendable {
    package var user: UInt32
    package var process: Int32

    package init(user: UInt32, process: Int32) { (self.user, self.process) = (user, process) }
}

/// A request in what is told of it, which is never its text.
package struct RequestLabel: Equatable, Sendable {
    /// What it is called in the log: by the client's name, or else by one of the server's.
    package var id: String
    /// The client's span; may be empty.
    package var trace: String
    package var method: String
    /// The reference of the model that it was for.
    package var model: String
    /// Whose it is.
    package var user: UInt32
}

/// A request that has its answer.
package struct Answer: Equatable, Sendable {
    package var request: RequestLabel
    package var status: StatusCode
    /// There when the supervisor has refused it by itself.
    package var reason: String?
    /// Why it was not even tried, when there was too much to do.
    package var shed: Shed?
    package var after: Duration
    package var isSlow: Bool
    /// Where the time went, when a worker has answered it.
    package var timings: Timings?

    /// Whether nobody wants to be told.
    package var isRoutine: Bool { status == .ok && !isSlow }
}

/// What was wrong with something that was turned away before it was a request to a model or a control call.
package enum Refused: String, CaseIterable, Sendable {
    case connection
    case frame
    case method
    case model
    case role
    case stream
}

/// What the operator wants of models.
package enum Order: String, Sendable {
    case load
    case unload
    case drain
    case drainUndone = "drain undone"
}

/// Something that has happened, and that somebody may want to know: `line` is told of it, and `Counters` counts it.
package enum Happening: Equatable, Sendable {
    // Of the server.
    case repositoryIsEmpty(path: String)
    case slotsPlanned(warning: String)
    case started(socket: String, repository: String, slots: String)
    case stopped
    case slotsChanged(String)
    case signal(String, sender: Int32)
    case acceptingPaused(error: String)
    /// SIGUSR1 has come; `problem` says why the log is where it was.
    case logReopened(problem: String?)
    /// Happenings of that kind were too many to be told of.
    case linesLeftOut(HappeningKind, Severity, user: UInt32?, lines: Int)
    case serviceManagerNotTold(error: String)
    case workersDoNotEnd
    case settingsChanged(waiting: [String])
    case settingsRefused(String)
    // Of requests.
    case answered(Answer)
    /// What computed it is gone, and it is computed again.
    case replayed(RequestLabel, cause: String)
    /// It has ended two workers, and is refused when it comes again.
    case quarantined(RequestLabel, cause: String)
    // Of clients.
    case refused(Refused, Refusal, Caller)
    case clientDoesNotRead(Caller)
    // Of models.
    case notServed(SkippedEntry)
    /// By a client, or by a signal.
    case reload(model: String, by: Caller?)
    case ordered(Order, model: String, by: Caller)
    case reloadRefused(String)
    /// `isAgain`: the generation did before.
    case serving(model: String, generation: UInt64, isAgain: Bool)
    case unavailable(model: String, String)
    case notLoaded(model: String, StatusCode, String)
    case replaced(model: String)
    case moved(model: String)
    case kept(model: String, String)
    case unloaded(model: String)
    // Of packs.
    /// Its workers share one copy of the weights, and why.
    case notReplicated(model: String, String)
    case packDamaged(model: String)
    case packChanged(model: String)
    case packFileRemoved(model: String)
    case packRemoved(key: String, bytes: UInt64)
    case packStuck(key: String)
    // Of processes.
    case processStarted(ProcessLabel, isPacker: Bool)
    case processNotStarted(model: String, error: String)
    case workerWarning(ProcessLabel, String)
    case proofFailed(ProcessLabel, String, instructionSet: String)
    case workerReady(ProcessLabel, after: Duration)
    case protocolBroken(ProcessLabel, String)
    case workerStuck(ProcessLabel, String)
    case workerEnded(ProcessLabel, WorkerEnd)
}
