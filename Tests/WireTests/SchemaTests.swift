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
        var tagTokensRequest = Inference__V1__TagTokensRequest()
        inference__v1__tag_tokens_request__init(&tagTokensRequest)
        var tagTokensResponse = Inference__V1__TagTokensResponse()
        inference__v1__tag_tokens_response__init(&tagTokensResponse)
        var answerQuestionRequest = Inference__V1__AnswerQuestionRequest()
        inference__v1__answer_question_request__init(&answerQuestionRequest)
        var answerQuestionResponse = Inference__V1__AnswerQuestionResponse()
        inference__v1__answer_question_response__init(&answerQuestionResponse)
        var fillMaskRequest = Inference__V1__FillMaskRequest()
        inference__v1__fill_mask_request__init(&fillMaskRequest)
        var fillMaskResponse = Inference__V1__FillMaskResponse()
        inference__v1__fill_mask_response__init(&fillMaskResponse)
        var zeroShotRequest = Inference__V1__ZeroShotRequest()
        inference__v1__zero_shot_request__init(&zeroShotRequest)
        var zeroShotResponse = Inference__V1__ZeroShotResponse()
        inference__v1__zero_shot_response__init(&zeroShotResponse)
        var rerankRequest = Inference__V1__RerankRequest()
        inference__v1__rerank_request__init(&rerankRequest)
        var rerankResponse = Inference__V1__RerankResponse()
        inference__v1__rerank_response__init(&rerankResponse)
        var multipleChoiceRequest = Inference__V1__MultipleChoiceRequest()
        inference__v1__multiple_choice_request__init(&multipleChoiceRequest)
        var multipleChoiceResponse = Inference__V1__MultipleChoiceResponse()
        inference__v1__multiple_choice_response__init(&multipleChoiceResponse)
        var inferRequest = Inference__V1__InferRequest()
        inference__v1__infer_request__init(&inferRequest)
        var inferResponse = Inference__V1__InferResponse()
        inference__v1__infer_response__init(&inferResponse)
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
        var cacheListRequest = Control__V1__CacheListRequest()
        control__v1__cache_list_request__init(&cacheListRequest)
        var cacheListResponse = Control__V1__CacheListResponse()
        control__v1__cache_list_response__init(&cacheListResponse)
        var cachePruneRequest = Control__V1__CachePruneRequest()
        control__v1__cache_prune_request__init(&cachePruneRequest)
        var cachePruneResponse = Control__V1__CachePruneResponse()
        control__v1__cache_prune_response__init(&cachePruneResponse)
        return [
            cacheListRequest.base, cacheListResponse.base, cachePruneRequest.base, cachePruneResponse.base,
            frame.base, worker.base, classifyRequest.base, classifyResponse.base, embedRequest.base,
            embedResponse.base, featuresRequest.base, featuresResponse.base, tokenizeRequest.base,
            tokenizeResponse.base, statusRequest.base, statusResponse.base, watchRequest.base, reloadRequest.base,
            reloadResponse.base, tagTokensRequest.base, tagTokensResponse.base, answerQuestionRequest.base,
            answerQuestionResponse.base, fillMaskRequest.base, fillMaskResponse.base, zeroShotRequest.base,
            zeroShotResponse.base, rerankRequest.base, rerankResponse.base, multipleChoiceRequest.base,
            multipleChoiceResponse.base, inferRequest.base, inferResponse.base,
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
        #expect(names.count == 79)
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
