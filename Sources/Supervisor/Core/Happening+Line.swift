import Configuration
package import Messages
import Time

/// What is told of a happening. The log, `modelctl events` and the status have the same words for it.
package struct Line: Equatable, Sendable {
    package var severity: Severity
    package var message: String
    package var fields: [String: String]
}

extension Severity: Comparable {
    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Happening {
    /// What it is about, which is told with it.
    enum Subject {
        case server
        case request(RequestLabel)
        case caller(Caller)
        case model(String)
        case process(ProcessLabel)
    }

    var subject: Subject {
        switch self {
        case .answered(let answer): .request(answer.request)
        case .replayed(let request, _), .quarantined(let request, _): .request(request)
        case .refused(_, _, let caller), .clientDoesNotRead(let caller), .reload(_, let caller?),
            .ordered(_, _, let caller):
            .caller(caller)
        case .serving(let model, _, _), .unavailable(let model, _), .notLoaded(let model, _, _), .replaced(let model),
            .moved(let model), .kept(let model, _), .unloaded(let model), .packDamaged(let model),
            .packChanged(let model), .packFileRemoved(let model), .processNotStarted(let model, _),
            .notReplicated(let model, _):
            .model(model)
        case .processStarted(let process, _), .workerWarning(let process, _), .proofFailed(let process, _, _),
            .workerReady(let process, _), .protocolBroken(let process, _), .workerStuck(let process, _),
            .workerEnded(let process, _):
            .process(process)
        default: .server
        }
    }

    package var line: Line {
        let (severity, message, fields): (Severity, String, [String: String]) =
            switch self {
            case .repositoryIsEmpty(let path): (.warning, "the model repository is empty", ["path": path])
            case .slotsPlanned(let warning): (.warning, warning, [:])
            case .started(let socket, let repository, let slots):
                (.info, "serving", ["socket": socket, "repository": repository, "slots": slots])
            case .stopped: (.info, "stopped", [:])
            case .slotsChanged(let slots): (.notice, "the CPUs are others", ["slots": slots])
            case .signal(let signal, let sender): (.notice, "signal", ["signal": signal, "sender": "\(sender)"])
            case .acceptingPaused(let error): (.warning, "accepting is paused", ["error": error])
            case .logReopened(nil): (.info, "the log begins a new file", [:])
            case .logReopened(let problem?): (.error, "the log goes on where it was: \(problem)", [:])
            case .linesLeftOut(let kind, let severity, let user, let lines):
                (
                    severity, "lines were left out",
                    ["kind": kind.rawValue, "lines": "\(lines)"].merging(uid(user)) { told, _ in told }
                )
            case .serviceManagerNotTold(let error):
                (.warning, "the service manager cannot be told", ["error": error])
            case .workersDoNotEnd: (.warning, "workers do not end; killing them", [:])
            case .settingsChanged([]): (.info, "the settings were read again", [:])
            case .settingsChanged(let waiting):
                (.warning, "a change of these settings needs a restart", ["keys": waiting.joined(separator: ", ")])
            case .settingsRefused(let reason): (.error, "the settings stay as they were: \(reason)", [:])
            case .answered(let answer):
                (
                    answer.status.severity(isSlow: answer.isSlow),
                    answer.status == .ok
                        ? (answer.isSlow ? "slow request" : "request")
                        : "request failed" + (answer.reason.map { ": \($0)" } ?? ""),
                    ["code": answer.status.name, "ms": "\(answer.after.milliseconds)"]
                )
            case .replayed(_, let cause): (.notice, "request is computed again: \(cause)", [:])
            case .quarantined(_, let cause):
                (.warning, "request has ended two workers, and is refused when it comes again: \(cause)", [:])
            case .refused(let what, let refusal, _):
                (
                    refusal.code.severity(), "refused: \(refusal.message)",
                    ["code": refusal.code.name, "what": what.rawValue]
                )
            case .clientDoesNotRead: (.warning, "a client does not read its answers", [:])
            case .notServed(let entry):
                (entry.isSuspicious ? .warning : .info, "not served: \(entry.reason)", ["path": entry.path])
            case .reload(let model, _): (.info, "reload", ["model": model])
            case .ordered(let order, let model, _): (.notice, order.rawValue, ["model": model])
            case .reloadRefused(let reason): (.error, "reload: \(reason)", [:])
            case .serving(_, let generation, let isAgain):
                (.info, isAgain ? "serving again" : "serving", ["generation": "\(generation)"])
            case .unavailable(_, let reason): (.warning, "unavailable: \(reason)", [:])
            case .notLoaded(_, let code, let reason): (.error, "not loaded: \(reason)", ["code": code.name])
            case .replaced: (.info, "others answer in its place", [:])
            case .moved: (.info, "its workers move to other slots", [:])
            case .kept(_, let reason): (.warning, "kept: \(reason)", [:])
            case .unloaded: (.info, "unloaded", [:])
            case .notReplicated(_, let reason):
                (.warning, "all nodes share one copy of the weights: \(reason)", [:])
            case .packDamaged: (.warning, "a damaged pack is made again", [:])
            case .packChanged: (.warning, "its pack was changed while it was in use; other workers verify it", [:])
            case .packFileRemoved: (.warning, "the file of a pack was removed; it is made again", [:])
            case .packRemoved(let key, let bytes): (.info, "a pack was removed", ["key": key, "bytes": "\(bytes)"])
            case .packStuck(let key): (.error, "a pack cannot be removed", ["key": key])
            case .processStarted(_, let isPacker): (.info, isPacker ? "packer started" : "worker started", [:])
            case .processNotStarted(_, let error): (.error, "a worker cannot be started", ["error": error])
            case .workerWarning(_, let warning): (.warning, "worker: \(warning)", [:])
            case .proofFailed(_, let proof, let set):
                (.error, "this CPU computes wrongly: \(proof); the worker uses \(set) instead", [:])
            case .workerReady(_, let time): (.info, "worker ready", ["load_ms": "\(time.milliseconds)"])
            case .protocolBroken(_, let reason): (.error, "worker breaks the protocol: \(reason)", [:])
            case .workerStuck(_, let reason): (.error, "worker is stuck: \(reason)", [:])
            case .workerEnded(_, let end) where end.isExpected: (.info, "worker ended: \(end.cause)", [:])
            case .workerEnded(_, let end): (.warning, "worker died: \(end.cause)", [:])
            }
        return Line(severity: severity, message: message, fields: fields.merging(subject.fields) { told, _ in told })
    }
}

private func uid(_ user: UInt32?) -> [String: String] { user.map { ["uid": "\($0)"] } ?? [:] }

extension Happening.Subject {
    /// The model's reference.
    var model: String? {
        switch self {
        case .server, .caller: nil
        case .request(let request): request.model
        case .model(let model): model
        case .process(let process): process.model
        }
    }

    fileprivate var fields: [String: String] {
        var fields: [String: String] = [:]
        fields["model"] = model
        switch self {
        case .server, .model: break
        case .request(let request):
            fields["request"] = Self.oneWord(request.id)
            if !request.trace.isEmpty { fields["trace"] = Self.oneWord(request.trace) }
            fields["method"] = request.method
            fields["uid"] = "\(request.user)"
        case .caller(let caller):
            fields["pid"] = "\(caller.process)"
            fields["uid"] = "\(caller.user)"
        case .process(let process):
            fields["pid"] = "\(process.processID)"
            fields["slot"] = "\(process.slot)"
            fields["generation"] = process.generation.map { "\($0)" }
        }
        return fields
    }

    /// A client's word, quoted where it could be taken for other fields of the line.
    private static func oneWord(_ text: String) -> String {
        let start = String(text.prefix(100))
        return start.contains { " =\"".contains($0) } ? start.debugDescription : start
    }
}

extension StatusCode {
    /// How much a request with this answer matters: more, when it might have been answered had all gone well here.
    fileprivate func severity(isSlow: Bool = false) -> Severity {
        switch self {
        case .ok: isSlow ? .notice : .trace
        case .internal, .unknown, .dataLoss, .failedPrecondition, .unavailable: .warning
        default: .info
        }
    }
}
