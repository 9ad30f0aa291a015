import Messages
public import ModelClient
import Wire

// By name, so that these are the client's types and not the messages of the same names.
public import struct ModelClient.ChoiceInput
public import struct ModelClient.Classification
public import struct ModelClient.LabelScore
public import struct ModelClient.QuestionInput
public import struct ModelClient.Tensor
public import struct ModelClient.TextInput

extension Classification {
    /// A classification with one label.
    public static func label(_ label: String, _ score: Float = 0.9) -> Classification {
        Classification(scores: [LabelScore(label: label, score: score)])
    }
}

extension FakeModelServer {
    /// Answers `classify` of a model: one classification per text, labels with the best first. A closure that throws a
    /// `ModelClientError` answers with its code; so do those of the other tasks.
    ///
    /// ```swift
    /// server.onClassify("sentiment") { text in text.text.contains("love") ? .label("POSITIVE") : .label("NEGATIVE") }
    /// ```
    ///
    /// - Parameters:
    ///   - model: the name, without or with version and variant.
    ///   - answer: what is answered to a text.
    public func onClassify(_ model: String, _ answer: @escaping @Sendable (TextInput) async throws -> Classification) {
        on(model, \ClassifyRequest.inputs, ClassifyResponse.init) { input, _ in
            Messages.Classification(try await answer(TextInput(input)))
        }
    }

    /// Answers zero-shot `classify` of a model: is given a text and the labels, and returns the label that fits best, which
    /// gets the score 0.9; the others share the rest.
    ///
    /// ```swift
    /// server.onZeroShot("nli") { text, labels in labels.first { text.contains($0) } ?? labels[0] }
    /// ```
    public func onZeroShot(_ model: String, _ answer: @escaping @Sendable (String, [String]) async throws -> String) {
        on(model, \ZeroShotRequest.texts, ZeroShotResponse.init) { text, request in
            guard !request.labels.isEmpty else { throw WireError(.invalidValue, field: "labels", "there is none") }
            let best = try await answer(text, request.labels)
            let others = request.labels.filter { $0 != best }
            let rest = 0.1 / Float(max(1, others.count))
            return Messages.Classification(
                scores: [Messages.LabelScore(label: best, score: others.isEmpty ? 1 : 0.9)]
                    + others.map { Messages.LabelScore(label: $0, score: rest) },
                tokens: Self.tokens(text)
            )
        }
    }

    /// Answers `embed` of a model.
    ///
    /// ```swift
    /// server.onEmbed("minilm")                                  // a vector that depends on the text alone
    /// server.onEmbed("minilm") { text in text.text == "cat" ? [1, 0] : [0, 1] }
    /// ```
    ///
    /// - Parameters:
    ///   - model: the name, without or with version and variant.
    ///   - answer: the vector of a text; by default eight numbers made of the text's bytes, of length 1.
    public func onEmbed(
        _ model: String,
        _ answer: @escaping @Sendable (TextInput) async throws -> [Float] = { fakeVector(of: $0.text) }
    ) {
        on(model, \EmbedRequest.inputs, EmbedResponse.init) { input, _ in
            Messages.Embedding(values: try await answer(TextInput(input)), tokens: Self.tokens(input.text))
        }
    }

    /// Answers `tag` of a model: returns labels and the parts of the text that have them, in the order of the text.
    ///
    /// ```swift
    /// server.onTag("ner") { text in [("PER", "Ada"), ("LOC", "London")].filter { text.contains($0.1) } }
    /// ```
    public func onTag(
        _ model: String,
        _ answer: @escaping @Sendable (String) async throws -> [(label: String, text: String)]
    ) {
        on(model, \TagTokensRequest.texts, TagTokensResponse.init) { text, _ in
            var entities: [Messages.Entity] = []
            var start = text.startIndex
            for (label, part) in try await answer(text) {
                let range = try Self.find(part, in: text, from: start)
                start = range.upperBound
                let offsets = Self.offsets(range, in: text)
                entities.append(
                    Messages.Entity(label: label, score: 0.9, word: part, start: offsets.start, end: offsets.end)
                )
            }
            return Messages.TaggedText(entities: entities, tokens: Self.tokens(text))
        }
    }

    /// Answers `answer` of a model: returns a part of the context, or nil when it has no answer.
    ///
    /// ```swift
    /// server.onAnswer("qa") { input in input.question.hasPrefix("Where") ? "London" : nil }
    /// ```
    public func onAnswer(_ model: String, _ answer: @escaping @Sendable (QuestionInput) async throws -> String?) {
        on(model, \AnswerQuestionRequest.inputs, AnswerQuestionResponse.init) { input, _ in
            let question = QuestionInput(input.question, context: input.context)
            var span = Messages.AnswerSpan(score: 0.9)
            if let text = try await answer(question) {
                let range = try Self.find(text, in: input.context, from: input.context.startIndex)
                span.answer = text
                (span.start, span.end) = Self.offsets(range, in: input.context)
            }
            let tokens = Self.tokens(input.question) + Self.tokens(input.context)
            return QuestionAnswers(answers: [span], tokens: tokens, windows: 1)
        }
    }

    /// Answers `fillMask` of a model: returns the words that may stand in the place of each `[MASK]`, best first.
    ///
    /// ```swift
    /// server.onFillMask("distilbert") { text in ["capital", "heart"] }
    /// ```
    public func onFillMask(_ model: String, _ answer: @escaping @Sendable (String) async throws -> [String]) {
        on(model, \FillMaskRequest.texts, FillMaskResponse.init) { text, _ in
            var masks: [Messages.FilledMask] = []
            var start = text.startIndex
            let words = try await answer(text)
            while let range = try? Self.find("[MASK]", in: text, from: start) {
                start = range.upperBound
                let tokens = words.enumerated().map { index, word in
                    let sequence = String(text[..<range.lowerBound] + word + text[range.upperBound...])
                    let score = 0.9 / Float(index + 1)
                    return Messages.FilledToken(token: UInt32(index), tokenStr: word, score: score, sequence: sequence)
                }
                let offsets = Self.offsets(range, in: text)
                masks.append(Messages.FilledMask(tokens: tokens, start: offsets.start, end: offsets.end))
            }
            guard !masks.isEmpty else {
                throw ModelClientError(code: .invalidArgument, message: "texts: there is no [MASK] in '\(text)'")
            }
            return Messages.FilledText(masks: masks, tokens: Self.tokens(text))
        }
    }

    /// Answers `rerank` of a model: is given the query and a text, and returns its score.
    ///
    /// ```swift
    /// server.onRerank("ranker") { query, text in text.contains(query) ? 0.9 : 0.1 }
    /// ```
    public func onRerank(_ model: String, _ answer: @escaping @Sendable (String, String) async throws -> Float) {
        on(model, \RerankRequest.texts, RerankResponse.init) { text, request in
            let score = try await answer(request.query, text)
            return Relevance(score: score, tokens: Self.tokens(text))
        }
    }

    /// Answers `choose` of a model: returns the place of the choice that fits, which gets the score 0.9; the others share
    /// the rest.
    ///
    /// ```swift
    /// server.onChoose("swag") { input in input.choices.firstIndex { $0.contains("tea") } ?? 0 }
    /// ```
    public func onChoose(_ model: String, _ answer: @escaping @Sendable (ChoiceInput) async throws -> Int) {
        on(model, \MultipleChoiceRequest.inputs, MultipleChoiceResponse.init) { input, _ in
            let best = try await answer(ChoiceInput(input.text, choices: input.choices))
            let rest = 0.1 / Float(max(1, input.choices.count - 1))
            let scores = input.choices.indices.map { $0 == best ? (input.choices.count > 1 ? 0.9 : 1) : rest }
            return ChoiceScores(scores: scores, tokens: Self.tokens(input.text))
        }
    }

    /// Answers `infer` of a model: is given the input tensors, and returns the outputs.
    ///
    /// ```swift
    /// server.onInfer("sentiment") { _ in [Tensor("logits", shape: [1, 2], values: .float32([-1, 1]))] }
    /// ```
    public func onInfer(_ model: String, _ answer: @escaping @Sendable ([Tensor]) async throws -> [Tensor]) {
        register(model) { (request: InferRequest) in
            let outputs = try await answer(request.inputs.map { Tensor($0) })
            return InferResponse(outputs: outputs.map(\.message))
        }
    }

    /// Answers `features` of a model.
    ///
    /// ```swift
    /// server.onFeatures("minilm") { _ in TokenFeatures(tokens: 1, hidden: 2, values: [0.5, 1]) }
    /// ```
    public func onFeatures(_ model: String, _ answer: @escaping @Sendable (TextInput) async throws -> TokenFeatures) {
        on(model, \FeaturesRequest.inputs, FeaturesResponse.init) { input, _ in
            let features = try await answer(TextInput(input))
            return Features(
                tokens: UInt32(clamping: features.tokens),
                hidden: UInt32(clamping: features.hidden),
                values: features.values,
                truncated: features.truncated
            )
        }
    }

    /// Answers `tokenize` of a model: returns the tokens' texts, which get the numbers 0, 1, 2, … and empty offsets.
    ///
    /// ```swift
    /// server.onTokenize("minilm") { text in text.text.split(separator: " ").map(String.init) }
    /// ```
    public func onTokenize(_ model: String, _ answer: @escaping @Sendable (TextInput) async throws -> [String]) {
        on(model, \TokenizeRequest.inputs, TokenizeResponse.init) { input, _ in
            let tokens = try await answer(TextInput(input))
            let zeros = [UInt32](repeating: 0, count: tokens.count)
            return Messages.TextEncoding(
                ids: tokens.indices.map { UInt32($0) },
                typeIDs: zeros,
                starts: zeros,
                ends: zeros,
                special: tokens.map { _ in false },
                wordIDs: tokens.indices.map { Int32($0) },
                tokens: tokens
            )
        }
    }
}

extension FakeModelServer {
    /// Answers one input after the other, in their order.
    ///
    /// - Parameters:
    ///   - model: the name, without or with version and variant.
    ///   - inputs: the inputs of the method's request.
    ///   - response: makes the method's answer of one result per input.
    ///   - answer: the result for one input of a request.
    private func on<Message: RPCRequest & WireMessage, Input, Result>(
        _ model: String,
        _ inputs: any KeyPath<Message, [Input]> & Sendable,
        _ response: @escaping @Sendable ([Result]) -> Message.Answer,
        _ answer: @escaping @Sendable (Input, Message) async throws -> Result
    ) where Message.Answer: WireMessage {
        register(model) { (request: Message) in
            var results: [Result] = []
            for input in request[keyPath: inputs] { results.append(try await answer(input, request)) }
            return response(results)
        }
    }
}

/// Eight numbers made of a text's bytes, of length 1: the same for the same text, others for others.
@usableFromInline func fakeVector(of text: String) -> [Float] {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let values = (0..<8).map { Float((hash >> ($0 * 8)) & 0xff) - 127.5 }
    let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return values.map { $0 / length }
}
