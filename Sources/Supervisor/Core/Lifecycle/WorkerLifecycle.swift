package import Messages
package import Time

/// How a process ended, in the words of the status and the log.
package enum ProcessEnd: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
    /// The kernel has killed it for want of memory.
    case outOfMemory
    /// It could not be started.
    case neverStarted(String)

    /// sysexits.h: the configuration (here, the checkpoint) is at fault.
    package static let configurationExitCode: Int32 = 78

    /// Whether it is not the process's own doing, as far as can be told: SIGINT, SIGKILL and SIGTERM are sent by hand.
    var isFromOutside: Bool {
        switch self {
        case .exited, .outOfMemory: false
        case .signalled(let number): [2, 9, 15].contains(number)
        case .neverStarted: true
        }
    }
}

/// The life of one seat, that is of one worker process after another on one slot.
///
/// | state    | start     | hello       | ready     | drained     | stop            | timer                  | ended |
/// |----------|-----------|-------------|-----------|-------------|-----------------|------------------------|-------|
/// | idle     | → starting | –          | –         | –           | → stopped       | –                      | –     |
/// | starting | –         | → loading   | violation | –           | → ending        | kill → ending          | → backoff, failed, refused |
/// | loading  | –         | violation   | → ready   | –           | → ending        | kill → ending          | → backoff, failed, refused |
/// | ready    | –         | violation   | violation | –           | → draining      | –                      | → backoff, failed |
/// | draining | –         | violation   | violation | Drain → ending | at once: → ending | SIGTERM → ending    | → stopped |
/// | ending   | –         | –           | –         | –           | wanted: no restart | SIGKILL            | → stopped, or as the state it came from |
/// | backoff, failed | –  | –           | –         | –           | → stopped       | → starting             | –     |
/// | refused, stopped: no exits; a reload makes a new seat | | | | | | | |
///
/// A seat that has failed is given up until one of its workers is ready, although it is tried again now and then.
/// `heard`, a sign of progress, changes no state: it puts off the timer of loading.
package struct WorkerLifecycle: Sendable {
    package enum State: Equatable, Sendable {
        /// Never started.
        case idle
        /// The process runs; its Hello is due.
        case starting(since: Instant)
        /// Load was sent; Ready is due, or a sign that it goes on.
        case loading(heard: Instant)
        case ready(since: Instant)
        /// The scheduler lets it finish what it started.
        case draining(until: Instant)
        /// It has been told to end; the step says what comes when it does not.
        case ending(Step, until: Instant)
        /// Dead, to be started again.
        case backoff(until: Instant)
        /// Dead too often: left alone for some time.
        case failed(retryAt: Instant)
        /// The checkpoint or its configuration is at fault: starting again would change nothing.
        case refused(String)
        /// Ended on purpose.
        case stopped
    }

    package enum Step: Equatable, Sendable {
        /// Drain was sent; SIGKILL is next, for what does not exit with nothing to do is stuck.
        case drained
        /// SIGTERM was sent; SIGKILL is next.
        case terminated
        /// SIGKILL was sent; the end is certain.
        case killed
    }

    package enum Action: Equatable, Sendable {
        case spawn
        case sendLoad
        /// The worker may take requests.
        case enlist
        /// Let the scheduler finish what the worker has started; `drained` follows.
        case drain
        /// Send Drain: nothing is left to do, exit.
        case sendDrain
        case terminate
        case kill
    }

    package struct Timeouts: Equatable, Sendable {
        package var hello = Duration.seconds(10)
        /// From Load, or a sign that the worker goes on, to the next one or Ready.
        package var load = Duration.seconds(60)
        package var drain = Duration.seconds(30)
        /// From Drain, when nothing is left to do, to SIGKILL.
        package var exit = Duration.seconds(2)
        /// From SIGTERM to SIGKILL.
        package var terminate = Duration.seconds(5)

        package init() {}
    }

    package private(set) var state = State.idle
    /// Starts after the first.
    package private(set) var restarts = 0
    package private(set) var lastEnd: String?
    /// Why it was given up, since when no worker was ready.
    private var givenUp: String?
    package let timeouts: Timeouts
    private var policy = RestartPolicy()
    private var startedAt = Instant.start
    private var readyAt: Instant?
    private var isUseful = false
    private var stopWanted = false
    private var started = false
    private var failure: (kind: FailureKind, message: String)?

    package init(timeouts: Timeouts = Timeouts()) { self.timeouts = timeouts }

    // MARK: - What others see

    package var isReady: Bool {
        if case .ready = state { true } else { false }
    }

    /// Whether a process exists.
    package var hasProcess: Bool {
        switch state {
        case .starting, .loading, .ready, .draining, .ending: true
        case .idle, .backoff, .failed, .refused, .stopped: false
        }
    }

    /// Whether no process exists and none will.
    package var isOver: Bool {
        switch state {
        case .refused, .stopped: true
        default: false
        }
    }

    /// Whether nobody should wait for it.
    package var isDown: Bool { isOver || givenUp != nil }

    /// Why it was given up, for now or for good.
    package var failureReason: String? {
        if case .refused(let reason) = state { reason } else { givenUp }
    }

    /// Whether its end is wanted.
    package var isStopping: Bool { stopWanted }

    /// The kind of the failure that the last process reported, if it did.
    package var reportedFailure: FailureKind? { failure?.kind }

    /// When `timer` is due.
    package var deadline: Deadline {
        switch state {
        case .starting(let since): .at(since + timeouts.hello)
        case .loading(let heard): .at(heard + timeouts.load)
        case .idle, .ready, .ending(.killed, _), .refused, .stopped: .never
        case .draining(let until), .backoff(let until), .failed(let until), .ending(_, let until): .at(until)
        }
    }

    // MARK: - Events

    package mutating func start(at now: Instant) -> [Action] {
        guard state == .idle else { return [] }
        return spawn(at: now)
    }

    /// The worker introduced itself.
    package mutating func hello(at now: Instant) -> [Action] {
        guard case .starting = state else { return isEnding ? [] : violation("a second Hello", at: now) }
        state = .loading(heard: now)
        return [.sendLoad]
    }

    /// The worker said that it goes on. Loading may take long, for proofs and expected answers, and not be silent for long.
    /// - Returns: whether it is loading.
    package mutating func heard(at now: Instant) -> Bool {
        guard case .loading = state else { return false }
        state = .loading(heard: now)
        return true
    }

    /// The worker has loaded its model.
    package mutating func ready(at now: Instant) -> [Action] {
        guard case .loading = state else { return isEnding ? [] : violation("Ready out of turn", at: now) }
        state = .ready(since: now)
        readyAt = now
        givenUp = nil
        return [.enlist]
    }

    /// The worker completed a batch, or is about to end for what a request made it do: it is no loss to start it again.
    package mutating func proveUseful() { isUseful = true }

    /// The worker said why it is about to exit.
    package mutating func reported(_ kind: FailureKind, _ message: String) {
        failure = (kind, message)
    }

    /// The worker did what the protocol does not allow, or does not answer: it is killed and counted as dead.
    package mutating func violation(_ message: String, at now: Instant) -> [Action] {
        guard hasProcess, !isEnding else { return [] }
        failure = failure ?? (.internal, message)
        state = .ending(.killed, until: now)
        return [.kill]
    }

    /// The seat will not be started again, or not soon, for a reason outside of its process.
    package mutating func giveUp(_ reason: String, isFinal: Bool) {
        guard !hasProcess, !isOver else { return }
        if isFinal { state = .refused(reason) } else { givenUp = reason }
    }

    /// Ends the seat: after what was started is done, or at once.
    package mutating func stop(gracefully: Bool, at now: Instant) -> [Action] {
        stopWanted = true
        switch state {
        case .idle, .backoff, .failed:
            state = .stopped
            return []
        case .ready where gracefully:
            state = .draining(until: now + timeouts.drain)
            return [.drain]
        case .starting, .loading, .ready, .draining:
            if gracefully, case .draining = state { return [] }
            state = .ending(.terminated, until: now + timeouts.terminate)
            return [.terminate]
        case .ending(let step, _) where !gracefully && step == .drained:
            state = .ending(.terminated, until: now + timeouts.terminate)
            return [.terminate]
        case .ending, .refused, .stopped:
            return []
        }
    }

    /// The scheduler has nothing left at this worker.
    package mutating func drained(at now: Instant) -> [Action] {
        guard case .draining = state else { return [] }
        state = .ending(.drained, until: now + timeouts.exit)
        return [.sendDrain]
    }

    /// Time has passed. Does nothing before `deadline`.
    package mutating func timer(at now: Instant, limiter: inout SpawnLimiter) -> [Action] {
        guard deadline.isDue(at: now) else { return [] }
        switch state {
        case .starting:
            return violation("no Hello within \(timeouts.hello.components.seconds) s", at: now)
        case .loading:
            return violation("not ready, and no progress for \(timeouts.load.milliseconds) ms", at: now)
        case .draining:
            state = .ending(.terminated, until: now + timeouts.terminate)
            return [.terminate]
        case .ending(.drained, _), .ending(.terminated, _):
            state = .ending(.killed, until: now)
            return [.kill]
        case .backoff, .failed:
            if let later = limiter.take(at: now) {
                state = .backoff(until: later)
                return []
            }
            return spawn(at: now)
        case .idle, .ready, .ending(.killed, _), .refused, .stopped:
            return []
        }
    }

    /// The process is gone and everything that it wrote was read. `jitter` is a random number in 0..<1.
    package mutating func ended(_ end: ProcessEnd, description: String, jitter: Double, at now: Instant) {
        guard hasProcess else { return }
        let words = words(of: description)
        lastEnd = words
        if stopWanted {
            state = .stopped
        } else if failure?.kind == .configuration || end == .exited(ProcessEnd.configurationExitCode) {
            state = .refused(failure?.message ?? description)
        } else {
            let verdict = policy.died(
                startedAt: startedAt,
                readyAt: readyAt,
                isUseful: isUseful,
                // What the supervisor has killed had done something, which was noted.
                isFromOutside: end.isFromOutside && failure == nil,
                jitter: jitter,
                at: now
            )
            switch verdict {
            case .restart(let time): state = .backoff(until: time)
            case .giveUp(let reason, let retryAt):
                state = .failed(retryAt: retryAt)
                givenUp = "\(reason); the last one: \(words)"
            }
        }
    }

    /// How its process ended, with what it said before, or was killed for: for the status and the log.
    package func words(of end: String) -> String { failure.map { "\($0.message) (\(end))" } ?? end }

    // MARK: - Helpers

    private var isEnding: Bool {
        if case .ending = state { true } else { false }
    }

    private mutating func spawn(at now: Instant) -> [Action] {
        if started { restarts += 1 }
        started = true
        startedAt = now
        readyAt = nil
        isUseful = false
        failure = nil
        state = .starting(since: now)
        return [.spawn]
    }
}
