import LinuxSystem
import Messages
import Wire

/// A non-blocking stream of frames in both directions, as the event loop uses it.
final class FramedStream {
    private let stream: UnixStream
    private let token: Token
    private let loop: EventLoop
    private var decoder: FrameDecoder
    private var output = OutputBuffer()
    /// Whether the loop is told when the stream takes more output.
    private var waitsForWriting = false
    /// Whether it is in its owner's list of streams to flush.
    var isMarked = false

    init(_ stream: consuming UnixStream, as token: Token, on loop: EventLoop, maximumFrameBytes: Int)
        throws(SystemError)
    {
        try stream.setNonBlocking(true)
        (self.token, self.loop) = (token, loop)
        decoder = FrameDecoder(maximumFrameBytes: maximumFrameBytes)
        try loop.watch(stream.rawValue, as: token)
        self.stream = stream
    }

    /// Bytes of output that wait.
    var waiting: Int { output.count }

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

    /// Forgets what was read.
    func discardInput() { decoder = FrameDecoder(maximumFrameBytes: decoder.maximumFrameBytes) }

    /// Adds a frame to the output, and descriptors that go with it.
    func append(
        _ message: some WireMessage,
        with descriptors: [HeldDescriptor] = [],
        maximumFrameBytes: Int
    ) throws(WireError) {
        try output.append(message, with: descriptors, maximumFrameBytes: maximumFrameBytes)
    }

    /// Writes as much of the output as the stream takes.
    ///
    /// - Returns: whether there is still a reader.
    func flush() -> Bool {
        let progress = output.flush(to: stream)
        guard progress != .closed else { return false }
        let waits = progress == .waiting
        if waits != waitsForWriting {
            waitsForWriting = waits
            loop.change(stream.rawValue, as: token, to: waits ? [.readable, .writable] : .readable)
        }
        return true
    }

    func endOutput() { try? stream.shutdownWriting() }

    /// The loop says no more of it.
    func leave() { loop.forget(stream.rawValue) }
}
