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
        method = Self.methodName(request.method)
        model = request.model
        timeout = .microseconds(Int64(clamping: request.timeoutMicroseconds))
        requestID = request.requestID
        traceparent = request.traceparent
        let asked = InferenceMethod(rawValue: request.method)
        texts =
            switch asked.flatMap({ try? InferenceRequest.decode($0, request.payload) }) {
            case .classify(let message): message.inputs.map(\.text)
            case .embed(let message): message.inputs.map(\.text)
            case .features(let message): message.inputs.map(\.text)
            case .tokenize(let message): message.inputs.map(\.text)
            case .tagTokens(let message): message.texts
            case .answerQuestion(let message): message.inputs.map(\.question)
            case .fillMask(let message): message.texts
            case .zeroShot(let message): message.texts
            case .rerank(let message): message.texts
            case .multipleChoice(let message): message.inputs.map(\.text)
            case .infer, nil: []
            }
    }

    /// A method's name without its service.
    static func methodName(_ method: String) -> String {
        method.split(separator: "/").last.map(String.init) ?? method
    }
}
