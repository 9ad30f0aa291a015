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
    /// What the loop tells of.
    private var interest = Readiness.readable
    /// Whether it is in its owner's list of streams to flush.
    var isMarked = false

    init(_ stream: consuming UnixStream, as token: Token, on loop: EventLoop, maximumFrameBytes: Int)
        throws(SystemError)
    {
        try stream.setNonBlocking(true)
        (self.token, self.loop) = (token, loop)
        decoder = FrameDecoder(maximumFrameBytes: maximumFrameBytes, keptBytes: Self.keptBytes)
        try loop.watch(stream.rawValue, as: token)
        self.stream = stream
    }

    /// There are many streams, and most are idle.
    private static let keptBytes = 4 << 10

    /// Bytes that are held of output.
    var waiting: Int { output.count }

    /// Bytes that are held of input that is no whole frame.
    var unfinished: Int { decoder.bufferedBytes == 0 ? 0 : decoder.heldBytes }

    enum Arrival: Equatable {
        /// Something arrived, and there may be more.
        case bytes
        case nothing
        case closed
    }

    /// Reads once.
    func receive() -> Arrival {
        let result = loop.room.withUnsafeMutableBytes { room in
            let result = try? stream.read(into: room)
            if case .bytes(let count)? = result { decoder.append(UnsafeRawBufferPointer(rebasing: room[..<count])) }
            return result
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
    func discardInput() {
        decoder = FrameDecoder(maximumFrameBytes: decoder.maximumFrameBytes, keptBytes: Self.keptBytes)
    }

    /// Nothing more is read.
    func endInput() {
        discardInput()
        listen(for: interest.subtracting(.readable))
    }

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
        listen(for: progress == .waiting ? interest.union(.writable) : interest.subtracting(.writable))
        return true
    }

    private func listen(for wanted: Readiness) {
        guard wanted != interest else { return }
        interest = wanted
        loop.change(stream.rawValue, as: token, to: wanted)
    }

    func endOutput() { try? stream.shutdownWriting() }

    /// The loop says no more of it.
    func leave() { loop.forget(stream.rawValue) }
}
