import CWireMessages
import Glibc

/// One zeroed block that protobuf-c unpacks a message into, released as a whole.
///
/// Zeroed, because protobuf-c 1.4.1 may look at pointers that it has not written when it gives up half-way. Bounded,
/// because an allocation beyond the block fails, and unpacking with it.
package struct DecodingArena: ~Copyable {
    /// Every allocation starts at a multiple of this.
    static let alignment = 16

    private struct Header {
        var used: Int
        var capacity: Int
    }

    private static let headerBytes = 32
    private let block: UnsafeMutableRawPointer

    package init(capacity: Int) throws(WireError) {
        guard let block = calloc(1, Self.headerBytes + capacity) else {
            throw WireError(.outOfMemory, "no memory for a message of \(capacity) bytes")
        }
        block.storeBytes(of: Header(used: 0, capacity: capacity), as: Header.self)
        self.block = block
    }

    deinit {
        free(block)
    }

    /// How much of the block is in use.
    package var usedBytes: Int { block.load(as: Header.self).used }

    /// Unpacks `bytes`; nil when they are malformed or the block is too small. The message lives as long as the arena.
    func unpack(
        _ bytes: UnsafeRawBufferPointer,
        as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> UnsafeMutablePointer<ProtobufCMessage>? {
        var allocator = ProtobufCAllocator(
            alloc: { DecodingArena.allocate($0, $1) },
            // The whole block goes at once.
            free: { _, _ in },
            allocator_data: block
        )
        return protobuf_c_message_unpack(
            descriptor,
            &allocator,
            bytes.count,
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
        )
    }

    private static func allocate(_ block: UnsafeMutableRawPointer?, _ size: Int) -> UnsafeMutableRawPointer? {
        guard let block, size >= 0 else { return nil }
        let header = block.assumingMemoryBound(to: Header.self)
        let used = header.pointee.used
        guard size <= header.pointee.capacity - used else { return nil }
        let (end, overflow) = (used + size).addingReportingOverflow(alignment - 1)
        guard !overflow else { return nil }
        header.pointee.used = min(end & ~(alignment - 1), header.pointee.capacity)
        return block + headerBytes + used
    }
}
