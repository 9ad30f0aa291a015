import Tasks
import Wire

/// Decodes a request's payload.
func decodeRequest(method: String, payload: [UInt8]) throws -> TaskRequest {
    switch method {
    case RPCMethod.classify: try ClassifyRequest.decode(payload).taskRequest
    case RPCMethod.embed: try EmbedRequest.decode(payload).taskRequest
    case RPCMethod.features: try FeaturesRequest.decode(payload).taskRequest
    case RPCMethod.tokenize: try TokenizeRequest.decode(payload).taskRequest
    case RPCMethod.tagTokens: try TagTokensRequest.decode(payload).taskRequest
    case RPCMethod.answerQuestion: try AnswerQuestionRequest.decode(payload).taskRequest
    case RPCMethod.fillMask: try FillMaskRequest.decode(payload).taskRequest
    case RPCMethod.zeroShot: try ZeroShotRequest.decode(payload).taskRequest
    case RPCMethod.rerank: try RerankRequest.decode(payload).taskRequest
    case RPCMethod.multipleChoice: try MultipleChoiceRequest.decode(payload).taskRequest
    case RPCMethod.infer: try InferRequest.decode(payload).taskRequest
    default: throw TaskError(.unsupported, "the method \(method) is unknown to this worker")
    }
}

/// Encodes an answer as the method's response message.
func encodeResult(_ result: TaskResult) -> [UInt8] {
    switch result {
    case .classify(let results): ClassifyResponse(results: results.map(Wire.Classification.init)).encode()
    case .embed(let results): EmbedResponse(results: results.map(Wire.Embedding.init)).encode()
    case .features(let results): FeaturesResponse(results: results.map(Wire.Features.init)).encode()
    case .tokenize(let results): TokenizeResponse(results: results.map(Wire.Encoding.init)).encode()
    case .tag(let results): TagTokensResponse(results: results.map(Wire.TaggedText.init)).encode()
    case .answer(let results): AnswerQuestionResponse(results: results.map(Wire.QuestionAnswers.init)).encode()
    case .fillMask(let results): FillMaskResponse(results: results.map(Wire.FilledText.init)).encode()
    case .zeroShot(let results): ZeroShotResponse(results: results.map(Wire.Classification.init)).encode()
    case .rerank(let results): RerankResponse(results: results.map(Wire.Relevance.init)).encode()
    case .multipleChoice(let results): MultipleChoiceResponse(results: results.map(Wire.ChoiceScores.init)).encode()
    case .infer(let tensors, let tokens):
        InferResponse(outputs: tensors.map(Wire.Tensor.init), tokens: UInt32(clamping: tokens)).encode()
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
