package import Messages
package import Time
import Wire

/// The life of one model variant: which generation answers, which one is being built beside it, which one is leaving.
///
/// | state        | load                 | packed        | pack failed     | seats ready       | seats given up | leaving is over |
/// |--------------|----------------------|---------------|-----------------|-------------------|----------------|-----------------|
/// | empty        | → loading            | –             | –               | –                 | –              | –               |
/// | loading      | refused              | starts seats  | → unavailable   | first: → serving  | all: → unavailable, answered | – |
/// | serving      | → reloading          | starts seats  | seats given up  | enlisted          | all: → unavailable | –           |
/// | reloading    | refused              | starts seats  | → rolling back  | all: swap → retiring | any: → rolling back | –        |
/// | retiring     | refused              | –             | –               | enlisted          | all: → unavailable | → serving, answered |
/// | rolling back | refused              | –             | –               | –                 | –              | → as before the load, answered |
/// | unavailable  | → loading            | starts seats  | seats given up  | first: → serving  | –              | –               |
///
/// A model becomes unavailable for good, until the next load, when its checkpoint or configuration is at fault. Else its
/// generation stays, tries again from time to time, and serves as soon as one of its seats is ready.
///
/// `unload` leads from each of them to the end, once no process is left. At most two generations have processes.
package struct ModelLifecycle: Sendable {
    package enum Action: Equatable, Sendable {
        /// Find or make the generation's pack; `packed` or `packFailed` follows.
        case pack(generation: UInt64)
        /// The generation's pack is damaged: delete it from the cache.
        case discardPack(generation: UInt64)
        case seat(SeatID, WorkerLifecycle.Action)
        /// The generation answers from now on, with its policies; requests may wait for it.
        case activate(generation: UInt64)
        /// Nobody will answer: whatever waits is refused, and what comes, until `activate` or the next load.
        case close(Refusal)
        /// The generation has no process left.
        case release(generation: UInt64)
        /// The load or reload is over.
        case loaded(Outcome)
        /// The model has been unloaded.
        case unloaded
    }

    /// How a load or reload ended.
    package struct Outcome: Equatable, Sendable {
        package var code: StatusCode
        package var message: String
        /// The generation that serves now; 0: none.
        package var generation: UInt64
    }

    package private(set) var serving: Generation?
    package private(set) var incoming: Generation?
    package private(set) var leaving: Generation?
    package private(set) var isUnloading = false
    /// Why the model is unavailable, why the last reload failed, or why it is still here.
    package private(set) var reason: String?
    /// Whether what should serve was given up, for now or for good, so that requests are refused.
    private var (isDown, isOver) = (false, false)
    private var isUnloaded = false
    private var outcome: Outcome?
    private var lastNumber: UInt64 = 0
    /// Of what is loaded from now on.
    var timeouts: WorkerLifecycle.Timeouts

    package init(timeouts: WorkerLifecycle.Timeouts = .init()) { self.timeouts = timeouts }

    // MARK: - What others see

    /// Whether a load, reload or unload is under way, so that another one is refused.
    package var isChanging: Bool { incoming != nil || leaving != nil || isUnloading }

    package var state: ModelState {
        if isUnloading { return .unloading }
        if serves { return .ready }
        if incoming != nil { return .loading }
        return reason == nil ? .unknown : .unavailable
    }

    /// When `timer` is due.
    package var deadline: Deadline {
        var earliest = Deadline.never
        for generation in [serving, incoming, leaving].compactMap({ $0 }) {
            for seat in generation.seats where generation.packed || seat.hasProcess {
                earliest = min(earliest, seat.deadline)
            }
        }
        if let serving, !isUnloading { earliest = min(earliest, serving.packRetryAt) }
        if let incoming, serves, !isUnloading { earliest = min(earliest, incoming.readyBy) }
        return earliest
    }

    package func seat(_ id: SeatID) -> WorkerLifecycle? {
        guard let seats = generation(id.generation)?.seats, seats.indices.contains(id.index) else { return nil }
        return seats[id.index]
    }

    /// One that has, or may have, workers.
    package func generation(_ number: UInt64) -> Generation? {
        [serving, incoming, leaving].lazy.compactMap { $0 }.first { $0.number == number }
    }

    // MARK: - Commands

    /// Builds a generation with one seat on each of `slots` (a slot may come several times). The caller has made sure
    /// that nothing `isChanging`. Returns the number of the new generation.
    package mutating func load(slots: [Int], at now: Instant) -> (generation: UInt64, actions: [Action]) {
        precondition(!isChanging, "a load while another change is under way")
        var actions: [Action] = []
        if let old = serving, old.isOver {
            actions.append(.release(generation: old.number))
            serving = nil
        }
        lastNumber += 1
        incoming = Generation(number: lastNumber, slots: slots, timeouts: timeouts)
        actions.append(.pack(generation: lastNumber))
        return (lastNumber, actions)
    }

    /// A load that failed before it began: the configuration cannot be read, for example. What serves goes on.
    package mutating func refuseLoad(_ code: StatusCode, _ message: String) -> [Action] {
        reason = message
        var actions: [Action] = []
        if !serves, incoming == nil { actions.append(close(message)) }
        actions.append(.loaded(Outcome(code: code, message: message, generation: servingNumber)))
        return actions
    }

    /// The model serves on, although it should have gone.
    package mutating func keep(_ message: String) { reason = message }

    /// Ends all workers, gracefully or at once; `unloaded` follows when no process is left.
    package mutating func unload(gracefully: Bool, _ refusal: Refusal, at now: Instant) -> [Action] {
        var actions: [Action] = []
        if !isUnloading {
            isUnloading = true
            actions.append(.close(refusal))
            if incoming != nil || outcome != nil {
                outcome = nil
                actions.append(.loaded(Outcome(code: .aborted, message: refusal.message, generation: 0)))
            }
        }
        actions += stop(\.incoming, gracefully: false, at: now)
        actions += stop(\.serving, gracefully: gracefully, at: now)
        if !gracefully { actions += stop(\.leaving, gracefully: false, at: now) }
        return actions + settle(at: now)
    }

    // MARK: - Packs

    /// The generation's pack is there.
    package mutating func packed(generation: UInt64, key: String, at now: Instant) -> [Action] {
        guard let path = path(of: generation), self[keyPath: path]?.packed == false, !isUnloading else { return [] }
        if let known = self[keyPath: path]?.packKey, known != key {
            let message = "the checkpoint has changed since this generation was loaded: reload the model"
            return packFailed(generation: generation, .failedPrecondition, message, at: now)
        }
        self[keyPath: path]?.havePack(key)
        let readyBy = Deadline.at(now + timeouts.load)
        self[keyPath: path]?.readyBy = readyBy
        var actions: [Action] = []
        for index in self[keyPath: path]?.seats.indices ?? 0..<0 {
            let started = self[keyPath: path]?.seats[index].start(at: now) ?? []
            actions += adopt(started, path, index)
        }
        return actions
    }

    /// There is no pack. What is `unavailable` or `resourceExhausted` may pass; else there will not be one.
    package mutating func packFailed(
        generation: UInt64,
        _ code: StatusCode,
        _ message: String,
        at now: Instant
    ) -> [Action] {
        guard let path = path(of: generation), self[keyPath: path]?.packed == false else { return [] }
        let isPassing = code == .unavailable || code == .resourceExhausted
        if path == \.incoming, serving != nil || !isPassing { return rollBack(code, message, at: now) }
        self[keyPath: path]?.lackPack(message, isFinal: !isPassing, at: now)
        return (path == \.incoming ? persist(code, message) : []) + settle(at: now)
    }

    // MARK: - Seats

    package mutating func hello(_ id: SeatID, at now: Instant) -> [Action] {
        apply(id, at: now) { $0.hello(at: now) }
    }

    package mutating func ready(_ id: SeatID, at now: Instant) -> [Action] {
        apply(id, at: now) { $0.ready(at: now) }
    }

    /// The seat's worker said that it goes on.
    package mutating func heard(_ id: SeatID, at now: Instant) {
        guard let path = path(of: id.generation), var generation = self[keyPath: path] else { return }
        guard generation.seats[id.index].heard(at: now) else { return }
        generation.readyBy = .at(now + timeouts.load)
        self[keyPath: path] = generation
    }

    package mutating func provedUseful(_ id: SeatID) {
        guard let path = path(of: id.generation) else { return }
        self[keyPath: path]?.seats[id.index].proveUseful()
    }

    package mutating func reported(_ id: SeatID, _ kind: FailureKind, _ message: String) {
        guard let path = path(of: id.generation) else { return }
        self[keyPath: path]?.seats[id.index].reported(kind, message)
    }

    package mutating func violation(_ id: SeatID, _ message: String, at now: Instant) -> [Action] {
        apply(id, at: now) { $0.violation(message, at: now) }
    }

    package mutating func drained(_ id: SeatID, at now: Instant) -> [Action] {
        apply(id, at: now) { $0.drained(at: now) }
    }

    /// The seat's process is gone and everything that it wrote was read.
    package mutating func ended(
        _ id: SeatID,
        _ end: ProcessEnd,
        description: String,
        jitter: Double,
        at now: Instant
    ) -> [Action] {
        guard let path = path(of: id.generation), var generation = self[keyPath: path] else { return [] }
        let packDamaged = generation.seats[id.index].reportedFailure == .pack
        generation.seats[id.index].ended(end, description: description, jitter: jitter, at: now)
        generation.enlisted.remove(id.index)
        generation.giveUpWithoutPack(id.index)
        self[keyPath: path] = generation
        var actions: [Action] = []
        // A worker that was started with an earlier making of the pack says nothing about the present one.
        if packDamaged, generation.packed, generation.seatMaking[id.index] == generation.making, path != \.leaving {
            self[keyPath: path]?.packed = false
            actions.append(.discardPack(generation: generation.number))
            if generation.making > 1 {
                let message =
                    "the pack is damaged again after it was made anew: \(generation.seats[id.index].lastEnd ?? "")"
                return actions + packFailed(generation: generation.number, .dataLoss, message, at: now)
            }
            actions.append(.pack(generation: generation.number))
        }
        return actions + settle(at: now)
    }

    /// Time has passed. Does nothing before `deadline`.
    package mutating func timer(at now: Instant, limiter: inout SpawnLimiter) -> [Action] {
        var actions: [Action] = []
        for path in [\Self.serving, \Self.incoming, \Self.leaving] {
            for index in self[keyPath: path]?.seats.indices ?? 0..<0 {
                guard let generation = self[keyPath: path], generation.packed || generation.seats[index].hasProcess
                else {
                    continue
                }
                let due = self[keyPath: path]?.seats[index].timer(at: now, limiter: &limiter) ?? []
                actions += adopt(due, path, index)
            }
        }
        if !isUnloading, let serving, self.serving?.takePackRetry(at: now) == true {
            actions.append(.pack(generation: serving.number))
        }
        return actions + settle(at: now)
    }
}

extension ModelLifecycle {
    private typealias Path = WritableKeyPath<ModelLifecycle, Generation?>

    private var serves: Bool { serving.map { !$0.isDown } ?? false }

    private var servingNumber: UInt64 { serves ? serving?.number ?? 0 : 0 }

    private func path(of generation: UInt64) -> Path? {
        [\Self.serving, \Self.incoming, \Self.leaving].first { self[keyPath: $0]?.number == generation }
    }

    private mutating func apply(
        _ id: SeatID,
        at now: Instant,
        _ event: (inout WorkerLifecycle) -> [WorkerLifecycle.Action]
    ) -> [Action] {
        guard let path = path(of: id.generation), var generation = self[keyPath: path] else { return [] }
        let due = event(&generation.seats[id.index])
        self[keyPath: path] = generation
        return adopt(due, path, id.index) + settle(at: now)
    }

    /// Makes a seat's actions the model's. `enlist` is left to `settle`, which knows which generation serves.
    private mutating func adopt(_ due: [WorkerLifecycle.Action], _ path: Path, _ index: Int) -> [Action] {
        guard let generation = self[keyPath: path] else { return [] }
        let id = SeatID(generation: generation.number, index: index)
        if due.contains(.spawn) { self[keyPath: path]?.seatMaking[index] = generation.making }
        return due.filter { $0 != .enlist }.map { .seat(id, $0) }
    }

    private mutating func stop(_ path: Path, gracefully: Bool, at now: Instant) -> [Action] {
        var actions: [Action] = []
        for index in self[keyPath: path]?.seats.indices ?? 0..<0 {
            let due = self[keyPath: path]?.seats[index].stop(gracefully: gracefully, at: now) ?? []
            actions += adopt(due, path, index)
        }
        return actions
    }

    private func close(_ message: String) -> Action {
        let isFinal = serving?.isOver ?? true
        return .close(Refusal(.unavailable, message, retryAfter: isFinal ? nil : Pause.first))
    }

    /// The first load is over and has failed, and what it was for goes on trying.
    private mutating func persist(_ code: StatusCode, _ message: String) -> [Action] {
        (serving, incoming, isDown, isOver) = (incoming, nil, false, false)
        return [.loaded(Outcome(code: code, message: message, generation: 0))]
    }

    private mutating func rollBack(_ code: StatusCode, _ message: String, at now: Instant) -> [Action] {
        var actions = stop(\.incoming, gracefully: false, at: now)
        reason = message
        if !serves { actions.append(close(message)) }
        leaving = incoming
        incoming = nil
        outcome = Outcome(code: code, message: message, generation: servingNumber)
        return actions + settle(at: now)
    }

    /// Draws the consequences of a change of any seat.
    private mutating func settle(at now: Instant) -> [Action] {
        var actions: [Action] = []
        if !isUnloading { actions += settleIncoming(at: now) }
        if !isUnloading, let generation = serving {
            for (index, seat) in generation.seats.enumerated() where seat.isReady {
                guard serving?.enlisted.insert(index).inserted == true else { continue }
                actions.append(.seat(SeatID(generation: generation.number, index: index), .enlist))
            }
            if (generation.isDown, generation.isOver) != (isDown, isOver) {
                (isDown, isOver) = (generation.isDown, generation.isOver)
                reason = isDown ? generation.failure ?? "no worker is left" : nil
                actions.append(reason.map(close) ?? .activate(generation: generation.number))
            }
        }
        if let generation = leaving, generation.isOver {
            leaving = nil
            actions.append(.release(generation: generation.number))
            if let outcome, !isUnloading {
                self.outcome = nil
                actions.append(.loaded(outcome))
            }
        }
        if isUnloading { actions += settleUnloading() }
        return actions
    }

    private mutating func settleIncoming(at now: Instant) -> [Action] {
        guard let generation = incoming else { return [] }
        if let refusal = generation.refusal { return rollBack(.failedPrecondition, refusal, at: now) }
        if serves {
            if let failure = generation.failure { return rollBack(.unavailable, failure, at: now) }
            if generation.packed, generation.seats.allSatisfy(\.isReady) { return swap(at: now) }
            if generation.readyBy.isDue(at: now) {
                let last = generation.seats.lazy.compactMap(\.lastEnd).first.map { "; \($0)" } ?? ""
                let limit = timeouts.load.milliseconds
                let message = "the new generation is not ready, and made no progress for \(limit) ms\(last)"
                return rollBack(.deadlineExceeded, message, at: now)
            }
        } else {
            if generation.seats.contains(where: \.isReady) { return swap(at: now) }
            if let failure = generation.failure, generation.isDown {
                return serving == nil ? persist(.unavailable, failure) : rollBack(.unavailable, failure, at: now)
            }
        }
        return []
    }

    /// The new generation serves; the old one finishes what it has started.
    private mutating func swap(at now: Instant) -> [Action] {
        guard let generation = incoming else { return [] }
        reason = nil
        (isDown, isOver) = (false, false)
        leaving = serving
        serving = generation
        incoming = nil
        var actions: [Action] = [.activate(generation: generation.number)]
        let result = Outcome(code: .ok, message: "", generation: generation.number)
        // The new workers are enlisted before the old ones return what they have not started.
        for (index, seat) in generation.seats.enumerated() where seat.isReady {
            serving?.enlisted.insert(index)
            actions.append(.seat(SeatID(generation: generation.number, index: index), .enlist))
        }
        if leaving == nil {
            actions.append(.loaded(result))
        } else {
            outcome = result
            actions += stop(\.leaving, gracefully: true, at: now)
        }
        return actions
    }

    private mutating func settleUnloading() -> [Action] {
        var actions: [Action] = []
        for path in [\Self.serving, \Self.incoming] {
            guard let generation = self[keyPath: path], generation.isOver else { continue }
            self[keyPath: path] = nil
            actions.append(.release(generation: generation.number))
        }
        if serving == nil, incoming == nil, leaving == nil, !isUnloaded {
            isUnloaded = true
            actions.append(.unloaded)
        }
        return actions
    }
}
