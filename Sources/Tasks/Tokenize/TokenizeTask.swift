import Messages
import Tokenization

/// Tokens, offsets and word ids; any text will do, also an empty one.
struct TokenizeTask: InferenceTask {
    static let method = InferenceMethod.tokenize
    private let request: TokenizeRequest

    init(_ request: TokenizeRequest) { self.request = request }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.inputs.isEmpty else { throw .invalid("inputs", "there is no text") }
        try model.meter.expect(request.inputs.count, "inputs")
        try request.truncation.refuseWindows()
        var results: [TextEncoding] = []
        for (index, text) in request.inputs.enumerated() {
            let encoding: Encoding
            do {
                encoding = try model.tokenizer.encode(
                    text.text,
                    pair: text.pair,
                    addSpecialTokens: !request.withoutSpecialTokens,
                    maxLength: request.truncation == .truncate ? model.textLimit : nil
                )
            } catch {
                throw .invalid("inputs[\(index)]", error.message)
            }
            if request.truncation == .error {
                try model.check(length: encoding.count, "inputs[\(index)].text", limit: model.maxTokens)
            }
            try model.meter.add(tokens: encoding.count, "inputs[\(index)].text")
            results.append(
                TextEncoding(
                    ids: encoding.ids.map(UInt32.init),
                    typeIDs: encoding.typeIDs.map(UInt32.init),
                    starts: encoding.offsets.map { UInt32($0.start) },
                    ends: encoding.offsets.map { UInt32($0.end) },
                    special: encoding.special,
                    wordIDs: encoding.wordIDs,
                    tokens: encoding.ids.map { model.tokenizer.token(for: $0) ?? "" },
                    truncated: encoding.truncated
                )
            )
        }
        return PreparedTask(answered: .tokenize(TokenizeResponse(results: results)))
    }
}
