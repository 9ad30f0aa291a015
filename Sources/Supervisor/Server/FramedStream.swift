import LinuxSystem
import Messages
import Wire

/// A non-blocking stream of frames in both directions, as the event loop uses it.
final class FramedStream {
    let stream: UnixStream
    /// Whose it is, as the loop's events name it.
    let owner: Token
    var decoder: FrameDecoder
    var output = OutputBuffer()
    /// Whether the loop is told when the stream takes more output.
    var waitsForWriting = false
    /// Whether it is in the loop's list of streams to flush.
    var isMarkedForFlush = false

    init(_ stream: consuming UnixStream, owner: Token, maximumFrameBytes: Int) throws(SystemError) {
        try stream.setNonBlocking(true)
        self.owner = owner
        self.stream = stream
        decoder = FrameDecoder(maximumFrameBytes: maximumFrameBytes)
    }

    var descriptor: Int32 { stream.rawValue }

    enum Arrival: Equatable {
        /// Something arrived, and there may be more.
        case bytes
        case nothing
        case closed
    }

    /// Reads once.
    func receive() -> Arrival {
        var result: TransferResult?
        _ = decoder.withSpareCapacity(64 << 10) { room in
            result = try? stream.read(into: room)
            if case .bytes(let count)? = result { return count }
            return 0
        }
        switch result {
        case .bytes?: return .bytes
        case .wouldBlock?: return .nothing
        case .closed?, nil: return .closed
        }
    }

    /// Takes the next whole frame.
    func next<Message: WireMessage>(_ type: Message.Type) -> TakenFrame<Message> {
        Message.take(from: &decoder, limits: .default)
    }
}
