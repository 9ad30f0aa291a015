/// What a message may cost to unpack. Checked before protobuf-c sees the bytes.
package struct DecodingLimits: Sendable, Equatable {
    /// The most fields in a message and all the messages within it.
    package var fields: Int
    /// The most fields that the schema does not know, counted the same way. A newer peer sends a few.
    package var unknownFields: Int
    /// The most memory for the unpacked message.
    package var memoryBytes: Int

    package init(fields: Int = 1 << 19, unknownFields: Int = 1_000, memoryBytes: Int = 96 << 20) {
        self.fields = fields
        self.unknownFields = unknownFields
        self.memoryBytes = memoryBytes
    }

    package static let `default` = DecodingLimits()
}
