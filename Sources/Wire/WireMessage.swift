package import CWireMessages

/// A Swift value for one message of `proto/`, encoded and decoded by protobuf-c.
///
/// Text and names are `String`, checked as UTF-8 when decoded; payloads are bytes. Fields that a message lacks have
/// proto3's defaults.
package protocol WireMessage: Sendable, Equatable {
    /// The generated structure.
    associatedtype CMessage
    /// The generated `__init` function.
    static func initialize(_ structure: UnsafeMutablePointer<CMessage>)
    /// Writes this value into an initialised structure; what it points at lives in the arena.
    func fill(_ structure: inout CMessage, _ arena: inout EncodingArena)
    /// Reads an unpacked structure, and validates it.
    init(_ structure: CMessage) throws(WireError)
    /// Refuses values that the schema allows and the protocol does not; none, unless a message says so.
    func validate() throws(WireError)

    // These have a default for every message, and are requirements all the same: each message so gets code that is
    // compiled for its own structure, and another module reaches it without looking up generic types at run time.

    /// The message's C form, ready to be packed.
    func packable() -> PackableMessage
    /// Decodes a whole message from memory that the caller keeps for the time of the call.
    static func decode(_ bytes: UnsafeRawBufferPointer, limits: DecodingLimits) throws(WireError) -> Self
    /// Takes and decodes the next whole frame of a stream.
    static func take(from decoder: inout FrameDecoder, limits: DecodingLimits) -> TakenFrame<Self>
}

extension WireMessage {
    package func validate() throws(WireError) {}

    /// The message as protobuf bytes.
    package func encode() -> [UInt8] {
        let message = packable()
        // An array of no capacity is the one that all empty arrays share; it must not be written to.
        guard message.size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: message.size) { buffer, count in
            message.pack(into: UnsafeMutableRawBufferPointer(buffer))
            count = message.size
        }
    }

    /// Decodes a whole message.
    ///
    /// - Throws: `WireError` that names the field. Its `status` is what to answer.
    package static func decode(_ bytes: [UInt8], limits: DecodingLimits = .default) throws(WireError) -> Self {
        var result: Result<Self, WireError>?
        bytes.withUnsafeBytes { raw in
            do throws(WireError) {
                result = .success(try decode(raw, limits: limits))
            } catch {
                result = .failure(error)
            }
        }
        return try result!.get()
    }

    package func packable() -> PackableMessage { PackableMessage(self) }

    /// Decodes a whole message within the usual limits.
    package static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> Self {
        try decode(bytes, limits: .default)
    }

    package static func decode(
        _ bytes: UnsafeRawBufferPointer,
        limits: DecodingLimits
    ) throws(WireError) -> Self {
        let arena = try DecodingArena(capacity: try unpackedBytes(bytes, limits: limits))
        return try decode(bytes, in: arena)
    }

    /// Checks the bytes against the schema and the limits, without unpacking them.
    ///
    /// - Returns: an upper bound of the memory that unpacking takes.
    package static func unpackedBytes(
        _ bytes: UnsafeRawBufferPointer,
        limits: DecodingLimits = .default
    ) throws(WireError) -> Int {
        var scan = PreScan(limits: limits)
        try scan.scan(bytes, as: schema)
        return scan.memoryBytes
    }

    /// Unpacks bytes that `unpackedBytes` accepted into a block of that size.
    ///
    /// - Throws: `WireError`; also when the block is too small.
    package static func decode(
        _ bytes: UnsafeRawBufferPointer,
        in arena: borrowing DecodingArena
    ) throws(WireError) -> Self {
        let schema = Self.schema
        guard let message = arena.unpack(bytes, as: schema) else {
            throw WireError(.malformed, "the bytes are not a \(String(cString: schema.pointee.short_name))")
        }
        return try Self(UnsafeRawPointer(message).assumingMemoryBound(to: CMessage.self).pointee)
    }

    /// The message's descriptor, a constant of the generated code.
    package static var schema: UnsafePointer<ProtobufCMessageDescriptor> {
        withUnsafeTemporaryAllocation(of: CMessage.self, capacity: 1) { structure in
            initialize(structure.baseAddress!)
            return UnsafeRawPointer(structure.baseAddress!).load(as: ProtobufCMessage.self).descriptor
        }
    }
}

/// A message in its C form, ready to be packed.
package struct PackableMessage: ~Copyable {
    /// How many bytes `pack` writes.
    let size: Int
    private let structure: UnsafePointer<ProtobufCMessage>
    private let arena: EncodingArena

    init(_ message: some WireMessage) {
        var arena = EncodingArena()
        structure = UnsafeRawPointer(arena.message(message)).assumingMemoryBound(to: ProtobufCMessage.self)
        size = protobuf_c_message_get_packed_size(structure)
        self.arena = arena
    }

    func pack(into buffer: UnsafeMutableRawBufferPointer) {
        precondition(buffer.count >= size, "the buffer is smaller than the packed message")
        guard size > 0, let start = buffer.baseAddress else { return }
        protobuf_c_message_pack(structure, start.assumingMemoryBound(to: UInt8.self))
    }
}
