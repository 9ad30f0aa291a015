/// Reads the fields of one encoded message, one level deep, without interpreting them.
struct FieldReader {
    enum WireType: UInt8 {
        case varint = 0
        case fixed64 = 1
        case lengthPrefixed = 2
        case fixed32 = 5
    }

    struct Field {
        var tag: UInt32
        var wireType: WireType
        /// The value's bytes; without the length of a length-prefixed one.
        var content: UnsafeRawBufferPointer
        /// The value's bytes, with the length.
        var encodedBytes: Int
    }

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The next field, or nil at the end.
    mutating func next() throws(WireError) -> Field? {
        guard position < bytes.count else { return nil }
        let key = try varint(maximumBytes: 5)
        guard key >> 3 != 0, key >> 35 == 0 else { throw WireError(.malformed, "a field has the number 0") }
        guard let wireType = WireType(rawValue: UInt8(key & 7)) else {
            throw WireError(.malformed, "a field has the encoding \(key & 7), which proto3 does not use")
        }
        let start = position
        let content: UnsafeRawBufferPointer
        switch wireType {
        case .varint:
            _ = try varint(maximumBytes: 10)
            content = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
        case .fixed64: content = try take(8)
        case .fixed32: content = try take(4)
        case .lengthPrefixed: content = try take(varint(maximumBytes: 5))
        }
        return Field(
            tag: UInt32(truncatingIfNeeded: key >> 3),
            wireType: wireType,
            content: content,
            encodedBytes: position - start
        )
    }

    private mutating func varint(maximumBytes: Int) throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        for index in 0..<maximumBytes {
            guard position < bytes.count else { throw WireError(.malformed, "the message ends within a number") }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7f) << UInt64(7 * index)
            if byte & 0x80 == 0 { return value }
        }
        throw WireError(.malformed, "a number is longer than \(maximumBytes) bytes")
    }

    private mutating func take(_ count: UInt64) throws(WireError) -> UnsafeRawBufferPointer {
        guard count <= UInt64(bytes.count - position) else {
            throw WireError(.malformed, "a field of \(count) bytes goes beyond the message's end")
        }
        let end = position + Int(count)
        defer { position = end }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }
}
