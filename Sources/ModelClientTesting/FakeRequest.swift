import Wire

/// A call that a fake server was asked to answer.
public struct FakeRequest: Sendable, Hashable {
    /// The method's name without its service: `Classify`, `Embed`, `TagTokens`, ….
    public var method: String
    /// The model, as the caller named it.
    public var model: String
    /// The texts that were asked about; of pairs, the first ones; of questions, the questions.
    public var texts: [String]
    /// How much time the caller had left.
    public var timeout: Duration
    /// The caller's name for the request; empty when it gave none.
    public var requestID: String
    /// The caller's span; empty when it gave none.
    public var traceparent: String

    init(_ request: Request) {
        method = request.method.split(separator: "/").last.map(String.init) ?? request.method
        model = request.model
        timeout = .microseconds(Int64(clamping: request.timeoutMicroseconds))
        requestID = request.requestID
        traceparent = request.traceparent
        texts = (try? Self.texts(request)) ?? []
    }

    private static func texts(_ request: Request) throws(WireError) -> [String] {
        let payload = request.payload
        switch request.method {
        case RPCMethod.classify: return try ClassifyRequest.decode(payload).inputs.map(\.text)
        case RPCMethod.embed: return try EmbedRequest.decode(payload).inputs.map(\.text)
        case RPCMethod.features: return try FeaturesRequest.decode(payload).inputs.map(\.text)
        case RPCMethod.tokenize: return try TokenizeRequest.decode(payload).inputs.map(\.text)
        case RPCMethod.tagTokens: return try TagTokensRequest.decode(payload).texts
        case RPCMethod.answerQuestion: return try AnswerQuestionRequest.decode(payload).inputs.map(\.question)
        case RPCMethod.fillMask: return try FillMaskRequest.decode(payload).texts
        case RPCMethod.zeroShot: return try ZeroShotRequest.decode(payload).texts
        case RPCMethod.rerank: return try RerankRequest.decode(payload).texts
        case RPCMethod.multipleChoice: return try MultipleChoiceRequest.decode(payload).inputs.map(\.text)
        default: return []
        }
    }
}
