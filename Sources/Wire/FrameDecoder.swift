/// Cuts a stream of bytes into frames.
///
/// Feed it whatever arrived, with `append` or by reading into `withSpareCapacity`, then take frames until there is none.
/// Its buffer grows with the bytes that arrive, never by a length that was only announced.
package struct FrameDecoder: Sendable {
    /// The largest frame, without the prefix, that is accepted. May change between frames, as after a `Hello`.
    package var maximumFrameBytes: Int

    private var buffer: [UInt8] = []
    private var start = 0
    private var end = 0
    private let keptBytes: Int

    /// - Parameter keptBytes: a larger buffer is given back when it is empty, or hardly used.
    package init(maximumFrameBytes: Int = WireProtocol.maximumFrameBytes, keptBytes: Int = 64 << 10) {
        self.maximumFrameBytes = maximumFrameBytes
        self.keptBytes = keptBytes
    }

    /// The bytes held that no frame was made of yet. Not zero at the stream's end: it was cut within a frame.
    package var bufferedBytes: Int { end - start }

    /// The memory that these take.
    package var heldBytes: Int { buffer.count }

    /// Adds bytes that arrived. The buffer has then no more of the machine's memory than it has bytes.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if buffer.capacity - end < bytes.count {
            var larger: [UInt8] = []
            let used = bufferedBytes + bytes.count
            larger.reserveCapacity(max(used, min(2 * bufferedBytes, bufferedBytes + (1 << 20))))
            larger.append(contentsOf: buffer[start..<end])
            buffer = larger
            (start, end) = (0, larger.count)
        }
        buffer.removeLast(buffer.count - end)
        buffer.append(contentsOf: bytes)
        end = buffer.count
    }

    /// Adds bytes that arrived.
    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// Lends free room to read into.
    ///
    /// - Parameters:
    ///   - minimum: the least room, in bytes.
    ///   - body: fills the room from its start and returns how many bytes it wrote; zero or less means none.
    /// - Returns: what `body` returned.
    @discardableResult
    package mutating func withSpareCapacity(_ minimum: Int = 16 << 10, _ body: (UnsafeMutableRawBufferPointer) -> Int)
        -> Int
    {
        if buffer.count - end < minimum {
            compact()
            if buffer.count - end < minimum {
                let grown = max(end + minimum, min(2 * buffer.count, buffer.count + (1 << 20)))
                buffer.append(contentsOf: repeatElement(0, count: grown - buffer.count))
            }
        }
        let written = buffer.withUnsafeMutableBytes { body(UnsafeMutableRawBufferPointer(rebasing: $0[end...])) }
        precondition(written <= buffer.count - end, "more bytes were written than there was room for")
        end += max(0, written)
        return written
    }

    /// Takes and decodes the next whole frame; nil when none has arrived.
    ///
    /// - Throws: `WireError` of kind `tooLarge` when the prefix is beyond the limit: answer RESOURCE_EXHAUSTED and close,
    ///   for the stream cannot be followed further. Or what decoding throws; the frame is taken then too.
    package mutating func next<M: WireMessage>(
        _ type: M.Type = M.self,
        limits: DecodingLimits = .default
    ) throws(WireError) -> M? {
        switch M.take(from: &self, limits: limits) {
        case .frame(let message): message
        case .malformed(let error, _), .broken(let error): throw error
        case .none: nil
        }
    }

    /// Takes the next whole frame, lent to `body` without its prefix; nil when none has arrived.
    ///
    /// - Throws: `WireError` of kind `tooLarge` when the prefix is beyond the limit.
    mutating func withNextFrame<R>(_ body: (UnsafeRawBufferPointer) -> R) throws(WireError) -> R? {
        let start = start
        let pending = end - start
        guard pending >= WireProtocol.prefixBytes else { return nil }
        let prefix = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: UInt32.self) }
        let length = try FramePrefix.frameBytes(prefix, maximumFrameBytes: maximumFrameBytes)
        guard pending - WireProtocol.prefixBytes >= length else { return nil }
        let frame = (start + WireProtocol.prefixBytes)..<(start + WireProtocol.prefixBytes + length)
        let result = buffer.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[frame])) }
        self.start = frame.upperBound
        giveBack()
        return result
    }

    private mutating func compact() {
        guard start > 0 else { return }
        let pending = start..<end
        buffer.withUnsafeMutableBytes { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[pending]))
        }
        (start, end) = (0, pending.count)
    }

    /// Gives memory back that is no longer needed.
    private mutating func giveBack() {
        let pending = bufferedBytes
        if buffer.count > keptBytes, pending <= buffer.count / 4 {
            buffer = Array(buffer[start..<end])
        } else if pending > 0 {
            return
        }
        (start, end) = (0, pending)
    }
}

/// What the next frame of a stream turned out to be.
package enum TakenFrame<Message> {
    case frame(Message)
    /// A whole frame that is not a message; its stream id when it was a request that names one. The next frame can be
    /// taken.
    case malformed(WireError, streamID: UInt64)
    /// The stream cannot be followed further.
    case broken(WireError)
    /// No whole frame has arrived.
    case none
}

extension WireMessage {
    package static func take(from decoder: inout FrameDecoder, limits: DecodingLimits) -> TakenFrame<Self> {
        do throws(WireError) {
            let taken = try decoder.withNextFrame { bytes -> TakenFrame<Self> in
                do throws(WireError) {
                    return .frame(try decode(bytes, limits: limits))
                } catch {
                    return .malformed(error, streamID: streamIDOfRequest(bytes))
                }
            }
            return taken ?? .none
        } catch {
            return .broken(error)
        }
    }
}

/// The stream id of a `Frame` that holds a request, read without decoding the rest; 0 when there is none to be found.
private func streamIDOfRequest(_ frame: UnsafeRawBufferPointer) -> UInt64 {
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
