import Tasks
import Tokenization
import Wire

/// Decodes a request's payload.
func decodeRequest(method: String, payload: [UInt8]) throws -> TaskRequest {
    switch method {
    case RPCMethod.classify:
        let message = try ClassifyRequest.decode(payload)
        let topK: Int? = message.allLabels ? nil : max(1, Int(message.topK))
        return .classify(
            message.inputs.map(TaskText.init),
            ClassifyOptions(
                topK: topK,
                function: message.functionToApply.option,
                overlong: try message.truncation.overlong ?? .error
            )
        )
    case RPCMethod.embed:
        let message = try EmbedRequest.decode(payload)
        guard message.promptName.isEmpty else {
            throw WireError(.invalidValue, field: "prompt_name", "the model has no prompt '\(message.promptName)'")
        }
        guard !message.hasPrompt else {
            throw WireError(.invalidValue, field: "prompt", "put the prompt before the texts")
        }
        return .embed(
            message.inputs.map(TaskText.init),
            EmbedOptions(
                pooling: message.pooling.option,
                normalize: message.normalization.option,
                dimensions: message.truncateDim == 0 ? nil : Int(message.truncateDim),
                overlong: try message.truncation.overlong ?? .truncate
            )
        )
    case RPCMethod.features:
        let message = try FeaturesRequest.decode(payload)
        return .features(message.inputs.map(TaskText.init), try message.truncation.overlong ?? .error)
    case RPCMethod.tokenize:
        let message = try TokenizeRequest.decode(payload)
        return .tokenize(
            message.inputs.map(TaskText.init),
            TokenizeOptions(specialTokens: !message.withoutSpecialTokens, overlong: try message.truncation.overlong)
        )
    default:
        throw TaskError(.unsupported, "the method \(method) is unknown to this worker")
    }
}

/// Encodes an answer as the method's response message.
func encodeResult(_ result: TaskResult) -> [UInt8] {
    switch result {
    case .classify(let results):
        ClassifyResponse(
            results: results.map { result in
                Wire.Classification(
                    scores: result.scores.map { Wire.LabelScore(label: $0.label, score: $0.score) },
                    tokens: UInt32(result.tokens),
                    truncated: result.truncated
                )
            }
        ).encode()
    case .embed(let results):
        EmbedResponse(
            results: results.map {
                Wire.Embedding(values: $0.values, tokens: UInt32($0.tokens), truncated: $0.truncated)
            }
        ).encode()
    case .features(let results):
        FeaturesResponse(
            results: results.map {
                Wire.Features(
                    tokens: UInt32($0.tokens),
                    hidden: UInt32($0.hidden),
                    values: $0.values,
                    truncated: $0.truncated
                )
            }
        ).encode()
    case .tokenize(let results):
        TokenizeResponse(results: results.map(Wire.Encoding.init)).encode()
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
    /// - Throws: `WireError` for windows.
    var overlong: Overlong? {
        get throws(WireError) {
            switch self {
            case .default: return nil
            case .error: return .error
            case .truncate: return .truncate
            case .windows:
                throw WireError(.invalidValue, field: "truncation", "this task does not read texts in windows")
            }
        }
    }
}

extension FunctionToApply {
    var option: ClassifyOptions.Function? {
        switch self {
        case .default: nil
        case .none: ClassifyOptions.Function.none
        case .sigmoid: .sigmoid
        case .softmax: .softmax
        }
    }
}

extension Pooling {
    var option: EmbedOptions.Pooling? {
        switch self {
        case .default: nil
        case .mean: .mean
        case .cls: .cls
        case .max: .max
        }
    }
}

extension Normalization {
    var option: Bool? {
        switch self {
        case .default: nil
        case .none: false
        case .l2: true
        }
    }
}

extension Wire.Encoding {
    init(_ text: TokenizedText) {
        let encoding = text.encoding
        self.init(
            ids: encoding.ids.map(UInt32.init),
            typeIDs: encoding.typeIDs.map(UInt32.init),
            starts: encoding.offsets.map { UInt32($0.start) },
            ends: encoding.offsets.map { UInt32($0.end) },
            special: encoding.special,
            wordIDs: encoding.wordIDs,
            tokens: text.tokens,
            truncated: encoding.truncated
        )
    }
}
