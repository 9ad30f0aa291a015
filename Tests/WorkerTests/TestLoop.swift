import Foundation
import Messages
import Time
import Worker

/// A worker's loop in the thread of the test, with a scripted engine and a clock that stands still unless it is moved. The
/// supervisor's frames are there before it runs, or are sent by the engine's steps.
final class TestLoop {
    let supervisor: SupervisorEnd
    let engine = ScriptedEngine()
    var now = Instant.start + .seconds(1000)
    private(set) var log: [String] = []
    var slow: Duration? = .seconds(10)

    init() throws { supervisor = try SupervisorEnd() }

    /// The worker's end, to be used once.
    func channel() throws -> Channel {
        try Channel(descriptor: supervisor.workersDescriptor, clock: { [unowned self] in now })
    }

    /// Serves these frames and then what the steps send, until the loop ends: drained, by default.
    ///
    /// - Returns: the frames that came and were not read in a step.
    func run(_ frames: ToWorker..., drains: Bool = true) throws -> [FromWorker] {
        for frame in frames { try supervisor.send(frame) }
        if drains { try supervisor.send(.drain(ToWorker.Drain())) }
        var server = WorkerServer(engine, try channel(), slow: slow) { [unowned self] in
            log.append($0)
        }
        let limit = limit()
        defer {
            limit.cancel()
            engine.forget()
        }
        try server.run()
        return try supervisor.arrived()
    }

    /// Lets the supervisor go after 20 seconds, unless it is cancelled before, so that nothing waits for it longer.
    func limit() -> DispatchWorkItem {
        let end = DispatchWorkItem { [descriptor = supervisor.workersDescriptor] in
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
        DispatchQueue.global().asyncAfter(deadline: .now() + 20, execute: end)
        return end
    }
}

// MARK: - Frames

func prepare(_ id: UInt64, _ text: String, deadline: Deadline = .never) -> ToWorker {
    .prepare(
        ToWorker.Prepare(
            requestID: id,
            payload: Array(text.utf8),
            deadlineNanoseconds: deadline.nanoseconds,
            name: "r-\(id)",
            traceparent: "00-7-1-01"
        )
    )
}

func start(_ batch: UInt64, _ ids: UInt64...) -> ToWorker {
    .start(ToWorker.Start(batchID: batch, requestIDs: ids))
}

func revoke(_ id: UInt64) -> ToWorker { .revoke(ToWorker.Revoke(requestID: id)) }

func prepared(_ id: UInt64, tokens: UInt32) -> FromWorker {
    .prepared(FromWorker.Prepared(requestID: id, tokens: tokens, sequences: 1))
}

func result(
    _ id: UInt64,
    _ answer: String,
    tokenized: UInt64 = 0,
    computed: UInt64 = 0,
    tokens: UInt32,
    requests: UInt32 = 1
) -> FromWorker {
    .result(
        FromWorker.Result(
            requestID: id,
            payload: Array(answer.utf8),
            tokenizationMicroseconds: tokenized,
            computeMicroseconds: computed,
            batchTokens: tokens,
            batchRequests: requests
        )
    )
}

func done(_ batch: UInt64, tokens: UInt32, computed: UInt64 = 0) -> FromWorker {
    .batchDone(FromWorker.BatchDone(batchID: batch, tokens: tokens, computeMicroseconds: computed))
}

/// The status and message of a result.
func refusal(_ frame: FromWorker?) -> String? {
    guard case .result(let result)? = frame else { return nil }
    return "\(result.status): \(result.message)"
}
