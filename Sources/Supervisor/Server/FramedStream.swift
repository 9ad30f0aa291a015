import LinuxSystem
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

    /// What the next frame turned out to be.
    enum Next<Message> {
        case frame(Message)
        /// A whole frame that is not a message; its stream id when it was a request that names one. The next frame can
        /// be read.
        case malformed(WireError, streamID: UInt64)
        /// The stream cannot be followed further.
        case broken(WireError)
        case none
    }

    /// Takes the next whole frame.
    func next<Message: WireMessage>(_ type: Message.Type) -> Next<Message> {
        do throws(WireError) {
            let next = try decoder.withNextFrame { (bytes) throws(WireError) -> Next<Message> in
                do throws(WireError) {
                    return .frame(try Message.decode(bytes))
                } catch {
                    return .malformed(error, streamID: streamIDOfRequest(bytes))
                }
            }
            return next ?? .none
        } catch {
            return .broken(error)
        }
    }
}

/// The stream id of a `Frame` that holds a request, read without decoding the rest; 0 when there is none to be found.
func streamIDOfRequest(_ frame: UnsafeRawBufferPointer) -> UInt64 {
    var bytes = frame[...]
    // Frame.request is field 2, length-delimited; Request.stream_id is field 1, a varint, which writers put first.
    guard bytes.popFirst() == 0x12, takeVarint(&bytes) != nil else { return 0 }
    guard bytes.popFirst() == 0x08, let id = takeVarint(&bytes) else { return 0 }
    return id
}

private func takeVarint(_ bytes: inout Slice<UnsafeRawBufferPointer>) -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
        guard let byte = bytes.popFirst() else { return nil }
        value |= UInt64(byte & 0x7f) << shift
        if byte & 0x80 == 0 { return value }
    }
    return nil
}
