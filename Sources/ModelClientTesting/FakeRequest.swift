import Messages
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
        case InferenceMethod.classify.rawValue: return try ClassifyRequest.decode(payload).inputs.map(\.text)
        case InferenceMethod.embed.rawValue: return try EmbedRequest.decode(payload).inputs.map(\.text)
        case InferenceMethod.features.rawValue: return try FeaturesRequest.decode(payload).inputs.map(\.text)
        case InferenceMethod.tokenize.rawValue: return try TokenizeRequest.decode(payload).inputs.map(\.text)
        case InferenceMethod.tagTokens.rawValue: return try TagTokensRequest.decode(payload).texts
        case InferenceMethod.answerQuestion.rawValue:
            return try AnswerQuestionRequest.decode(payload).inputs.map(\.question)
        case InferenceMethod.fillMask.rawValue: return try FillMaskRequest.decode(payload).texts
        case InferenceMethod.zeroShot.rawValue: return try ZeroShotRequest.decode(payload).texts
        case InferenceMethod.rerank.rawValue: return try RerankRequest.decode(payload).texts
        case InferenceMethod.multipleChoice.rawValue:
            return try MultipleChoiceRequest.decode(payload).inputs.map(\.text)
        default: return []
        }
    }
}
