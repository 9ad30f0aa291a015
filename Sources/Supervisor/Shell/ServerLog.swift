import Configuration
import LinuxSystem
import Logging
import Messages
import Time

/// The log: a line for what happens.
struct ServerLog {
    var logger: Logger
    /// What of the repository is not served has been said already; each thing is said once.
    private var told: Set<SkippedEntry> = []
    /// Lines about requests, of each level, in the second that began then, and how many there were too many.
    private var requests: [Logger.Level: (since: Instant, lines: Int, untold: Int)] = [:]
    private static let requestsPerSecond = 20

    init(_ logger: Logger) { self.logger = logger }

    mutating func report(_ happening: Happening) {
        // Most happenings are this one, and hardly ever told.
        if case .answered(_, .ok, _, _, isSlow: false) = happening, logger.logLevel > .trace { return }
        var (level, message, metadata) = Self.line(happening)
        guard level >= logger.logLevel else { return }
        switch happening {
        case .notServed(let entry) where !told.insert(entry).inserted: return
        case .answered, .replayed:
            guard let untold = tellRequest(level, at: MonotonicClock.now) else { return }
            if untold > 0 { metadata["untold"] = "\(untold)" }
        case .stopped:
            for (level, left) in requests where left.untold > 0 {
                logger.log(level: level, "lines about requests were left out", metadata: ["untold": "\(left.untold)"])
            }
        default: break
        }
        logger.log(level: level, "\(message)", metadata: metadata.mapValues { .string($0) })
    }

    func tell(_ counters: Counters) {
        for line in counters.lines { logger.debug("\(line)") }
    }

    /// Whether one more line about a request may be written: how many were not, before it.
    private mutating func tellRequest(_ level: Logger.Level, at now: Instant) -> Int? {
        var told = requests[level] ?? (now, 0, 0)
        defer { requests[level] = told }
        if now - told.since >= .seconds(1) { (told.since, told.lines) = (now, 0) }
        guard told.lines < Self.requestsPerSecond else {
            told.untold += 1
            return nil
        }
        let untold = told.untold
        (told.lines, told.untold) = (told.lines + 1, 0)
        return untold
    }

    private static func line(_ happening: Happening) -> (Logger.Level, String, [String: String]) {
        switch happening {
        case .settingsChanged(let waiting) where waiting.isEmpty: (.info, "the settings were read again", [:])
        case .settingsChanged(let waiting):
            (.warning, "a change of these settings needs a restart", ["keys": waiting.joined(separator: ", ")])
        case .settingsRefused(let reason): (.error, "the settings stay as they were: \(reason)", [:])
        case .answered(let request, let code, let reason, let time, let isSlow):
            (
                code == .ok ? (isSlow ? .notice : .trace) : code.isServersFault ? .warning : .info,
                code == .ok
                    ? (isSlow ? "slow request" : "request")
                    : reason.map { "request failed: \($0)" } ?? "request failed",
                request.metadata(["code": code.name, "ms": "\(time.milliseconds)"])
            )
        case .replayed(let request, let cause):
            (.notice, "request is computed again: \(cause)", request.metadata([:]))
        case .repositoryIsEmpty(let path): (.warning, "the model repository is empty", ["path": path])
        case .slotsPlanned(let warning): (.warning, warning, [:])
        case .started(let socket, let repository, let slots):
            (.info, "serving", ["socket": socket, "repository": repository, "slots": slots])
        case .slotsChanged(let slots): (.notice, "the CPUs are others", ["slots": slots])
        case .stopped: (.info, "stopped", [:])
        case .signal(let signal, let sender): (.notice, "signal", ["signal": signal, "sender": "\(sender)"])
        case .acceptingPaused(let error): (.warning, "accepting is paused", ["error": error])
        case .workersDoNotEnd: (.warning, "workers do not end; killing them", [:])
        case .clientDoesNotRead(let process): (.warning, "a client does not read its answers", ["pid": "\(process)"])
        case .notServed(let entry):
            (entry.isSuspicious ? .warning : .info, "not served: \(entry.reason)", ["path": entry.path])
        case .reload(let model): (.info, "reload", ["model": model])
        case .reloadRefused(let reason): (.error, "reload: \(reason)", [:])
        case .serving(let model, let generation): (.info, "serving", ["model": model, "generation": "\(generation)"])
        case .unavailable(let model, let reason): (.warning, "unavailable: \(reason)", ["model": model])
        case .notLoaded(let model, let code, let reason):
            (.error, "not loaded: \(reason)", ["model": model, "code": code.name])
        case .moved(let model): (.info, "its workers move to other slots", ["model": model])
        case .replaced(let model): (.info, "others answer in its place", ["model": model])
        case .kept(let model, let reason): (.warning, "kept: \(reason)", ["model": model])
        case .unloaded(let model): (.info, "unloaded", ["model": model])
        case .packDamaged(let model): (.warning, "a damaged pack is made again", ["model": model])
        case .packFileRemoved(let model):
            (.warning, "the file of a pack was removed; it is made again", ["model": model])
        case .packRemoved(let key, let bytes): (.info, "a pack was removed", ["key": key, "bytes": "\(bytes)"])
        case .packStuck(let key): (.error, "a pack cannot be removed", ["key": key])
        case .processStarted(let process, let isPacker):
            (.info, isPacker ? "packer started" : "worker started", process.metadata)
        case .processNotStarted(let model, let error):
            (.error, "a worker cannot be started", ["model": model, "error": error])
        case .workerWarning(let process, let warning): (.warning, "worker: \(warning)", process.metadata)
        case .proofFailed(let process, let proof, let set):
            (.error, "this CPU computes wrongly: \(proof); the worker uses \(set) instead", process.metadata)
        case .workerReady(let process, let time):
            (.info, "worker ready", process.metadata(["load_ms": "\(time.milliseconds)"]))
        case .protocolBroken(let process, let reason):
            (.error, "worker breaks the protocol: \(reason)", process.metadata)
        case .workerStuck(let process, let reason): (.error, "worker is stuck: \(reason)", process.metadata)
        case .workerEnded(let process, let cause, let isExpected):
            (
                isExpected ? .info : .warning, isExpected ? "worker ended" : "worker died",
                process.metadata(["end": cause])
            )
        }
    }
}

extension StatusCode {
    /// Whether the request might have been answered, had all gone well here.
    fileprivate var isServersFault: Bool {
        switch self {
        case .internal, .unknown, .dataLoss, .failedPrecondition, .unavailable: true
        default: false
        }
    }
}

extension RequestLabel {
    fileprivate func metadata(_ more: [String: String]) -> [String: String] {
        var result = more
        result["request"] = Self.oneWord(id)
        if !trace.isEmpty { result["trace"] = Self.oneWord(trace) }
        result["method"] = method
        result["model"] = model
        return result
    }

    /// A client's word, quoted where it could be taken for other fields of the line.
    private static func oneWord(_ text: String) -> String {
        let start = String(text.prefix(100))
        return start.contains { " =\"".contains($0) } ? start.debugDescription : start
    }
}

extension ProcessLabel {
    fileprivate var metadata: [String: String] { metadata([:]) }

    fileprivate func metadata(_ more: [String: String]) -> [String: String] {
        var result = more
        result["pid"] = "\(processID)"
        result["slot"] = "\(slot)"
        result["model"] = model
        result["generation"] = generation.map { "\($0)" }
        return result
    }
}
