package import CWireMessages

/// The answer, or one message of a streamed answer. Exactly one response of a stream has `end_of_stream`.
package struct Response: Sendable, Equatable {
    /// The request's; 0 refuses the whole connection, and the server closes it.
    package var streamID: UInt64
    /// A gRPC status code; 0 is OK.
    package var status: StatusCode
    /// For people, when status is not 0.
    package var message: String
    /// 0: no hint.
    package var retryAfterMicroseconds: UInt64
    package var timings: Timings?
    /// Who answered: "name@2:fp32".
    package var model: String
    /// The method's response message.
    package var payload: [UInt8]
    package var endOfStream: Bool

    package init(
        streamID: UInt64 = 0,
        status: StatusCode = .ok,
        message: String = "",
        retryAfterMicroseconds: UInt64 = 0,
        timings: Timings? = nil,
        model: String = "",
        payload: [UInt8] = [],
        endOfStream: Bool = false
    ) {
        self.streamID = streamID
        self.status = status
        self.message = message
        self.retryAfterMicroseconds = retryAfterMicroseconds
        self.timings = timings
        self.model = model
        self.payload = payload
        self.endOfStream = endOfStream
    }
}

extension Response: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__Response>) {
        distillery__v1__response__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__Response, _ arena: inout EncodingArena) {
        structure.stream_id = streamID
        structure.status = status.rawValue
        structure.message = arena.text(message)
        structure.retry_after_microseconds = retryAfterMicroseconds
        if let timings { structure.timings = arena.message(timings) }
        structure.model = arena.text(model)
        structure.payload = arena.bytes(payload)
        structure.end_of_stream = endOfStream ? 1 : 0
    }

    package init(_ structure: Distillery__V1__Response) throws(WireError) {
        self.init(
            streamID: structure.stream_id,
            status: StatusCode(wireValue: structure.status),
            message: try decodeText(structure.message, "message"),
            retryAfterMicroseconds: structure.retry_after_microseconds,
            timings: try decodeMessage(structure.timings, "timings"),
            model: try decodeText(structure.model, "model"),
            payload: decodeBytes(structure.payload),
            endOfStream: structure.end_of_stream != 0
        )
    }
}

/// Where a request's time went, in microseconds.
package struct Timings: Sendable, Equatable {
    /// From the frame's arrival until its batch started.
    package var queueMicroseconds: UInt64
    package var tokenizationMicroseconds: UInt64
    /// The batch that it was computed in.
    package var computeMicroseconds: UInt64
    /// From the frame's arrival until its answer was written.
    package var serverMicroseconds: UInt64
    package var batchTokens: UInt32
    package var batchRequests: UInt32
    /// How often it was sent again after a worker's death.
    package var replays: UInt32

    package init(
        queueMicroseconds: UInt64 = 0,
        tokenizationMicroseconds: UInt64 = 0,
        computeMicroseconds: UInt64 = 0,
        serverMicroseconds: UInt64 = 0,
        batchTokens: UInt32 = 0,
        batchRequests: UInt32 = 0,
        replays: UInt32 = 0
    ) {
        self.queueMicroseconds = queueMicroseconds
        self.tokenizationMicroseconds = tokenizationMicroseconds
        self.computeMicroseconds = computeMicroseconds
        self.serverMicroseconds = serverMicroseconds
        self.batchTokens = batchTokens
        self.batchRequests = batchRequests
        self.replays = replays
    }
}

extension Timings: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__Timings>) {
        distillery__v1__timings__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__Timings, _ arena: inout EncodingArena) {
        structure.queue_microseconds = queueMicroseconds
        structure.tokenization_microseconds = tokenizationMicroseconds
        structure.compute_microseconds = computeMicroseconds
        structure.server_microseconds = serverMicroseconds
        structure.batch_tokens = batchTokens
        structure.batch_requests = batchRequests
        structure.replays = replays
    }

    package init(_ structure: Distillery__V1__Timings) throws(WireError) {
        self.init(
            queueMicroseconds: structure.queue_microseconds,
            tokenizationMicroseconds: structure.tokenization_microseconds,
            computeMicroseconds: structure.compute_microseconds,
            serverMicroseconds: structure.server_microseconds,
            batchTokens: structure.batch_tokens,
            batchRequests: structure.batch_requests,
            replays: structure.replays
        )
    }
}
