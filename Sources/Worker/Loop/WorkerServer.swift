import Messages
import Time
import Wire

/// The serving life of a worker: requests are prepared (tokenised) as they come, batches computed in the order of their
/// Start frames, one at a time. Who waits for a request is looked at before and while it is prepared, and while it is computed.
package struct WorkerServer<Served: Engine>: ~Copyable {
    private let engine: Served
    private var channel: Channel
    private let slow: Duration?
    private let log: (String) -> Void
    private var prepared: [UInt64: Prepared] = [:]
    private var batches: [ToWorker.Start] = []
    private var draining = false
    /// What arrived while a request was prepared, and waits for its turn.
    private var inbox: [ToWorker] = []
    /// The request that is being prepared, unless it was revoked.
    private var preparing: UInt64?

    /// While a request is prepared or a step computes, the channel is looked at no more often than this.
    private static var lookInterval: Duration { .microseconds(200) }

    private struct Prepared {
        let names: RequestNames
        let work: Served.Batch.Work
        let tokens: Int
        let deadline: Deadline
        let tokenizationMicroseconds: UInt64
    }

    /// - Parameters:
    ///   - slow: a request that takes longer to prepare, or a batch to compute, is logged; nil: none is.
    ///   - log: takes a line for people.
    package init(
        _ engine: Served,
        _ channel: consuming Channel,
        slow: Duration? = nil,
        log: @escaping (String) -> Void
    ) {
        self.engine = engine
        self.channel = channel
        self.slow = slow
        self.log = log
    }

    /// Serves until drained. Throws `Channel.Closed` when the supervisor is gone.
    package mutating func run() throws {
        while true {
            while let frame = try next() {
                try handle(frame)
                try channel.sign()
            }
            if !batches.isEmpty {
                let batch = batches.removeFirst()
                // What a lone request has to say leaves with its result, in one write.
                if prepared.count > batch.requestIDs.count { try channel.flush() }
                try compute(batch)
            } else {
                try channel.flush()
                if draining { return }
                try handle(try channel.receive())
            }
        }
    }

    private mutating func next() throws -> ToWorker? {
        inbox.isEmpty ? try channel.poll() : inbox.removeFirst()
    }

    private mutating func handle(_ frame: ToWorker) throws {
        switch frame {
        case .prepare(let request): try prepare(request)
        case .start(let batch): batches.append(batch)
        case .revoke(let request): revoke(request.requestID)
        case .drain: draining = true
        default: throw WireError(.malformed, "unexpected frame from the supervisor")
        }
    }

    private mutating func revoke(_ id: UInt64) {
        prepared[id] = nil
        if preparing == id { preparing = nil }
        inbox.removeAll { if case .prepare(let request) = $0 { request.requestID == id } else { false } }
    }

    /// Reads what has arrived: what means less work takes effect, and the rest waits.
    private mutating func readAhead() throws {
        while let frame = try channel.poll() {
            switch frame {
            case .revoke, .drain: try handle(frame)
            default: inbox.append(frame)
            }
        }
    }

    /// Tokenises, as long as somebody waits for it; what needs no computing, or cannot be computed, is answered at once.
    private mutating func prepare(_ request: ToWorker.Prepare) throws {
        let (names, start, engine) = (RequestNames(request), channel.now, self.engine)
        let deadline = Deadline(nanoseconds: request.deadlineNanoseconds)
        let late = RequestFailure(.deadlineExceeded, "the deadline passed before the request was tokenised")
        preparing = names.number
        defer { preparing = nil }
        try readAhead()
        guard preparing != nil else { return }
        guard !deadline.isDue(at: start) else { return try answer(names, .failure(late)) }
        var (closed, looked): ((any Error)?, Instant) = (nil, start)
        let preparation = Result { () throws(RequestFailure) in
            try engine.prepare(request) {
                let now = channel.now
                if closed == nil, now - looked >= Self.lookInterval {
                    looked = now
                    do {
                        try readAhead()
                        try channel.sign()
                    } catch {
                        closed = error
                    }
                }
                return closed == nil && preparing != nil && !deadline.isDue(at: now)
            }
        }
        if let closed { throw closed }
        guard preparing != nil else { return }
        let elapsed = channel.now - start
        if let slow, elapsed >= slow { log("\(names): preparing it took \(elapsed.milliseconds) ms") }
        switch preparation {
        case _ where deadline.isDue(at: start + elapsed): try answer(names, .failure(late))
        case .success(.work(let work, let tokens, let sequences)):
            prepared[names.number] = Prepared(
                names: names,
                work: work,
                tokens: tokens,
                deadline: deadline,
                tokenizationMicroseconds: elapsed.microseconds
            )
            try channel.queue(
                .prepared(
                    FromWorker.Prepared(
                        requestID: names.number,
                        tokens: UInt32(clamping: tokens),
                        sequences: UInt32(clamping: sequences)
                    )
                )
            )
        case .success(.answered(let response)):
            let timings = FromWorker.Result(tokenizationMicroseconds: elapsed.microseconds)
            try answer(names, .success(response), timings)
        case .failure(let failure): try answer(names, .failure(failure))
        }
    }

    /// Queues the answer to a request; one that is beyond the frame cap becomes an error that says so.
    private mutating func answer(
        _ names: RequestNames,
        _ response: Result<[UInt8], RequestFailure>,
        _ timings: FromWorker.Result = FromWorker.Result()
    ) throws {
        var result = timings
        result.requestID = names.number
        switch response {
        case .success(let payload): result.payload = payload
        case .failure(let failure):
            (result.status, result.message) = (failure.status, failure.message)
            if failure.status == .internal { log("\(names): \(failure.message)") }
        }
        do throws(WireError) {
            try channel.queue(.result(result))
        } catch {
            let message = "the answer does not fit a frame: \(error.message); send fewer texts at once"
            try channel.queue(
                .result(FromWorker.Result(requestID: names.number, status: .outOfRange, message: message))
            )
        }
    }

    /// Computes a batch and answers its requests, each as soon as its last sequence is done. Requests that were revoked or
    /// are late by then are left out.
    private mutating func compute(_ start: ToWorker.Start) throws {
        let begin = channel.now
        var batch = engine.makeBatch()
        var (tokens, requests) = (0, 0)
        for id in start.requestIDs {
            guard let request = prepared[id] else { continue }
            if request.deadline.isDue(at: begin) {
                prepared[id] = nil
                let failure = RequestFailure(.deadlineExceeded, "the deadline passed before the batch began")
                try answer(request.names, .failure(failure))
            } else {
                batch.add(request.work, id: id)
                tokens += request.tokens
                requests += 1
            }
        }
        var timings = FromWorker.Result(batchTokens: UInt32(clamping: tokens), batchRequests: UInt32(requests))
        while let answers = try step(&batch) {
            let elapsed = channel.now - begin
            timings.computeMicroseconds = elapsed.microseconds
            for (id, response) in answers {
                guard let request = prepared.removeValue(forKey: id) else { continue }
                if let slow, elapsed >= slow {
                    log("\(request.names): \(tokens) tokens were computed for \(elapsed.milliseconds) ms")
                }
                timings.tokenizationMicroseconds = request.tokenizationMicroseconds
                try answer(request.names, response, timings)
            }
            if batch.hasMore { try channel.flush() }
        }
        for id in start.requestIDs {
            guard let request = prepared.removeValue(forKey: id) else { continue }
            try answer(request.names, .failure(RequestFailure(.internal, "the request was not answered")))
        }
        try channel.send(
            .batchDone(
                FromWorker.BatchDone(
                    batchID: start.batchID,
                    tokens: UInt32(clamping: tokens),
                    computeMicroseconds: (channel.now - begin).microseconds
                )
            )
        )
    }

    /// One step. Between its pieces the channel is served, and the supervisor is told that it goes on; it stops when none of
    /// its requests is wanted any more.
    private mutating func step(_ batch: inout Served.Batch) throws -> [EngineAnswer]? {
        var closed: (any Error)?
        var looked = channel.now
        let answers = batch.step(isWanted: { prepared[$0] != nil }) { requests in
            let now = channel.now
            guard closed == nil, now - looked >= Self.lookInterval else { return closed == nil }
            looked = now
            do {
                while let frame = try next() {
                    try handle(frame)
                    try channel.flush()
                }
                try channel.sign()
            } catch {
                closed = error
                return false
            }
            return requests.contains { prepared[$0] != nil }
        }
        if let closed { throw closed }
        return answers
    }
}
