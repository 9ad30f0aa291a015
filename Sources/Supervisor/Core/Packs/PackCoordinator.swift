package import Messages
package import Time
import Wire

/// Runs packers, at most `limit` at a time and at most one for a key.
///
/// A packer is a short-lived worker process on the worker channel. Its states:
///
/// | state      | hello         | key, cached       | key, not cached         | done      | ended            | timer |
/// |------------|---------------|-------------------|-------------------------|-----------|------------------|-------|
/// | waiting    | –             | –                 | –                       | –         | –                | –     |
/// | starting   | → identifying | –                 | –                       | –         | → failed         | kill  |
/// | identifying | –            | → finished (kill) | → packing, or → queued when another one packs the key | – | → failed | kill |
/// | queued     | – the other one is done: → finished; it failed: → packing | – | – | – | → failed | kill |
/// | packing    | –             | –                 | –                       | → finished | → failed        | kill when it stops progressing |
/// | copying    | –             | –                 | –                       | → finished | → failed        | kill when it stops progressing |
///
/// A packer that copies a pack to a node has no key to find, and goes from starting to copying.
package struct PackCoordinator: Sendable {
    package enum Action: Equatable, Sendable {
        /// Start a packer process.
        case spawn(PackJobID)
        /// Send Pack with a new temporary file.
        case sendPack(PackJobID)
        /// Send Copy with a pack and a new file in memory.
        case sendCopy(PackJobID)
        case sendProceed(PackJobID)
        /// Sync the temporary file and rename it to its key; `stored` follows.
        case store(PackJobID, key: String, bytes: UInt64)
        /// Let nobody change the file in memory any more; `stored` follows.
        case seal(PackJobID, bytes: UInt64)
        case kill(PackJobID)
        /// The pack is in the cache.
        case finished(PackJobID, key: String, bytes: UInt64)
        /// The copy is there.
        case copied(PackJobID)
        case failed(PackJobID, StatusCode, String)
    }

    private enum State: Equatable {
        case waiting
        case starting
        case identifying
        case queued(key: String)
        case packing(key: String)
        case copying
        /// Answered; only the end of the process is awaited.
        case over
    }

    private struct Job {
        let isCopy: Bool
        var state = State.waiting
        /// When it is taken for stuck.
        var deadline = Deadline.never
        var failure: (FailureKind, String)?

        /// Whether it has a process, which is not yet answered for.
        var isRunning: Bool { state != .waiting && state != .over }
    }

    /// How long a packer may take to say Hello, and between two signs of progress. Hashing a checkpoint gives no sign,
    /// so this is generous.
    package static let patience = Duration.seconds(120)

    private var jobs: [PackJobID: Job] = [:]
    /// Packers at a time.
    var limit: Int

    package init(limit: Int) { self.limit = max(1, limit) }

    /// When `timer` is due.
    package var deadline: Deadline { jobs.values.reduce(.never) { min($0, $1.deadline) } }

    // MARK: - Events

    /// - Parameter isCopy: whether a pack is to be copied to a node, instead of made.
    package mutating func request(_ id: PackJobID, isCopy: Bool = false, at now: Instant) -> [Action] {
        guard jobs[id] == nil else { return [] }
        jobs[id] = Job(isCopy: isCopy)
        return startWaiting(at: now)
    }

    /// Nobody wants the pack any more.
    package mutating func cancel(_ id: PackJobID, at now: Instant) -> [Action] {
        guard let job = jobs[id] else { return [] }
        if job.state == .waiting {
            jobs[id] = nil
            return []
        }
        guard job.state != .over else { return [] }
        return [.kill(id)] + release(id, at: now)
    }

    package mutating func hello(_ id: PackJobID, at now: Instant) -> [Action] {
        guard let job = jobs[id], job.state == .starting else { return violation(id, "a second Hello", at: now) }
        advance(id, to: job.isCopy ? .copying : .identifying, at: now)
        return [job.isCopy ? .sendCopy(id) : .sendPack(id)]
    }

    /// The packer has named the pack. `cachedBytes` is the size of the file of that key that is there.
    package mutating func identified(_ id: PackJobID, key: String, cachedBytes: UInt64?, at now: Instant) -> [Action] {
        guard jobs[id]?.state == .identifying else { return violation(id, "PackKey out of turn", at: now) }
        guard Self.isKey(key) else { return violation(id, "a pack key that is not a file name", at: now) }
        if let cachedBytes {
            finish(id)
            return [.kill(id), .finished(id, key: key, bytes: cachedBytes)]
        }
        if jobs.values.contains(where: { $0.state == .packing(key: key) }) {
            advance(id, to: .queued(key: key), at: now)
            jobs[id]?.deadline = .never
            return []
        }
        advance(id, to: .packing(key: key), at: now)
        return [.sendProceed(id)]
    }

    package mutating func progressed(_ id: PackJobID, at now: Instant) {
        guard jobs[id]?.isRunning == true else { return }
        jobs[id]?.deadline = .at(now + Self.patience)
    }

    /// The packer has written the whole pack.
    package mutating func packed(_ id: PackJobID, bytes: UInt64, at now: Instant) -> [Action] {
        switch jobs[id]?.state {
        case .packing(let key)?: [.store(id, key: key, bytes: bytes)]
        case .copying?: [.seal(id, bytes: bytes)]
        default: violation(id, "PackDone out of turn", at: now)
        }
    }

    /// The pack is in its place, or `error` says why it is not.
    package mutating func stored(_ id: PackJobID, bytes: UInt64, error: String?, at now: Instant) -> [Action] {
        guard let state = jobs[id]?.state else { return [] }
        switch state {
        case .packing, .copying:
            if let error { return [.kill(id)] + fail(id, .unavailable, error, at: now) }
        default: return []
        }
        finish(id)
        guard case .packing(let key) = state else { return [.kill(id), .copied(id)] }
        return [.kill(id), .finished(id, key: key, bytes: bytes)] + wake(key, cachedBytes: bytes, at: now)
    }

    /// The packer said why it is about to exit.
    package mutating func reported(_ id: PackJobID, _ kind: FailureKind, _ message: String) {
        jobs[id]?.failure = (kind, message)
    }

    /// There is no file for the packer to write.
    package mutating func refused(_ id: PackJobID, _ message: String, at now: Instant) -> [Action] {
        guard jobs[id]?.isRunning == true else { return [] }
        return [.kill(id)] + fail(id, .unavailable, message, at: now)
    }

    /// The packer did what the protocol does not allow.
    package mutating func violation(_ id: PackJobID, _ message: String, at now: Instant) -> [Action] {
        guard jobs[id]?.isRunning == true else { return [] }
        return [.kill(id)] + fail(id, .internal, "the packer broke the protocol: \(message)", at: now)
    }

    /// The packer's process is gone, or could not be started.
    package mutating func ended(_ id: PackJobID, _ end: ProcessEnd, description: String, at now: Instant) -> [Action] {
        guard let job = jobs[id], job.state != .waiting else { return [] }
        var actions: [Action] = []
        if job.isRunning {
            let isConfiguration =
                job.failure?.0 == .configuration || end == .exited(ProcessEnd.configurationExitCode)
            let message = job.failure?.1 ?? "the packer ended before the pack was made: \(description)"
            let isDamaged = job.isCopy && job.failure?.0 == .pack
            let code: StatusCode = isDamaged ? .dataLoss : isConfiguration ? .failedPrecondition : .unavailable
            actions = fail(id, code, message, at: now)
        }
        jobs[id] = nil
        return actions + startWaiting(at: now)
    }

    package mutating func timer(at now: Instant) -> [Action] {
        var actions: [Action] = []
        for id in jobs.keys.sorted() where jobs[id]?.deadline.isDue(at: now) == true {
            let message = "the packer made no progress for \(Self.patience.components.seconds) s"
            actions += [.kill(id)] + fail(id, .unavailable, message, at: now)
        }
        return actions
    }

    /// Whether a key is safe as a file name: letters, digits, `-`, `_` and `.`, not starting with `.`.
    package static func isKey(_ key: String) -> Bool {
        guard (1...200).contains(key.utf8.count), key.utf8.first != UInt8(ascii: ".") else { return false }
        return key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }
}

extension PackCoordinator {
    private mutating func advance(_ id: PackJobID, to state: State, at now: Instant) {
        jobs[id]?.state = state
        jobs[id]?.deadline = .at(now + Self.patience)
    }

    /// The job is answered; its place is free when its process has ended.
    private mutating func finish(_ id: PackJobID) {
        jobs[id]?.state = .over
        jobs[id]?.deadline = .never
    }

    private mutating func fail(_ id: PackJobID, _ code: StatusCode, _ message: String, at now: Instant) -> [Action] {
        [.failed(id, code, message)] + release(id, at: now)
    }

    /// Ends a job without a pack; whoever waited for the same pack goes on.
    private mutating func release(_ id: PackJobID, at now: Instant) -> [Action] {
        let state = jobs[id]?.state
        finish(id)
        guard case .packing(let key)? = state else { return [] }
        return wake(key, cachedBytes: nil, at: now)
    }

    /// One packer of a key is done with it: the others use its pack, or the first of them makes it.
    private mutating func wake(_ key: String, cachedBytes: UInt64?, at now: Instant) -> [Action] {
        var actions: [Action] = []
        for id in jobs.keys.sorted() {
            guard jobs[id]?.state == .queued(key: key) else { continue }
            guard let cachedBytes else {
                advance(id, to: .packing(key: key), at: now)
                return [.sendProceed(id)]
            }
            finish(id)
            actions += [.kill(id), .finished(id, key: key, bytes: cachedBytes)]
        }
        return actions
    }

    private mutating func startWaiting(at now: Instant) -> [Action] {
        var running = jobs.values.count { $0.state != .waiting }
        var actions: [Action] = []
        for id in jobs.keys.sorted() where jobs[id]?.state == .waiting && running < limit {
            running += 1
            advance(id, to: .starting, at: now)
            actions.append(.spawn(id))
        }
        return actions
    }
}
