public import ModelClient

import struct Messages.AnswerQuestionRequest
import struct Messages.AnswerQuestionResponse
import struct Messages.ChoiceScores
import struct Messages.ClassifyRequest
import struct Messages.ClassifyResponse
import struct Messages.EmbedRequest
import struct Messages.EmbedResponse
import struct Messages.Features
import struct Messages.FeaturesRequest
import struct Messages.FeaturesResponse
import struct Messages.FillMaskRequest
import struct Messages.FillMaskResponse
import struct Messages.InferRequest
import struct Messages.InferResponse
import enum Messages.InferenceMethod
import struct Messages.MultipleChoiceRequest
import struct Messages.MultipleChoiceResponse
import struct Messages.QuestionAnswers
// Not the whole module: some of its messages have names of the client's public types.
import struct Messages.Relevance
import struct Messages.RerankRequest
import struct Messages.RerankResponse
import struct Messages.TagTokensRequest
import struct Messages.TagTokensResponse
import struct Messages.TextEncoding
import struct Messages.TokenizeRequest
import struct Messages.TokenizeResponse
import struct Messages.ZeroShotRequest
import struct Messages.ZeroShotResponse
import struct Wire.WireError

extension Classification {
    /// A classification with one label.
    public static func label(_ label: String, _ score: Float = 0.9) -> Classification {
        Classification(scores: [LabelScore(label: label, score: score)])
    }
}

extension FakeModelServer {
    /// Answers `classify` of a model: one classification a text, labels with the best first. A closure that throws a
    /// `ModelClientError` answers with its code; so do those of the other tasks.
    ///
    /// ```swift
    /// server.onClassify("sentiment") { text in text.text.contains("love") ? .label("POSITIVE") : .label("NEGATIVE") }
    /// ```
    ///
    /// - Parameters:
    ///   - model: the name, without or with version and variant.
    ///   - answer: what is answered to a text.
    public func onClassify(
        _ model: String,
        _ answer: @escaping @Sendable (TextInput) async throws -> Classification
    ) {
        register(InferenceMethod.classify.rawValue, model) { request in
            let inputs = try ClassifyRequest.decode(request.payload).inputs
            return ClassifyResponse(
                results: try await Self.each(inputs) { WireClassification(try await answer(TextInput($0))) }
            ).encode()
        }
    }

    /// Answers zero-shot `classify` of a model: is given a text and the labels, and returns the label that fits best, which
    /// gets the score 0.9; the others share the rest.
    ///
    /// ```swift
    /// server.onZeroShot("nli") { text, labels in labels.first { text.contains($0) } ?? labels[0] }
    /// ```
    public func onZeroShot(
        _ model: String,
        _ answer: @escaping @Sendable (String, [String]) async throws -> String
    ) {
        register(InferenceMethod.zeroShot.rawValue, model) { request in
            let message = try ZeroShotRequest.decode(request.payload)
            guard !message.labels.isEmpty else { throw WireError(.invalidValue, field: "labels", "there is none") }
            let results = try await Self.each(message.texts) { text in
                let best = try await answer(text, message.labels)
                let others = message.labels.filter { $0 != best }
                let rest = 0.1 / Float(max(1, others.count))
                return WireClassification(
                    scores: [WireLabelScore(label: best, score: others.isEmpty ? 1 : 0.9)]
                        + others.map { WireLabelScore(label: $0, score: rest) },
                    tokens: Self.tokens(text)
                )
            }
            return ZeroShotResponse(results: results).encode()
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
        register(InferenceMethod.embed.rawValue, model) { request in
            let inputs = try EmbedRequest.decode(request.payload).inputs
            let results = try await Self.each(inputs) { input in
                WireEmbedding(values: try await answer(TextInput(input)), tokens: Self.tokens(input.text))
            }
            return EmbedResponse(results: results).encode()
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
        register(InferenceMethod.tagTokens.rawValue, model) { request in
            let texts = try TagTokensRequest.decode(request.payload).texts
            let results = try await Self.each(texts) { text in
                var entities: [WireEntity] = []
                var start = text.startIndex
                for (label, part) in try await answer(text) {
                    let range = try Self.find(part, in: text, from: start)
                    start = range.upperBound
                    let offsets = Self.offsets(range, in: text)
                    entities.append(
                        WireEntity(label: label, score: 0.9, word: part, start: offsets.start, end: offsets.end)
                    )
                }
                return WireTaggedText(entities: entities, tokens: Self.tokens(text))
            }
            return TagTokensResponse(results: results).encode()
        }
    }

    /// Answers `answer` of a model: returns a part of the context, or nil when it has no answer.
    ///
    /// ```swift
    /// server.onAnswer("qa") { input in input.question.hasPrefix("Where") ? "London" : nil }
    /// ```
    public func onAnswer(
        _ model: String,
        _ answer: @escaping @Sendable (QuestionInput) async throws -> String?
    ) {
        register(InferenceMethod.answerQuestion.rawValue, model) { request in
            let inputs = try AnswerQuestionRequest.decode(request.payload).inputs
            let results = try await Self.each(inputs) { input in
                let question = QuestionInput(input.question, context: input.context)
                let tokens = Self.tokens(input.question) + Self.tokens(input.context)
                guard let text = try await answer(question) else {
                    return QuestionAnswers(answers: [WireAnswerSpan(score: 0.9)], tokens: tokens, windows: 1)
                }
                let range = try Self.find(text, in: input.context, from: input.context.startIndex)
                let offsets = Self.offsets(range, in: input.context)
                let span = WireAnswerSpan(answer: text, score: 0.9, start: offsets.start, end: offsets.end)
                return QuestionAnswers(answers: [span], tokens: tokens, windows: 1)
            }
            return AnswerQuestionResponse(results: results).encode()
        }
    }

    /// Answers `fillMask` of a model: returns the words that may stand in the place of each `[MASK]`, best first.
    ///
    /// ```swift
    /// server.onFillMask("distilbert") { text in ["capital", "heart"] }
    /// ```
    public func onFillMask(_ model: String, _ answer: @escaping @Sendable (String) async throws -> [String]) {
        register(InferenceMethod.fillMask.rawValue, model) { request in
            let message = try FillMaskRequest.decode(request.payload)
            let results = try await Self.each(message.texts) { text in
                var masks: [WireFilledMask] = []
                var start = text.startIndex
                let words = try await answer(text)
                while let range = try? Self.find("[MASK]", in: text, from: start) {
                    start = range.upperBound
                    let tokens = words.enumerated().map { index, word in
                        let sequence = text.replacingCharacters(in: range, with: word)
                        let score = 0.9 / Float(index + 1)
                        return WireFilledToken(
                            token: UInt32(index),
                            tokenStr: word,
                            score: score,
                            sequence: sequence
                        )
                    }
                    let offsets = Self.offsets(range, in: text)
                    masks.append(WireFilledMask(tokens: tokens, start: offsets.start, end: offsets.end))
                }
                guard !masks.isEmpty else {
                    throw ModelClientError(code: .invalidArgument, message: "texts: there is no [MASK] in '\(text)'")
                }
                return WireFilledText(masks: masks, tokens: Self.tokens(text))
            }
            return FillMaskResponse(results: results).encode()
        }
    }

    /// Answers `rerank` of a model: is given the query and a text, and returns its score.
    ///
    /// ```swift
    /// server.onRerank("ranker") { query, text in text.contains(query) ? 0.9 : 0.1 }
    /// ```
    public func onRerank(_ model: String, _ answer: @escaping @Sendable (String, String) async throws -> Float) {
        register(InferenceMethod.rerank.rawValue, model) { request in
            let message = try RerankRequest.decode(request.payload)
            let results = try await Self.each(message.texts) { text in
                Relevance(score: try await answer(message.query, text), tokens: Self.tokens(text))
            }
            return RerankResponse(results: results).encode()
        }
    }

    /// Answers `choose` of a model: returns the place of the choice that fits, which gets the score 0.9; the others share
    /// the rest.
    ///
    /// ```swift
    /// server.onChoose("swag") { input in input.choices.firstIndex { $0.contains("tea") } ?? 0 }
    /// ```
    public func onChoose(
        _ model: String,
        _ answer: @escaping @Sendable (ChoiceInput) async throws -> Int
    ) {
        register(InferenceMethod.multipleChoice.rawValue, model) { request in
            let inputs = try MultipleChoiceRequest.decode(request.payload).inputs
            let results = try await Self.each(inputs) { input in
                let best = try await answer(ChoiceInput(input.text, choices: input.choices))
                let rest = 0.1 / Float(max(1, input.choices.count - 1))
                let scores = input.choices.indices.map { $0 == best ? (input.choices.count > 1 ? 0.9 : 1) : rest }
                return ChoiceScores(scores: scores, tokens: Self.tokens(input.text))
            }
            return MultipleChoiceResponse(results: results).encode()
        }
    }

    /// Answers `infer` of a model: is given the input tensors, and returns the outputs.
    ///
    /// ```swift
    /// server.onInfer("sentiment") { _ in [Tensor("logits", shape: [1, 2], values: .float32([-1, 1]))] }
    /// ```
    public func onInfer(
        _ model: String,
        _ answer: @escaping @Sendable ([Tensor]) async throws -> [Tensor]
    ) {
        register(InferenceMethod.infer.rawValue, model) { request in
            let inputs = try InferRequest.decode(request.payload).inputs.map { Tensor($0) }
            let outputs = try await answer(inputs)
            return InferResponse(outputs: outputs.map(\.message)).encode()
        }
    }

    /// Answers `features` of a model.
    ///
    /// ```swift
    /// server.onFeatures("minilm") { _ in TokenFeatures(tokens: 1, hidden: 2, values: [0.5, 1]) }
    /// ```
    public func onFeatures(
        _ model: String,
        _ answer: @escaping @Sendable (TextInput) async throws -> TokenFeatures
    ) {
        register(InferenceMethod.features.rawValue, model) { request in
            let inputs = try FeaturesRequest.decode(request.payload).inputs
            let results = try await Self.each(inputs) { input in
                let features = try await answer(TextInput(input))
                return Features(
                    tokens: UInt32(clamping: features.tokens),
                    hidden: UInt32(clamping: features.hidden),
                    values: features.values,
                    truncated: features.truncated
                )
            }
            return FeaturesResponse(results: results).encode()
        }
    }

    /// Answers `tokenize` of a model: returns the tokens' texts, which get the numbers 0, 1, 2, … and empty offsets.
    ///
    /// ```swift
    /// server.onTokenize("minilm") { text in text.text.split(separator: " ").map(String.init) }
    /// ```
    public func onTokenize(
        _ model: String,
        _ answer: @escaping @Sendable (TextInput) async throws -> [String]
    ) {
        register(InferenceMethod.tokenize.rawValue, model) { request in
            let inputs = try TokenizeRequest.decode(request.payload).inputs
            let results = try await Self.each(inputs) { input in
                let tokens = try await answer(TextInput(input))
                let zeros = [UInt32](repeating: 0, count: tokens.count)
                return TextEncoding(
                    ids: tokens.indices.map { UInt32($0) },
                    typeIDs: zeros,
                    starts: zeros,
                    ends: zeros,
                    special: tokens.map { _ in false },
                    wordIDs: tokens.indices.map { Int32($0) },
                    tokens: tokens
                )
            }
            return TokenizeResponse(results: results).encode()
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
