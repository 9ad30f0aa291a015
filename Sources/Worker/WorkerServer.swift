import LinuxSystem
import Messages
import Tasks
import Wire

/// The serving life of a worker: requests are prepared (tokenised) as they come, batches computed in the order of their
/// Start frames, one at a time.
struct WorkerServer: ~Copyable {
    private let model: Model
    private let maxStepTokens: Int
    private var prepared: [UInt64: Prepared] = [:]
    private var batches: [ToWorker.Start] = []
    private var draining = false

    /// While a step computes, the channel is looked at no more often than this.
    private static let lookNanoseconds: Int64 = 200_000

    private struct Prepared {
        let task: PreparedTask
        let deadline: Int64
        let tokenizationNanoseconds: Int64
    }

    init(model: Model, maxStepTokens: Int) {
        self.model = model
        self.maxStepTokens = maxStepTokens
    }

    /// Serves until drained. Throws `Channel.Closed` when the supervisor is gone.
    mutating func run(_ channel: inout Channel) throws {
        while true {
            while let frame = try channel.poll() {
                try handle(frame, &channel)
                try channel.sign()
            }
            if !batches.isEmpty {
                let batch = batches.removeFirst()
                // What a lone request has to say leaves with its result, in one write.
                if prepared.count > batch.requestIDs.count { try channel.flush() }
                try compute(batch, &channel)
            } else if draining {
                return try channel.flush()
            } else {
                try channel.flush()
                try handle(try channel.receive(), &channel)
            }
        }
    }

    private mutating func handle(_ frame: ToWorker, _ channel: inout Channel) throws {
        switch frame {
        case .prepare(let request): try prepare(request, &channel)
        case .start(let batch): batches.append(batch)
        case .revoke(let request): prepared[request.requestID] = nil
        case .drain: draining = true
        default: throw WireError(.malformed, "unexpected frame from the supervisor")
        }
    }

    /// Tokenises; what needs no computing, or cannot be computed, is answered at once.
    private mutating func prepare(_ request: ToWorker.Prepare, _ channel: inout Channel) throws {
        let start = MonotonicClock.now
        var result = FromWorker.Result(requestID: request.requestID)
        do {
            let task = try model.prepare(try decode(request))
            let elapsed = MonotonicClock.now - start
            if let immediate = task.immediate {
                result.payload = immediate.encode()
                result.tokenizationMicroseconds = UInt64(elapsed / 1_000)
            } else {
                prepared[request.requestID] = Prepared(
                    task: task,
                    deadline: request.deadlineNanoseconds,
                    tokenizationNanoseconds: elapsed
                )
                try channel.queue(
                    .prepared(
                        FromWorker.Prepared(
                            requestID: request.requestID,
                            tokens: UInt32(clamping: task.tokens),
                            sequences: UInt32(task.sequences.count)
                        )
                    )
                )
                return
            }
        } catch let error as Channel.Closed {
            throw error
        } catch {
            (result.status, result.message) = describe(error)
        }
        try queue(result, &channel)
    }

    private func decode(_ request: ToWorker.Prepare) throws -> InferenceRequest {
        guard let method = InferenceMethod(rawValue: request.method) else {
            throw TaskError(.unsupported, "the method \(request.method) is unknown to this worker")
        }
        return try InferenceRequest.decode(method, request.payload)
    }

    /// The status and message of a request that failed.
    private func describe(_ error: any Error) -> (StatusCode, String) {
        switch error {
        case let error as WireError: return (error.status, error.message)
        case let error as TaskError:
            switch error.kind {
            case .invalidArgument: return (.invalidArgument, error.message)
            case .unsupported: return (.unimplemented, error.message)
            case .internal: return (.internal, error.message)
            }
        default: return (.internal, "\(error)")
        }
    }

    /// Answers a request; an answer beyond the frame cap becomes an error that says so.
    private func queue(_ result: FromWorker.Result, _ channel: inout Channel) throws {
        do throws(WireError) {
            try channel.queue(.result(result))
        } catch {
            try channel.queue(
                .result(
                    FromWorker.Result(
                        requestID: result.requestID,
                        status: error.status,
                        message: "the answer does not fit a frame: \(error.message); send fewer texts at once"
                    )
                )
            )
        }
    }

    /// Computes a batch and answers its requests, each as soon as its last sequence is done. Requests that were revoked or
    /// are late by then are left out.
    private mutating func compute(_ batch: ToWorker.Start, _ channel: inout Channel) throws {
        let start = MonotonicClock.now
        var run = BatchRun(model: model, maxStepTokens: maxStepTokens)
        for id in batch.requestIDs {
            guard let request = prepared[id] else { continue }
            if request.deadline != 0 && request.deadline <= start {
                prepared[id] = nil
                try channel.queue(
                    .result(
                        FromWorker.Result(
                            requestID: id,
                            status: .deadlineExceeded,
                            message: "the deadline passed before the batch began"
                        )
                    )
                )
            } else {
                run.add(request.task, id: id)
            }
        }
        let (tokens, requests) = (run.tokens, run.requests)
        while let step = run.nextStep(keep: { prepared[$0] != nil }) {
            let done = try compute(step, of: &run, &channel)
            let elapsed = MonotonicClock.now - start
            for (id, outcome) in done {
                guard let request = prepared.removeValue(forKey: id) else { continue }
                var result = FromWorker.Result(
                    requestID: id,
                    tokenizationMicroseconds: UInt64(request.tokenizationNanoseconds / 1_000),
                    computeMicroseconds: UInt64(elapsed / 1_000),
                    batchTokens: UInt32(clamping: tokens),
                    batchRequests: UInt32(requests)
                )
                switch outcome {
                case .success(let answer): result.payload = answer.encode()
                case .failure(let error): (result.status, result.message) = describe(error)
                }
                try queue(result, &channel)
            }
            if run.hasMore { try channel.flush() }
        }
        try channel.queue(
            .batchDone(
                FromWorker.BatchDone(
                    batchID: batch.batchID,
                    tokens: UInt32(clamping: tokens),
                    computeMicroseconds: UInt64((MonotonicClock.now - start) / 1_000)
                )
            )
        )
        try channel.flush()
    }

    /// One forward pass. Between layers the channel is served, and the supervisor is told that it goes on; the pass stops
    /// when none of its requests is wanted any more.
    private mutating func compute(
        _ step: BatchRun.Step,
        of run: inout BatchRun,
        _ channel: inout Channel
    ) throws -> [(UInt64, Result<InferenceResponse, TaskError>)] {
        var failure: (any Error)?
        var looked = MonotonicClock.now
        let done = run.perform(step) {
            let now = MonotonicClock.now
            guard now - looked >= Self.lookNanoseconds else { return true }
            looked = now
            do {
                while let frame = try channel.poll() {
                    try handle(frame, &channel)
                    try channel.flush()
                }
                try channel.sign()
            } catch {
                failure = error
                return false
            }
            return step.requests.contains { prepared[$0] != nil }
        }
        if let failure { throw failure }
        return done
    }
}
