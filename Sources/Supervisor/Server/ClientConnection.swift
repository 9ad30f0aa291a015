import LinuxSystem
import Messages
import Wire

/// One client: its stream, and which of its streams wait for an answer.
///
/// | state    | Hello        | another frame   | malformed frame     | oversize prefix | end of stream |
/// |----------|--------------|-----------------|---------------------|-----------------|---------------|
/// | greeting | → open       | → closing       | → closing           | → closing       | gone          |
/// | open     | → closing    | handled         | answered, stays     | → closing       | gone, its requests cancelled |
/// | closing  | –            | –               | –                   | –               | gone once its output is written |
///
/// Whatever it is doing, it is gone at once when more output waits for it than is allowed, and when `closing` is over. Of
/// a client that is gone nothing is handled or kept, not even what arrived together with the frame that ended it.
final class ClientConnection {
    enum State {
        /// Its Hello is due.
        case greeting(until: Int64)
        case open
        /// Nothing more is read; it is closed when its output is written, or at the latest then.
        case closing(until: Int64)
    }

    let id: UInt64
    let channel: FramedStream
    let peer: PeerCredentials
    var state: State
    /// The largest frame that the client accepts.
    var peerFrameLimit = WireProtocol.maximumFrameBytes
    /// Unanswered inference requests by stream.
    var requests: [UInt64: RequestID] = [:]
    /// Unanswered control calls, by stream. Who waits for them names the client by its number, and keeps nothing of it.
    var controlCalls: Set<UInt64> = []

    init(id: UInt64, channel: FramedStream, peer: PeerCredentials, greetingUntil: Int64) {
        self.id = id
        self.channel = channel
        self.peer = peer
        state = .greeting(until: greetingUntil)
    }

    var isClosing: Bool {
        if case .closing = state { true } else { false }
    }

    func isInFlight(_ stream: UInt64) -> Bool { requests[stream] != nil || controlCalls.contains(stream) }

    var inFlight: Int { requests.count + controlCalls.count }
}

/// What the supervisor keeps of an unanswered inference request, so that it can be sent to a worker, again if need be.
struct PendingRequest {
    let connection: ClientConnection
    let streamID: UInt64
    let method: String
    let payload: [UInt8]
    let deadline: Int64
    let model: ServedModel
}
