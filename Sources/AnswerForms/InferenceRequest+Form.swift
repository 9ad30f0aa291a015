package import JSON
package import Messages

extension InferenceRequest {
    /// Reads one input, and options where there are any.
    ///
    /// - Throws: `FormError` about what is missing, unknown, or otherwise than the task has it.
    package init(
        _ method: InferenceMethod,
        input: JSONValue,
        options: JSONValue? = nil
    ) throws(FormError) {
        func read<Request: TaskForm>(_ request: Request) throws(FormError) -> Request {
            var request = request
            let (input, options) = (try FormObject(input: input), try FormObject(options, at: "options"))
            try request.read(input)
            try input.refuseOthers(of: "`input` of \(method.task)")
            try request.read(options: options)
            try options.refuseOthers(of: "`options` of \(method.task)")
            return request
        }
        switch method {
        case .classify: self = .classify(try read(ClassifyRequest()))
        case .embed: self = .embed(try read(EmbedRequest()))
        case .features: self = .features(try read(FeaturesRequest()))
        case .tokenize: self = .tokenize(try read(TokenizeRequest()))
        case .tagTokens: self = .tagTokens(try read(TagTokensRequest()))
        case .answerQuestion: self = .answerQuestion(try read(AnswerQuestionRequest()))
        case .fillMask: self = .fillMask(try read(FillMaskRequest()))
        case .zeroShot: self = .zeroShot(try read(ZeroShotRequest()))
        case .rerank: self = .rerank(try read(RerankRequest()))
        case .multipleChoice: self = .multipleChoice(try read(MultipleChoiceRequest()))
        case .infer: self = .infer(try read(InferRequest()))
        }
    }

    /// The answer in the keys of `transformers`; nil where it does not fit this request of one input.
    package func form(of response: InferenceResponse) -> AnswerValue? {
        func form<Request: TaskForm>(_ request: Request, _ answer: Request.Answer) -> AnswerValue? {
            request.outcome(of: answer).map(request.form)
        }
        return switch (self, response) {
        case (.classify(let request), .classify(let answer)): form(request, answer)
        case (.embed(let request), .embed(let answer)): form(request, answer)
        case (.features(let request), .features(let answer)): form(request, answer)
        case (.tokenize(let request), .tokenize(let answer)): form(request, answer)
        case (.tagTokens(let request), .tagTokens(let answer)): form(request, answer)
        case (.answerQuestion(let request), .answerQuestion(let answer)): form(request, answer)
        case (.fillMask(let request), .fillMask(let answer)): form(request, answer)
        case (.zeroShot(let request), .zeroShot(let answer)): form(request, answer)
        case (.rerank(let request), .rerank(let answer)): form(request, answer)
        case (.multipleChoice(let request), .multipleChoice(let answer)): form(request, answer)
        case (.infer(let request), .infer(let answer)): form(request, answer)
        case (.classify, _), (.embed, _), (.features, _), (.tokenize, _), (.tagTokens, _), (.answerQuestion, _),
            (.fillMask, _), (.zeroShot, _), (.rerank, _), (.multipleChoice, _), (.infer, _):
            nil
        }
    }
}

extension JSONValue {
    /// The text, question or query that an input is about, for people; empty where there is none.
    package var title: String {
        switch self {
        case .string(let text): return text
        case .object(let object):
            for key in ["text", "question", "query"] {
                if case .string(let text) = object[key] { return text }
            }
            return ""
        default: return ""
        }
    }
}
