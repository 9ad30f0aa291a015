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

    /// A larger buffer is given back when it is empty.
    private static let keptBytes = 64 << 10

    package init(maximumFrameBytes: Int = WireProtocol.maximumFrameBytes) {
        self.maximumFrameBytes = maximumFrameBytes
    }

    /// The bytes held that no frame was made of yet. Not zero at the stream's end: it was cut within a frame.
    package var bufferedBytes: Int { end - start }

    /// Adds bytes that arrived.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        withSpareCapacity(bytes.count) { spare in
            spare.copyMemory(from: bytes)
            return bytes.count
        }
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

    /// Takes the next whole frame, lent to `body` without its prefix.
    ///
    /// - Returns: what `body` returned; nil when no whole frame has arrived.
    /// - Throws: `WireError` of kind `tooLarge` when the prefix is beyond the limit: answer RESOURCE_EXHAUSTED and close,
    ///   for the stream cannot be followed further. Or what `body` throws; the frame is taken then too.
    package mutating func withNextFrame<R>(
        _ body: (UnsafeRawBufferPointer) throws(WireError) -> R
    ) throws(WireError) -> R? {
        let result: Result<R, WireError>? = buffer.withUnsafeBytes { bytes in
            let pending = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            do throws(WireError) {
                guard let length = try FramePrefix.frameBytes(pending, maximumFrameBytes: maximumFrameBytes),
                    pending.count - WireProtocol.prefixBytes >= length
                else { return nil }
                start += WireProtocol.prefixBytes + length
                let frame = pending[WireProtocol.prefixBytes..<(WireProtocol.prefixBytes + length)]
                return .success(try body(UnsafeRawBufferPointer(rebasing: frame)))
            } catch {
                return .failure(error)
            }
        }
        if start == end { reset() }
        return try result?.get()
    }

    /// Takes and decodes the next whole frame; nil when none has arrived.
    package mutating func next<M: WireMessage>(
        _ type: M.Type = M.self,
        limits: DecodingLimits = .default
    ) throws(WireError) -> M? {
        try withNextFrame { (bytes) throws(WireError) in try M.decode(bytes, limits: limits) }
    }

    private mutating func compact() {
        guard start > 0 else { return }
        let pending = start..<end
        buffer.withUnsafeMutableBytes { bytes in
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[pending]))
        }
        (start, end) = (0, pending.count)
    }

    private mutating func reset() {
        (start, end) = (0, 0)
        if buffer.count > Self.keptBytes { buffer = [] }
    }
}
