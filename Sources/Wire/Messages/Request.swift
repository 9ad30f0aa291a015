package import CWireMessages

/// One call. The payload is opaque to the supervisor.
package struct Request: Sendable, Equatable {
    /// Chosen by the client, unique among its unanswered requests, not 0.
    package var streamID: UInt64
    /// "inference.v1.Inference/Classify".
    package var method: String
    /// "name", "name@2", "name:int8", "name@2:int8"; empty for Control.
    package var model: String
    /// 0: the server's default.
    package var timeoutMicroseconds: UInt64
    /// For logs; the server makes one when empty.
    package var requestID: String
    /// W3C Trace Context.
    package var traceparent: String
    /// Bytes of text in the payload, or 0 when unknown.
    package var costEstimate: UInt32
    /// The method's request message.
    package var payload: [UInt8]

    package init(
        streamID: UInt64 = 0,
        method: String = "",
        model: String = "",
        timeoutMicroseconds: UInt64 = 0,
        requestID: String = "",
        traceparent: String = "",
        costEstimate: UInt32 = 0,
        payload: [UInt8] = []
    ) {
        self.streamID = streamID
        self.method = method
        self.model = model
        self.timeoutMicroseconds = timeoutMicroseconds
        self.requestID = requestID
        self.traceparent = traceparent
        self.costEstimate = costEstimate
        self.payload = payload
    }
}

extension Request: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__Request>) {
        distillery__v1__request__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__Request, _ arena: inout EncodingArena) {
        structure.stream_id = streamID
        structure.method = arena.text(method)
        structure.model = arena.text(model)
        structure.timeout_microseconds = timeoutMicroseconds
        structure.request_id = arena.text(requestID)
        structure.traceparent = arena.text(traceparent)
        structure.cost_estimate = costEstimate
        structure.payload = arena.bytes(payload)
    }

    package init(_ structure: Distillery__V1__Request) throws(WireError) {
        self.init(
            streamID: structure.stream_id,
            method: try decodeText(structure.method, "method"),
            model: try decodeText(structure.model, "model"),
            timeoutMicroseconds: structure.timeout_microseconds,
            requestID: try decodeText(structure.request_id, "request_id"),
            traceparent: try decodeText(structure.traceparent, "traceparent"),
            costEstimate: structure.cost_estimate,
            payload: decodeBytes(structure.payload)
        )
    }
}
