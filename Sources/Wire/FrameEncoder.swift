/// A message behind its length, 4 bytes, big-endian: ready to be written to a stream.
///
/// ```swift
/// let frame = try OutgoingFrame(Frame.ping(Ping(id: 1)), maximumFrameBytes: limit)
/// buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: frame.size) { room in
///     frame.write(into: room)
///     return frame.size
/// }
/// ```
package struct OutgoingFrame: ~Copyable {
    private let message: PackableMessage

    /// - Throws: `WireError` of kind `tooLarge` when the message is beyond the receiver's limit.
    package init(
        _ message: some WireMessage,
        maximumFrameBytes: Int = WireProtocol.maximumFrameBytes
    ) throws(WireError) {
        self.message = message.packable()
        let limit = min(maximumFrameBytes, Int(UInt32.max))
        guard self.message.size <= limit else {
            throw WireError(
                .tooLarge,
                "the frame has \(self.message.size) bytes, and the limit is \(limit); send less at once"
            )
        }
    }

    /// The bytes of the prefix and the message.
    package var size: Int { WireProtocol.prefixBytes + message.size }

    /// Writes the prefix and the message to the start of `buffer`, which holds at least `size` bytes.
    package func write(into buffer: UnsafeMutableRawBufferPointer) {
        buffer.storeBytes(of: UInt32(message.size).bigEndian, as: UInt32.self)
        message.pack(into: UnsafeMutableRawBufferPointer(rebasing: buffer[WireProtocol.prefixBytes...]))
    }
}

/// Encodes a message and its prefix into one array.
package enum FrameEncoder {
    /// - Throws: `WireError` of kind `tooLarge` when the message is beyond the receiver's limit.
    package static func encode(
        _ message: some WireMessage,
        maximumFrameBytes: Int = WireProtocol.maximumFrameBytes
    ) throws(WireError) -> [UInt8] {
        let frame = try OutgoingFrame(message, maximumFrameBytes: maximumFrameBytes)
        return [UInt8](unsafeUninitializedCapacity: frame.size) { buffer, count in
            frame.write(into: UnsafeMutableRawBufferPointer(buffer))
            count = frame.size
        }
    }
}

/// The length that precedes each frame.
package enum FramePrefix {
    /// The length of the frame whose first bytes these are; nil when they are fewer than the prefix.
    ///
    /// - Throws: `WireError` of kind `tooLarge` beyond the limit: nothing that follows on the stream can be read.
    package static func frameBytes(
        _ bytes: UnsafeRawBufferPointer,
        maximumFrameBytes: Int = WireProtocol.maximumFrameBytes
    ) throws(WireError) -> Int? {
        guard bytes.count >= WireProtocol.prefixBytes else { return nil }
        return try frameBytes(bytes.loadUnaligned(as: UInt32.self), maximumFrameBytes: maximumFrameBytes)
    }

    /// The length that a prefix, in the order of its bytes on the stream, announces.
    static func frameBytes(_ prefix: UInt32, maximumFrameBytes: Int) throws(WireError) -> Int {
        let length = Int(UInt32(bigEndian: prefix))
        guard length <= maximumFrameBytes else {
            throw WireError(
                .tooLarge,
                "a frame of \(length) bytes was announced, and the limit is \(maximumFrameBytes)"
            )
        }
        return length
    }
}
