import Messages
import Tasks
import Testing

/// Random batches of random requests, cut into steps at random, against one request at a time: the same bits.
@Suite struct RandomBatchTests {
    /// SplitMix64: the same batches in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    private static let words = [
        "the", "fox", "[MASK]", "é", "日本", "york", "New", "🙂", "don't", "zz", "42", "x-y", "ab", "ßß", "e\u{301}", "!",
    ]

    private func text(_ generator: inout Generator, most: Int = 90) -> String {
        let words = (0..<Int.random(in: 1...most, using: &generator)).map { _ in
            Self.words.randomElement(using: &generator) ?? ""
        }
        return words.joined(separator: " ")
    }

    private func request(_ method: InferenceMethod, _ generator: inout Generator) -> InferenceRequest {
        let texts = (0..<Int.random(in: 1...3, using: &generator)).map { _ in text(&generator) }
        let flag = Bool.random(using: &generator)
        switch method {
        case .classify:
            return .classify(
                ClassifyRequest(
                    inputs: texts.map { TextInput($0, pair: flag ? nil : "a pair") },
                    allLabels: true,
                    truncation: flag ? .windows : .truncate,
                    windowPooling: Bool.random(using: &generator) ? .mean : .max
                )
            )
        case .embed:
            return .embed(EmbedRequest(inputs: texts.map { TextInput($0) }, pooling: flag ? .cls : .default))
        case .features:
            return .features(FeaturesRequest(inputs: texts.map { TextInput($0) }, truncation: .truncate))
        case .tokenize: return .tokenize(TokenizeRequest(inputs: texts.map { TextInput($0) }))
        case .tagTokens:
            let strategy = AggregationStrategy.allCases.randomElement(using: &generator) ?? .simple
            let truncation: Truncation = strategy == .none ? .truncate : .windows
            return .tagTokens(TagTokensRequest(texts: texts, aggregationStrategy: strategy, truncation: truncation))
        case .answerQuestion:
            return .answerQuestion(
                AnswerQuestionRequest(
                    inputs: texts.map { QuestionInput(question: text(&generator, most: 8), context: $0) },
                    topK: 3,
                    docStride: flag ? 5 : 0,
                    handleImpossibleAnswer: flag
                )
            )
        case .fillMask:
            let targets = Bool.random(using: &generator) ? [] : ["fox", "york"]
            return .fillMask(
                FillMaskRequest(
                    texts: texts.map { "[MASK] " + $0 },
                    topK: flag ? 3 : 700,
                    targets: targets,
                    truncation: .truncate
                )
            )
        case .zeroShot:
            return .zeroShot(ZeroShotRequest(texts: texts, labels: ["fox", "new york"], multiLabel: flag))
        case .rerank: return .rerank(RerankRequest(query: text(&generator, most: 10), texts: texts))
        case .multipleChoice:
            let input = ChoiceInput(text: text(&generator), choices: texts)
            return .multipleChoice(MultipleChoiceRequest(inputs: [input], truncation: .truncate))
        case .infer:
            let ids: [Int64] = [2, 40, 50, 3, 2, 60, 3, 0, 2, 3, 0, 0]
            let mask: [Int64] = [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0]
            var inputs = [Tensor(name: "input_ids", shape: [3, 4], int64Data: ids)]
            if flag { inputs.append(Tensor(name: "attention_mask", shape: [3, 4], int64Data: mask)) }
            return .infer(InferRequest(inputs: inputs))
        }
    }

    @Test(arguments: [
        "bert-three", "distilbert-one", "bert-entities", "distilbert-answers", "bert-masked", "distilbert-masked-own",
        "bert-plain", "bert-every-mode", "distilbert-prompts-left-out",
    ])
    func answersDoNotDependOnBatchMates(_ name: String) throws {
        let alone = try GoldenModels.load(name)
        let together = try GoldenModels.load(name, threads: 2)
        var generator = Generator(state: UInt64(name.utf8.count))
        for _ in 0..<6 {
            var requests: [InferenceRequest] = []
            for _ in 0..<Int.random(in: 2...12, using: &generator) {
                requests.append(request(alone.tasks.randomElement(using: &generator) ?? .embed, &generator))
            }
            let batch = try together.answer(requests, stepTokens: Int.random(in: 1...700, using: &generator))
            try #require(batch.count == requests.count)
            for (request, answer) in zip(requests, batch) { #expect(try alone.answer([request]) == [answer]) }
        }
    }
}
