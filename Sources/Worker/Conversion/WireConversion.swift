import Messages
import Tasks
import Wire

/// Decodes a request's payload.
func decodeRequest(method: String, payload: [UInt8]) throws -> TaskRequest {
    switch method {
    case InferenceMethod.classify.rawValue: try ClassifyRequest.decode(payload).taskRequest
    case InferenceMethod.embed.rawValue: try EmbedRequest.decode(payload).taskRequest
    case InferenceMethod.features.rawValue: try FeaturesRequest.decode(payload).taskRequest
    case InferenceMethod.tokenize.rawValue: try TokenizeRequest.decode(payload).taskRequest
    case InferenceMethod.tagTokens.rawValue: try TagTokensRequest.decode(payload).taskRequest
    case InferenceMethod.answerQuestion.rawValue: try AnswerQuestionRequest.decode(payload).taskRequest
    case InferenceMethod.fillMask.rawValue: try FillMaskRequest.decode(payload).taskRequest
    case InferenceMethod.zeroShot.rawValue: try ZeroShotRequest.decode(payload).taskRequest
    case InferenceMethod.rerank.rawValue: try RerankRequest.decode(payload).taskRequest
    case InferenceMethod.multipleChoice.rawValue: try MultipleChoiceRequest.decode(payload).taskRequest
    case InferenceMethod.infer.rawValue: try InferRequest.decode(payload).taskRequest
    default: throw TaskError(.unsupported, "the method \(method) is unknown to this worker")
    }
}

/// Encodes an answer as the method's response message.
func encodeResult(_ result: TaskResult) -> [UInt8] {
    switch result {
    case .classify(let results): ClassifyResponse(results: results.map(Messages.Classification.init)).encode()
    case .embed(let results): EmbedResponse(results: results.map(Messages.Embedding.init)).encode()
    case .features(let results): FeaturesResponse(results: results.map(Messages.Features.init)).encode()
    case .tokenize(let results): TokenizeResponse(results: results.map(TextEncoding.init)).encode()
    case .tag(let results): TagTokensResponse(results: results.map(Messages.TaggedText.init)).encode()
    case .answer(let results): AnswerQuestionResponse(results: results.map(Messages.QuestionAnswers.init)).encode()
    case .fillMask(let results): FillMaskResponse(results: results.map(Messages.FilledText.init)).encode()
    case .zeroShot(let results): ZeroShotResponse(results: results.map(Messages.Classification.init)).encode()
    case .rerank(let results): RerankResponse(results: results.map(Messages.Relevance.init)).encode()
    case .multipleChoice(let results): MultipleChoiceResponse(results: results.map(Messages.ChoiceScores.init)).encode()
    case .infer(let tensors, let tokens):
        InferResponse(outputs: tensors.map(Messages.Tensor.init), tokens: UInt32(clamping: tokens)).encode()
    }
}

/// The status and message of a request that failed.
func describeFailure(_ error: any Error) -> (StatusCode, String) {
    switch error {
    case let error as WireError: return (error.status, error.message)
    case let error as TaskError:
        switch error.kind {
        case .invalidArgument: return (.invalidArgument, error.message)
        case .unsupported: return (.unimplemented, error.message)
        case .internal: return (.internal, error.message)
        }
    default: return (.internal, "\(error)")
    }
}

extension TaskText {
    init(_ input: TextInput) { self.init(input.text, pair: input.hasPair ? input.textPair : nil) }
}

extension Truncation {
    var overlong: Overlong? {
        switch self {
        case .default: nil
        case .error: .error
        case .truncate: .truncate
        case .windows: .windows
        }
    }
}

extension FunctionToApply {
    var function: ScoreFunction? {
        switch self {
        case .default: nil
        case .none: ScoreFunction.none
        case .sigmoid: .sigmoid
        case .softmax: .softmax
        }
    }
}

/// A number of which 0 means that the caller leaves it to the task.
func given(_ number: UInt32) -> Int? { number == 0 ? nil : Int(number) }
