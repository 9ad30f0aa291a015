import Messages
import Tasks
import Testing

/// A request that would make too much is refused by the name of the setting, before it has.
@Suite struct WorkLimitTests {
    private func message(_ model: Model, _ request: InferenceRequest, _ limits: WorkLimits) -> String {
        do throws(TaskError) {
            let tokens = try model.prepare(request, within: limits).tokens
            return "accepted: \(tokens)"
        } catch {
            return error.kind == .invalidArgument ? error.message : "\(error.kind): \(error.message)"
        }
    }

    private static let standard = WorkLimits(tokens: 1 << 20, sequences: 16_384)
    private static let long = Array(repeating: "z", count: 80).joined(separator: " ")

    /// Every text with every label: 49 million sequences, which would take minutes and gigabytes.
    @Test func sevenThousandTextsWithAsManyLabelsAreRefusedAtOnce() throws {
        let model = try GoldenModels.load("bert-nli")
        let words = Array(repeating: "a", count: 7000)
        let request = InferenceRequest.zeroShot(ZeroShotRequest(texts: words, labels: words))
        let begin = ContinuousClock.now
        let refusal = message(model, request, Self.standard)
        #expect(ContinuousClock.now - begin < .seconds(1))
        #expect(
            refusal == "texts: 7000 of 7000 sequences each are 49000000, and 16384 is the most "
                + "(max_request_sequences); send fewer at once"
        )
    }

    /// Three sequences of whatever makes them, where two are allowed.
    static let three: [(model: String, request: InferenceRequest, field: String)] = {
        let inputs = Array(repeating: TextInput("a"), count: 3)
        let texts = Array(repeating: "a", count: 3)
        let question = QuestionInput(question: "a", context: "a")
        let ids = Tensor(name: "input_ids", type: .int64, shape: [3, 1], int64Data: [2, 2, 2])
        return [
            ("bert-three", .classify(ClassifyRequest(inputs: inputs)), "inputs: there are 3"),
            ("bert-three", .embed(EmbedRequest(inputs: inputs)), "inputs: there are 3"),
            ("bert-three", .features(FeaturesRequest(inputs: inputs)), "inputs: there are 3"),
            ("bert-three", .tokenize(TokenizeRequest(inputs: inputs)), "inputs: there are 3"),
            ("bert-three", .infer(InferRequest(inputs: [ids])), "input_ids: there are 3"),
            ("distilbert-entities", .tagTokens(TagTokensRequest(texts: texts)), "texts: there are 3"),
            (
                "distilbert-answers",
                .answerQuestion(AnswerQuestionRequest(inputs: Array(repeating: question, count: 3))),
                "inputs: there are 3"
            ),
            ("bert-masked", .fillMask(FillMaskRequest(texts: texts)), "texts: there are 3"),
            ("bert-nli", .zeroShot(ZeroShotRequest(texts: ["a"], labels: texts)), "texts: 1 of 3 sequences each are 3"),
            ("distilbert-one", .rerank(RerankRequest(query: "a", texts: texts)), "texts: there are 3"),
            (
                "distilbert-choice",
                .multipleChoice(
                    MultipleChoiceRequest(inputs: [
                        ChoiceInput(text: "a", choices: ["a", "a"]), ChoiceInput(text: "a", choices: ["a"]),
                    ])
                ), "choices: there are 3"
            ),
        ]
    }()

    @Test(arguments: three.indices) func everyTaskCountsItsSequences(_ index: Int) throws {
        let (name, request, field) = Self.three[index]
        let model = try GoldenModels.load(name)
        let refusal = "\(field), and 2 is the most (max_request_sequences); send fewer at once"
        #expect(message(model, request, WorkLimits(sequences: 2)) == refusal)
        #expect(!message(model, request, WorkLimits(sequences: 3)).contains("max_request_sequences"))
    }

    @Test func tokensAreCountedSequenceBySequence() throws {
        let model = try GoldenModels.load("bert-three")
        func message(_ tokens: Int) -> String {
            let request = ClassifyRequest(inputs: Array(repeating: TextInput("a"), count: 3))
            return self.message(model, .classify(request), WorkLimits(tokens: tokens))
        }
        #expect(message(9) == "accepted: 9")
        #expect(
            message(8) == "inputs[2].text: with it the request has 9 tokens, and 8 is the most "
                + "(max_request_tokens); send fewer or shorter texts"
        )
        #expect(message(5).hasPrefix("inputs[1].text: with it the request has 6 tokens"))
        let rows = Tensor(name: "input_ids", type: .int64, shape: [2, 2], int64Data: [2, 3, 2, 3])
        let raw = InferenceRequest.infer(InferRequest(inputs: [rows]))
        let refused = self.message(model, raw, WorkLimits(tokens: 3))
        #expect(refused.hasPrefix("input_ids: with it the request has 4 tokens"))
        let tokenize = InferenceRequest.tokenize(TokenizeRequest(inputs: [TextInput(Self.long)]))
        let long = self.message(model, tokenize, WorkLimits(tokens: 81))
        #expect(long.hasPrefix("inputs[0].text: with it the request has 82 tokens"))
    }

    /// Windows that share all but one of their tokens: 64 times the tokens of the text.
    @Test func windowsAreCountedBeforeTheyAreMade() throws {
        let text = TextInput(Array(repeating: "z", count: 20_000).joined(separator: " "))
        let classifier = try GoldenModels.load("bert-three")
        func message(_ limits: WorkLimits) -> String {
            let request = ClassifyRequest(inputs: [text], truncation: .windows, stride: 61)
            return self.message(classifier, .classify(request), limits)
        }
        let refusal = "inputs[0].text: with it the request has "
        #expect(
            message(Self.standard)
                == refusal + "19939 windows, and 16384 is the most (max_request_sequences); send fewer or shorter texts"
        )
        #expect(
            message(WorkLimits(tokens: 1_000_000))
                == refusal + "1276096 tokens, and 1000000 is the most (max_request_tokens); send fewer or shorter texts"
        )
        let answers = try GoldenModels.load("distilbert-answers")
        let question = QuestionInput(question: "a", context: text.text)
        let request = AnswerQuestionRequest(inputs: [question], maxSeqLen: 15, docStride: 10)
        #expect(
            self.message(answers, .answerQuestion(request), Self.standard)
                == "inputs[0].question: with it the request has 19990 windows, and 16384 is the most "
                + "(max_request_sequences); send fewer or shorter texts"
        )
    }

    @Test func aTextThatNobodyWaitsForIsNotTokenised() throws {
        let model = try GoldenModels.load("bert-nli")
        for answers in 0..<4 {
            var asked = 0
            #expect(throws: TaskError(.abandoned, "nobody waits for the answer any more")) {
                let request = ZeroShotRequest(texts: ["a", "b"], labels: ["c", "d", "e"])
                _ = try model.prepare(.zeroShot(request)) {
                    asked += 1
                    return asked <= answers
                }
            }
            #expect(asked == answers + 1, "it went on")
        }
        let next = try model.prepare(.zeroShot(ZeroShotRequest(texts: ["a"], labels: ["c"])))
        #expect(next.sequences.count == 1, "it is of one request only")
    }
}
