import CWireMessages
import Testing
import Wire

/// What `Wire` relies on in the schema.
@Suite struct SchemaTests {
    private static func roots() -> [UnsafePointer<ProtobufCMessageDescriptor>] {
        MessageRegistry.all.map { $0.schema }
    }

    private static func fields(
        of message: UnsafePointer<ProtobufCMessageDescriptor>
    ) -> [ProtobufCFieldDescriptor] {
        Array(UnsafeBufferPointer(start: message.pointee.fields, count: Int(message.pointee.n_fields)))
    }

    /// Visits a message and all that it contains; fails when one contains itself.
    private static func visit(
        _ message: UnsafePointer<ProtobufCMessageDescriptor>,
        within outer: [UnsafePointer<ProtobufCMessageDescriptor>],
        _ body: (UnsafePointer<ProtobufCMessageDescriptor>) -> Void
    ) {
        guard !outer.contains(message) else {
            Issue.record("\(String(cString: message.pointee.name)) contains itself")
            return
        }
        body(message)
        for field in fields(of: message) where field.type == PROTOBUF_C_TYPE_MESSAGE {
            visit(
                field.descriptor.assumingMemoryBound(to: ProtobufCMessageDescriptor.self),
                within: outer + [message],
                body
            )
        }
    }

    @Test func noMessageContainsItself() {
        var names: Set<String> = []
        for root in Self.roots() { Self.visit(root, within: []) { names.insert(String(cString: $0.pointee.name)) } }
        #expect(names.count == MessageRegistry.all.count)
    }

    @Test func textIsBytesAndTheScansBitsSuffice() {
        for root in Self.roots() {
            Self.visit(root, within: []) { message in
                let name = String(cString: message.pointee.name)
                let fields = Self.fields(of: message)
                #expect(fields.allSatisfy { $0.type != PROTOBUF_C_TYPE_STRING }, "\(name) has a string field")
                // PreScan keeps one bit per field, and the last for the only oneof.
                #expect(fields.count < 64, "\(name)")
                var oneOfs: Set<UInt32> = []
                for field in fields where field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue != 0 {
                    oneOfs.insert(field.quantifier_offset)
                    #expect(field.type == PROTOBUF_C_TYPE_MESSAGE, "\(name)")
                }
                #expect(oneOfs.count <= 1, "\(name)")
            }
        }
    }
}
