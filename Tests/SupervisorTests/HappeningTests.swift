import Configuration
import Messages
import Supervisor
import Testing

/// What is told of each happening.
@Suite struct HappeningTests {
    @Test func everyHappeningHasALine() throws {
        let world = CoreWorld.serving()
        var (answer, process) = try (#require(world.answer), #require(world.worker))
        answer.request.trace = "00-1"
        process.generation = 3
        for kind in HappeningKind.allCases {
            let (happening, tells) = Self.sample(kind, answer, process)
            #expect(happening.kind == kind)
            let line = happening.line
            #expect(line.severity != .unknown, "\(kind)")
            #expect(line.message.contains(/^\S(.*[^ :.])?$/), "\(kind): '\(line.message)'")
            #expect(line.fields.allSatisfy { !$0.key.isEmpty && !$0.value.isEmpty }, "\(kind): \(line.fields)")
            let words = "\(line.message) \(line.fields)"
            for word in tells { #expect(words.contains(word), "\(kind): '\(word)' is not in \(words)") }
        }
    }

    @Test func aFailureOfTheServersMattersMoreThanOneOfTheClients() throws {
        var answer = try #require(CoreWorld.serving().answer)
        func severity(_ status: StatusCode, isSlow: Bool = false) -> Severity {
            (answer.status, answer.isSlow) = (status, isSlow)
            return Happening.answered(answer).line.severity
        }
        #expect(severity(.ok) == .trace && severity(.ok, isSlow: true) == .notice)
        #expect(severity(.invalidArgument) == .info && severity(.resourceExhausted) == .info)
        #expect(severity(.internal) == .warning && severity(.unavailable) == .warning)
    }

    /// What a client calls a request is one word of the line.
    @Test func aClientsNameIsOneWord() throws {
        var answer = try #require(CoreWorld.serving().answer)
        answer.request.id = "a pid=1 \"b\""
        answer.request.trace = String(repeating: "t", count: 128)
        let fields = Happening.answered(answer).line.fields
        #expect(fields["request"] == #""a pid=1 \"b\"""#)
        #expect(fields["trace"] == String(repeating: "t", count: 100))
    }

    /// One of each case, and words that are told of it.
    static func sample(_ kind: HappeningKind, _ answer: Answer, _ process: ProcessLabel) -> (
        Happening, tells: [String]
    ) {
        let model = "a@1:fp32"
        let ofProcess = [process.model ?? "none", "\"pid\": \"\(process.processID)\"", "slot", "generation"]
        let ofRequest = [answer.request.id, "00-1", "inference.v1.Inference/Embed", answer.request.model, "uid"]
        let caller = Caller(user: 1003, process: 17)
        let ofCaller = ["1003", "17"]
        switch kind {
        case .repositoryIsEmpty: return (.repositoryIsEmpty(path: "/r"), ["/r"])
        case .slotsPlanned: return (.slotsPlanned(warning: "too few CPUs"), ["too few CPUs"])
        case .started: return (.started(socket: "/s", repository: "/r", slots: "0-3"), ["/s", "/r", "0-3"])
        case .stopped: return (.stopped, [])
        case .slotsChanged: return (.slotsChanged("0-3"), ["0-3"])
        case .signal: return (.signal("SIGHUP", sender: 17), ["SIGHUP", "17"])
        case .acceptingPaused: return (.acceptingPaused(error: "EMFILE"), ["EMFILE"])
        case .logReopened: return (.logReopened(problem: "a folder"), ["a folder"])
        case .linesLeftOut:
            return (.linesLeftOut(.refused, .info, user: 1003, lines: 17), ["refused", "1003", "17"])
        case .serviceManagerNotTold: return (.serviceManagerNotTold(error: "ENOENT"), ["ENOENT"])
        case .workersDoNotEnd: return (.workersDoNotEnd, [])
        case .settingsChanged: return (.settingsChanged(waiting: ["cpus", "socket"]), ["cpus, socket"])
        case .settingsRefused: return (.settingsRefused("modeld.yaml:1"), ["modeld.yaml:1"])
        case .answered: return (.answered(answer), ofRequest + ["OK", "ms"])
        case .replayed: return (.replayed(answer.request, cause: "killed by SIGKILL"), ofRequest + ["SIGKILL"])
        case .quarantined: return (.quarantined(answer.request, cause: "killed by SIGABRT"), ofRequest + ["SIGABRT"])
        case .refused:
            return (
                .refused(.model, Refusal(.notFound, "no 'x'"), caller), ["no 'x'", "NOT_FOUND", "model"] + ofCaller
            )
        case .clientDoesNotRead: return (.clientDoesNotRead(caller), ofCaller)
        case .notServed:
            return (.notServed(SkippedEntry(path: "/r/x", reason: "a file", isSuspicious: true)), ["/r/x", "a file"])
        case .reload: return (.reload(model: "a", by: caller), ["\"model\": \"a\""] + ofCaller)
        case .ordered:
            return (.ordered(.drain, model: "a", by: caller), ["drain", "\"model\": \"a\""] + ofCaller)
        case .reloadRefused: return (.reloadRefused("why"), ["why"])
        case .serving: return (.serving(model: model, generation: 3, isAgain: true), [model, "3", "again"])
        case .unavailable: return (.unavailable(model: model, "why"), [model, "why"])
        case .notLoaded: return (.notLoaded(model: model, .aborted, "why"), [model, "ABORTED", "why"])
        case .replaced: return (.replaced(model: model), [model])
        case .moved: return (.moved(model: model), [model])
        case .kept: return (.kept(model: model, "why"), [model, "why"])
        case .unloaded: return (.unloaded(model: model), [model])
        case .notReplicated: return (.notReplicated(model: model, "no room"), [model, "no room"])
        case .packDamaged: return (.packDamaged(model: model), [model])
        case .packChanged: return (.packChanged(model: model), [model])
        case .packFileRemoved: return (.packFileRemoved(model: model), [model])
        case .packRemoved: return (.packRemoved(key: "k", bytes: 17), ["\"k\"", "17"])
        case .packStuck: return (.packStuck(key: "k"), ["\"k\""])
        case .processStarted: return (.processStarted(process, isPacker: true), ofProcess + ["packer"])
        case .processNotStarted: return (.processNotStarted(model: model, error: "EAGAIN"), [model, "EAGAIN"])
        case .workerWarning: return (.workerWarning(process, "not pinned"), ofProcess + ["not pinned"])
        case .proofFailed:
            return (.proofFailed(process, "avx2 gemm", instructionSet: "plain"), ofProcess + ["avx2 gemm", "plain"])
        case .workerReady: return (.workerReady(process, after: .milliseconds(17)), ofProcess + ["17"])
        case .protocolBroken: return (.protocolBroken(process, "why"), ofProcess + ["why"])
        case .workerStuck: return (.workerStuck(process, "why"), ofProcess + ["why"])
        case .workerEnded:
            let end = WorkerEnd(end: "exit 3", cause: "no disk (exit 3)", isExpected: false, peak: 0, batches: [])
            return (.workerEnded(process, end), ofProcess + ["died: no disk (exit 3)"])
        }
    }
}
