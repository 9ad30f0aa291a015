import CWireMessages
import Testing

/// What `Wire` relies on in the schema.
@Suite struct SchemaTests {
    /// The two frames and every payload, from the generated `__init` functions.
    private static func roots() -> [UnsafePointer<ProtobufCMessageDescriptor>] {
        var frame = Distillery__V1__Frame()
        distillery__v1__frame__init(&frame)
        var worker = Worker__V1__WorkerFrame()
        worker__v1__worker_frame__init(&worker)
        var classifyRequest = Inference__V1__ClassifyRequest()
        inference__v1__classify_request__init(&classifyRequest)
        var classifyResponse = Inference__V1__ClassifyResponse()
        inference__v1__classify_response__init(&classifyResponse)
        var embedRequest = Inference__V1__EmbedRequest()
        inference__v1__embed_request__init(&embedRequest)
        var embedResponse = Inference__V1__EmbedResponse()
        inference__v1__embed_response__init(&embedResponse)
        var featuresRequest = Inference__V1__FeaturesRequest()
        inference__v1__features_request__init(&featuresRequest)
        var featuresResponse = Inference__V1__FeaturesResponse()
        inference__v1__features_response__init(&featuresResponse)
        var tokenizeRequest = Inference__V1__TokenizeRequest()
        inference__v1__tokenize_request__init(&tokenizeRequest)
        var tokenizeResponse = Inference__V1__TokenizeResponse()
        inference__v1__tokenize_response__init(&tokenizeResponse)
        var statusRequest = Control__V1__StatusRequest()
        control__v1__status_request__init(&statusRequest)
        var statusResponse = Control__V1__StatusResponse()
        control__v1__status_response__init(&statusResponse)
        var watchRequest = Control__V1__WatchRequest()
        control__v1__watch_request__init(&watchRequest)
        var reloadRequest = Control__V1__ReloadRequest()
        control__v1__reload_request__init(&reloadRequest)
        var reloadResponse = Control__V1__ReloadResponse()
        control__v1__reload_response__init(&reloadResponse)
        return [
            frame.base, worker.base, classifyRequest.base, classifyResponse.base, embedRequest.base,
            embedResponse.base, featuresRequest.base, featuresResponse.base, tokenizeRequest.base,
            tokenizeResponse.base, statusRequest.base, statusResponse.base, watchRequest.base, reloadRequest.base,
            reloadResponse.base,
        ].map { $0.descriptor }
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
        #expect(names.count == 47)
    }

    @Test func textIsBytesAndTheScansBitsSuffice() {
        for root in Self.roots() {
            Self.visit(root, within: []) { message in
                let name = String(cString: message.pointee.name)
                let fields = Self.fields(of: message)
                #expect(fields.allSatisfy { $0.type != PROTOBUF_C_TYPE_STRING }, "\(name) has a string field")
                // PreScan keeps one bit a field, and the last for the only oneof.
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
