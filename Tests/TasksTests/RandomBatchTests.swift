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

    private func request(_ task: TaskName, _ generator: inout Generator) -> TaskRequest {
        let texts = (0..<Int.random(in: 1...3, using: &generator)).map { _ in text(&generator) }
        let flag = Bool.random(using: &generator)
        switch task {
        case .classify:
            let options = ClassifyOptions(
                topK: nil,
                overlong: flag ? .windows : .truncate,
                windowPooling: Bool.random(using: &generator) ? .mean : .max
            )
            return .classify(texts.map { TaskText($0, pair: flag ? nil : "a pair") }, options)
        case .embed: return .embed(texts.map { TaskText($0) }, EmbedOptions(pooling: flag ? .cls : nil))
        case .features: return .features(texts.map { TaskText($0) }, .truncate)
        case .tokenize: return .tokenize(texts.map { TaskText($0) }, TokenizeOptions())
        case .tag:
            let strategy = TagOptions.Aggregation.allCases.randomElement(using: &generator) ?? .simple
            let overlong: Overlong = strategy == .none ? .truncate : .windows
            return .tag(texts, TagOptions(aggregation: strategy, overlong: overlong))
        case .answer:
            let options = AnswerOptions(topK: 3, stride: flag ? 5 : nil, handlesImpossible: flag)
            return .answer(texts.map { Question(text(&generator, most: 8), context: $0) }, options)
        case .fillMask:
            let targets = Bool.random(using: &generator) ? nil : ["fox", "york"]
            let options = FillMaskOptions(topK: flag ? 3 : 700, targets: targets, overlong: .truncate)
            return .fillMask(texts.map { "[MASK] " + $0 }, options)
        case .zeroShot: return .zeroShot(texts, ZeroShotOptions(labels: ["fox", "new york"], multiLabel: flag))
        case .rerank: return .rerank(query: text(&generator, most: 10), texts, RerankOptions())
        case .multipleChoice:
            return .multipleChoice(
                [ChoiceQuestion(text(&generator), choices: texts)],
                ChoiceOptions(overlong: .truncate)
            )
        case .infer:
            let ids: [Int64] = [2, 40, 50, 3, 2, 60, 3, 0, 2, 3, 0, 0]
            let mask: [Int64] = [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 0]
            var inputs = [RawTensor(name: "input_ids", shape: [3, 4], values: .integers(ids))]
            if flag { inputs.append(RawTensor(name: "attention_mask", shape: [3, 4], values: .integers(mask))) }
            return .infer(inputs, outputs: [])
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
            var requests: [TaskRequest] = []
            for _ in 0..<Int.random(in: 2...12, using: &generator) {
                requests.append(request(alone.tasks.randomElement(using: &generator) ?? .embed, &generator))
            }
            let batch = try together.answer(requests, stepTokens: Int.random(in: 1...700, using: &generator))
            try #require(batch.count == requests.count)
            for (request, answer) in zip(requests, batch) { #expect(try alone.answer([request]) == [answer]) }
        }
    }
}
