package import CWireMessages

/// The first frame in each direction.
package struct Hello: Sendable, Equatable {
    /// 1.
    package var protocolVersion: UInt32
    /// "0.1.0", for people.
    package var softwareVersion: String
    /// The largest frame that this side accepts.
    package var maxFrameBytes: UInt32
    /// The most unanswered requests on this connection (0: no limit of its own).
    package var maxInFlight: UInt32
    /// Names that both sides may use once both have sent them.
    package var features: [String]

    package init(
        protocolVersion: UInt32 = 0,
        softwareVersion: String = "",
        maxFrameBytes: UInt32 = 0,
        maxInFlight: UInt32 = 0,
        features: [String] = []
    ) {
        self.protocolVersion = protocolVersion
        self.softwareVersion = softwareVersion
        self.maxFrameBytes = maxFrameBytes
        self.maxInFlight = maxInFlight
        self.features = features
    }
}

extension Hello: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__Hello>) {
        distillery__v1__hello__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__Hello, _ arena: inout EncodingArena) {
        structure.protocol_version = protocolVersion
        structure.software_version = arena.text(softwareVersion)
        structure.max_frame_bytes = maxFrameBytes
        structure.max_in_flight = maxInFlight
        (structure.n_features, structure.features) = arena.texts(features)
    }

    package init(_ structure: Distillery__V1__Hello) throws(WireError) {
        self.init(
            protocolVersion: structure.protocol_version,
            softwareVersion: try decodeText(structure.software_version, "software_version"),
            maxFrameBytes: structure.max_frame_bytes,
            maxInFlight: structure.max_in_flight,
            features: try decodeTexts(structure.n_features, structure.features, "features")
        )
    }
}

/// What travels on the server's socket, in either direction.
package enum Frame: Sendable, Equatable {
    case hello(Hello)
    case request(Request)
    case response(Response)
    case cancel(Cancel)
    case ping(Ping)
    case goAway(GoAway)
}

extension Frame: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__Frame>) {
        distillery__v1__frame__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__Frame, _ arena: inout EncodingArena) {
        switch self {
        case .hello(let body):
            structure.body_case = DISTILLERY__V1__FRAME__BODY_HELLO
            structure.hello = arena.message(body)
        case .request(let body):
            structure.body_case = DISTILLERY__V1__FRAME__BODY_REQUEST
            structure.request = arena.message(body)
        case .response(let body):
            structure.body_case = DISTILLERY__V1__FRAME__BODY_RESPONSE
            structure.response = arena.message(body)
        case .cancel(let body):
            structure.body_case = DISTILLERY__V1__FRAME__BODY_CANCEL
            structure.cancel = arena.message(body)
        case .ping(let body):
            structure.body_case = DISTILLERY__V1__FRAME__BODY_PING
            structure.ping = arena.message(body)
        case .goAway(let body):
            structure.body_case = DISTILLERY__V1__FRAME__BODY_GO_AWAY
            structure.go_away = arena.message(body)
        }
    }

    package init(_ structure: Distillery__V1__Frame) throws(WireError) {
        switch structure.body_case {
        case DISTILLERY__V1__FRAME__BODY_HELLO:
            self = .hello(try decodeBody(structure.hello, "hello"))
        case DISTILLERY__V1__FRAME__BODY_REQUEST:
            self = .request(try decodeBody(structure.request, "request"))
        case DISTILLERY__V1__FRAME__BODY_RESPONSE:
            self = .response(try decodeBody(structure.response, "response"))
        case DISTILLERY__V1__FRAME__BODY_CANCEL:
            self = .cancel(try decodeBody(structure.cancel, "cancel"))
        case DISTILLERY__V1__FRAME__BODY_PING:
            self = .ping(try decodeBody(structure.ping, "ping"))
        case DISTILLERY__V1__FRAME__BODY_GO_AWAY:
            self = .goAway(try decodeBody(structure.go_away, "go_away"))
        default:
            throw WireError(.malformed, "the frame has no body that this version knows")
        }
    }
}

/// The client wants no answer to this stream any more; none may come, or one that crossed this.
package struct Cancel: Sendable, Equatable {
    package var streamID: UInt64

    package init(streamID: UInt64 = 0) {
        self.streamID = streamID
    }
}

extension Cancel: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__Cancel>) {
        distillery__v1__cancel__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__Cancel, _ arena: inout EncodingArena) {
        structure.stream_id = streamID
    }

    package init(_ structure: Distillery__V1__Cancel) throws(WireError) {
        self.init(streamID: structure.stream_id)
    }
}

/// Asks whether the other side reads; it answers with the same number and `ack`.
package struct Ping: Sendable, Equatable {
    package var id: UInt64
    package var ack: Bool

    package init(
        id: UInt64 = 0,
        ack: Bool = false
    ) {
        self.id = id
        self.ack = ack
    }
}

extension Ping: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__Ping>) {
        distillery__v1__ping__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__Ping, _ arena: inout EncodingArena) {
        structure.id = id
        structure.ack = ack ? 1 : 0
    }

    package init(_ structure: Distillery__V1__Ping) throws(WireError) {
        self.init(
            id: structure.id,
            ack: structure.ack != 0
        )
    }
}

/// The sender takes no new requests on this connection; those already sent are answered.
package struct GoAway: Sendable, Equatable {
    package var reason: String

    package init(reason: String = "") {
        self.reason = reason
    }
}

extension GoAway: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Distillery__V1__GoAway>) {
        distillery__v1__go_away__init(structure)
    }

    package func fill(_ structure: inout Distillery__V1__GoAway, _ arena: inout EncodingArena) {
        structure.reason = arena.text(reason)
    }

    package init(_ structure: Distillery__V1__GoAway) throws(WireError) {
        self.init(reason: try decodeText(structure.reason, "reason"))
    }
}
