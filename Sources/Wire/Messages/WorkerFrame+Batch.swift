package import CWireMessages

extension WorkerFrame {
    /// Decode and tokenise one request; do not compute it. A request that cannot be computed is answered with a Result.
    package struct Prepare: Sendable, Equatable {
        /// The supervisor's own.
        package var requestID: UInt64
        package var method: String
        package var payload: [UInt8]
        /// CLOCK_MONOTONIC; 0: none.
        package var deadlineNanoseconds: Int64

        package init(
            requestID: UInt64 = 0,
            method: String = "",
            payload: [UInt8] = [],
            deadlineNanoseconds: Int64 = 0
        ) {
            self.requestID = requestID
            self.method = method
            self.payload = payload
            self.deadlineNanoseconds = deadlineNanoseconds
        }
    }
}

extension WorkerFrame.Prepare: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Prepare>) {
        worker__v1__prepare__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Prepare, _ arena: inout EncodingArena) {
        structure.request_id = requestID
        structure.method = arena.text(method)
        structure.payload = arena.bytes(payload)
        structure.deadline_nanoseconds = deadlineNanoseconds
    }

    package init(_ structure: Worker__V1__Prepare) throws(WireError) {
        self.init(
            requestID: structure.request_id,
            method: try decodeText(structure.method, "method"),
            payload: decodeBytes(structure.payload),
            deadlineNanoseconds: structure.deadline_nanoseconds
        )
    }
}

extension WorkerFrame {
    package struct Prepared: Sendable, Equatable {
        package var requestID: UInt64
        package var tokens: UInt32
        package var sequences: UInt32

        package init(
            requestID: UInt64 = 0,
            tokens: UInt32 = 0,
            sequences: UInt32 = 0
        ) {
            self.requestID = requestID
            self.tokens = tokens
            self.sequences = sequences
        }
    }
}

extension WorkerFrame.Prepared: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Prepared>) {
        worker__v1__prepared__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Prepared, _ arena: inout EncodingArena) {
        structure.request_id = requestID
        structure.tokens = tokens
        structure.sequences = sequences
    }

    package init(_ structure: Worker__V1__Prepared) throws(WireError) {
        self.init(
            requestID: structure.request_id,
            tokens: structure.tokens,
            sequences: structure.sequences
        )
    }
}

extension WorkerFrame {
    /// Compute these prepared requests together; behind the batch that computes now, if any.
    package struct Start: Sendable, Equatable {
        package var batchID: UInt64
        package var requestIDs: [UInt64]

        package init(
            batchID: UInt64 = 0,
            requestIDs: [UInt64] = []
        ) {
            self.batchID = batchID
            self.requestIDs = requestIDs
        }
    }
}

extension WorkerFrame.Start: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Start>) {
        worker__v1__start__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Start, _ arena: inout EncodingArena) {
        structure.batch_id = batchID
        (structure.n_request_ids, structure.request_ids) = arena.numbers(requestIDs)
    }

    package init(_ structure: Worker__V1__Start) throws(WireError) {
        self.init(
            batchID: structure.batch_id,
            requestIDs: decodeNumbers(structure.n_request_ids, structure.request_ids)
        )
    }
}

extension WorkerFrame {
    /// Forget this request. If it computes, it stops at the next step; no Result follows once the worker has seen this.
    package struct Revoke: Sendable, Equatable {
        package var requestID: UInt64

        package init(requestID: UInt64 = 0) {
            self.requestID = requestID
        }
    }
}

extension WorkerFrame.Revoke: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Revoke>) {
        worker__v1__revoke__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Revoke, _ arena: inout EncodingArena) {
        structure.request_id = requestID
    }

    package init(_ structure: Worker__V1__Revoke) throws(WireError) {
        self.init(requestID: structure.request_id)
    }
}

extension WorkerFrame {
    package struct Result: Sendable, Equatable {
        package var requestID: UInt64
        package var status: StatusCode
        package var message: String
        package var payload: [UInt8]
        package var tokenizationMicroseconds: UInt64
        package var computeMicroseconds: UInt64
        package var batchTokens: UInt32
        package var batchRequests: UInt32

        package init(
            requestID: UInt64 = 0,
            status: StatusCode = .ok,
            message: String = "",
            payload: [UInt8] = [],
            tokenizationMicroseconds: UInt64 = 0,
            computeMicroseconds: UInt64 = 0,
            batchTokens: UInt32 = 0,
            batchRequests: UInt32 = 0
        ) {
            self.requestID = requestID
            self.status = status
            self.message = message
            self.payload = payload
            self.tokenizationMicroseconds = tokenizationMicroseconds
            self.computeMicroseconds = computeMicroseconds
            self.batchTokens = batchTokens
            self.batchRequests = batchRequests
        }
    }
}

extension WorkerFrame.Result: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Result>) {
        worker__v1__result__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Result, _ arena: inout EncodingArena) {
        structure.request_id = requestID
        structure.status = status.rawValue
        structure.message = arena.text(message)
        structure.payload = arena.bytes(payload)
        structure.tokenization_microseconds = tokenizationMicroseconds
        structure.compute_microseconds = computeMicroseconds
        structure.batch_tokens = batchTokens
        structure.batch_requests = batchRequests
    }

    package init(_ structure: Worker__V1__Result) throws(WireError) {
        self.init(
            requestID: structure.request_id,
            status: StatusCode(wireValue: structure.status),
            message: try decodeText(structure.message, "message"),
            payload: decodeBytes(structure.payload),
            tokenizationMicroseconds: structure.tokenization_microseconds,
            computeMicroseconds: structure.compute_microseconds,
            batchTokens: structure.batch_tokens,
            batchRequests: structure.batch_requests
        )
    }
}

extension WorkerFrame {
    /// Every request of the batch has been answered, or revoked.
    package struct BatchDone: Sendable, Equatable {
        package var batchID: UInt64
        package var tokens: UInt32
        package var computeMicroseconds: UInt64

        package init(
            batchID: UInt64 = 0,
            tokens: UInt32 = 0,
            computeMicroseconds: UInt64 = 0
        ) {
            self.batchID = batchID
            self.tokens = tokens
            self.computeMicroseconds = computeMicroseconds
        }
    }
}

extension WorkerFrame.BatchDone: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__BatchDone>) {
        worker__v1__batch_done__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__BatchDone, _ arena: inout EncodingArena) {
        structure.batch_id = batchID
        structure.tokens = tokens
        structure.compute_microseconds = computeMicroseconds
    }

    package init(_ structure: Worker__V1__BatchDone) throws(WireError) {
        self.init(
            batchID: structure.batch_id,
            tokens: structure.tokens,
            computeMicroseconds: structure.compute_microseconds
        )
    }
}

extension WorkerFrame {
    /// The work goes on. Sent between two pieces of it when the worker has said nothing for a tenth of a second.
    package struct Progress: Sendable, Equatable {
        package init() {}
    }
}

extension WorkerFrame.Progress: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Worker__V1__Progress>) {
        worker__v1__progress__init(structure)
    }

    package func fill(_ structure: inout Worker__V1__Progress, _ arena: inout EncodingArena) {
    }

    package init(_ structure: Worker__V1__Progress) throws(WireError) {
        self.init()
    }
}
