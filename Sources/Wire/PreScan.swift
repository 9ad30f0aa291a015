import CWireMessages

/// Walks the bytes of a message along its descriptor before protobuf-c does, and refuses what would be costly.
///
/// protobuf-c 1.4.1 allocates for each unknown field, merges duplicates of a singular message by recursion, and reports
/// no reason for a failure. The walk finds: how many fields there are, how many are unknown, duplicates of singular
/// messages and of `oneof` members, wrong wire types, lengths beyond the end, and an upper bound for the memory that
/// `protobuf_c_message_unpack` will ask for. Its own stack use is bounded by the schema's depth, for the schema is not
/// recursive and unknown fields are skipped by length.
struct PreScan {
    /// An upper bound of the memory that unpacking takes, in bytes.
    private(set) var memoryBytes = 0
    private var fields = 0
    private var unknownFields = 0
    private let limits: DecodingLimits

    /// protobuf-c's record of a field that it has found, and how many it keeps on its stack.
    private static let scannedFieldBytes = 32
    private static let firstSlabFields = 16
    private static let unknownFieldBytes = MemoryLayout<ProtobufCMessageUnknownField>.stride

    init(limits: DecodingLimits) {
        self.limits = limits
    }

    mutating func scan(
        _ bytes: UnsafeRawBufferPointer,
        as descriptor: UnsafePointer<ProtobufCMessageDescriptor>
    ) throws(WireError) {
        try need(descriptor.pointee.sizeof_message)
        var reader = FieldReader(bytes)
        var seenMessages: UInt64 = 0
        var fieldsHere = 0
        var unknownHere = 0
        while let field = try reader.next() {
            fields += 1
            fieldsHere += 1
            guard fields <= limits.fields else {
                throw WireError(.tooLarge, "the message has more than \(limits.fields) fields; send less at once")
            }
            guard let known = protobuf_c_message_descriptor_get_field(descriptor, field.tag) else {
                unknownFields += 1
                unknownHere += 1
                guard unknownFields <= limits.unknownFields else {
                    throw WireError(
                        .tooLarge,
                        "the message has more than \(limits.unknownFields) fields that this version does not know"
                    )
                }
                try need(field.encodedBytes)
                continue
            }
            if known.pointee.type == PROTOBUF_C_TYPE_MESSAGE {
                guard field.wireType == .lengthPrefixed else { throw wrongWireType(known) }
                if known.pointee.label == PROTOBUF_C_LABEL_REPEATED {
                    try need(MemoryLayout<UnsafeRawPointer>.size)
                } else {
                    try refuseDuplicate(known, of: descriptor, &seenMessages)
                }
                let inner = known.pointee.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
                do throws(WireError) {
                    try scan(field.content, as: inner)
                } catch {
                    throw error.inside(String(cString: known.pointee.name))
                }
            } else {
                try needValue(known, field)
            }
        }
        try need(unknownHere * Self.unknownFieldBytes)
        // Fields beyond the first 16 are recorded in slabs, each twice as large as the one before.
        var recorded = Self.firstSlabFields
        var slab = Self.firstSlabFields
        while recorded < fieldsHere {
            slab *= 2
            recorded += slab
            try need(slab * Self.scannedFieldBytes)
        }
        // The arena rounds up each repeated field's array.
        try need(Int(descriptor.pointee.n_fields) * DecodingArena.alignment)
    }

    /// Adds an allocation, as the arena rounds it up.
    private mutating func need(_ bytes: Int) throws(WireError) {
        memoryBytes += (bytes + DecodingArena.alignment - 1) & ~(DecodingArena.alignment - 1)
        guard memoryBytes <= limits.memoryBytes else {
            throw WireError(
                .tooLarge,
                "unpacking the message would take more than \(limits.memoryBytes) bytes; send less at once"
            )
        }
    }

    private mutating func needValue(
        _ known: UnsafePointer<ProtobufCFieldDescriptor>,
        _ field: FieldReader.Field
    ) throws(WireError) {
        let kind = ValueKind(known.pointee.type)
        if field.wireType == kind.wireType {
            // A singular scalar lies in the message itself; a repeated one in its array.
            try need(kind.memoryBytes)
            if kind == .bytes { try need(field.content.count + 1) }
        } else if known.pointee.label == PROTOBUF_C_LABEL_REPEATED, field.wireType == .lengthPrefixed,
            let count = kind.packedCount(field.content)
        {
            try need(count * kind.memoryBytes)
        } else {
            throw wrongWireType(known)
        }
    }

    private func refuseDuplicate(
        _ known: UnsafePointer<ProtobufCFieldDescriptor>,
        of descriptor: UnsafePointer<ProtobufCMessageDescriptor>,
        _ seen: inout UInt64
    ) throws(WireError) {
        let isOneOf = known.pointee.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0
        // The members of a message's only `oneof` share the last bit.
        let bit: UInt64 = isOneOf ? 1 << 63 : 1 << UInt64(known - descriptor.pointee.fields)
        guard seen & bit == 0 else {
            throw WireError(.malformed, field: String(cString: known.pointee.name), "it appears more than once")
        }
        seen |= bit
    }

    private func wrongWireType(_ known: UnsafePointer<ProtobufCFieldDescriptor>) -> WireError {
        WireError(.malformed, field: String(cString: known.pointee.name), "its encoding does not fit its type")
    }
}

/// How a scalar type travels and what protobuf-c keeps of it.
private enum ValueKind {
    case varint32, varint64, bool, fixed32, fixed64, bytes

    init(_ type: ProtobufCType) {
        self =
            switch type {
            case PROTOBUF_C_TYPE_INT64, PROTOBUF_C_TYPE_SINT64, PROTOBUF_C_TYPE_UINT64: .varint64
            case PROTOBUF_C_TYPE_SFIXED32, PROTOBUF_C_TYPE_FIXED32, PROTOBUF_C_TYPE_FLOAT: .fixed32
            case PROTOBUF_C_TYPE_SFIXED64, PROTOBUF_C_TYPE_FIXED64, PROTOBUF_C_TYPE_DOUBLE: .fixed64
            case PROTOBUF_C_TYPE_BOOL: .bool
            case PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_BYTES: .bytes
            default: .varint32
            }
    }

    var wireType: FieldReader.WireType {
        switch self {
        case .varint32, .varint64, .bool: .varint
        case .fixed32: .fixed32
        case .fixed64: .fixed64
        case .bytes: .lengthPrefixed
        }
    }

    var memoryBytes: Int {
        switch self {
        case .varint32, .bool, .fixed32: 4
        case .varint64, .fixed64: 8
        case .bytes: MemoryLayout<ProtobufCBinaryData>.stride
        }
    }

    /// How many values a packed list holds; nil when it is none.
    func packedCount(_ content: UnsafeRawBufferPointer) -> Int? {
        switch self {
        case .varint32, .varint64:
            var count = 0
            for byte in content where byte & 0x80 == 0 { count += 1 }
            return count
        case .bool: return content.count
        case .fixed32: return content.count % 4 == 0 ? content.count / 4 : nil
        case .fixed64: return content.count % 8 == 0 ? content.count / 8 : nil
        case .bytes: return nil
        }
    }
}
