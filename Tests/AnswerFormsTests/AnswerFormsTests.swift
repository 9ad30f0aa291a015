import AnswerForms
import JSON
import Messages
import Testing

/// Inputs, options and answers as `modelctl` and `expected.jsonl` have them.
@Suite struct AnswerFormsTests {
    /// One input of a task, its options, the request that they make, a response to it, and that as JSON.
    struct Case: Sendable, CustomTestStringConvertible {
        let input: String
        var options = "{}"
        let request: InferenceRequest
        let response: InferenceResponse
        let json: String

        var testDescription: String { "\(request.method.task) \(input) \(options)" }
    }

    private static let labels = Classification(scores: [
        LabelScore(label: "b\n", score: 0.75), LabelScore(label: "a", score: 0.1),
    ])

    private static let cases = [
        Case(
            input: #""a text""#,
            request: .classify(ClassifyRequest(inputs: [TextInput(text: "a text")])),
            response: .classify(ClassifyResponse(results: [labels])),
            json: #"[{"label":"b\n","score":0.75},{"label":"a","score":0.1}]"#
        ),
        Case(
            input: #"{"text":"a","text_pair":""}"#,
            options: #"{"top_k":null,"function_to_apply":"sigmoid","truncation":true}"#,
            request: .classify(
                ClassifyRequest(
                    inputs: [TextInput(text: "a", textPair: "", hasPair: true)],
                    allLabels: true,
                    functionToApply: .sigmoid,
                    truncation: .truncate
                )
            ),
            response: .classify(ClassifyResponse(results: [Classification()])),
            json: "[]"
        ),
        Case(
            input: #"{"text":"a"}"#,
            options: #"{"prompt":"","prompt_name":"query","truncate_dim":2,"normalize_embeddings":true}"#,
            request: .embed(
                EmbedRequest(inputs: [TextInput(text: "a")], normalization: .l2, truncateDim: 2, hasPrompt: true)
            ),
            response: .embed(EmbedResponse(results: [Embedding(values: [0.1, -2])])),
            json: "[0.1,-2.0]"
        ),
        Case(
            input: #""a""#,
            options: #"{"prompt_name":"query","normalize_embeddings":false}"#,
            request: .embed(EmbedRequest(inputs: [TextInput(text: "a")], promptName: "query")),
            response: .embed(EmbedResponse(results: [Embedding(values: [.nan])])),
            json: "[null]"
        ),
        Case(
            input: #""a""#,
            request: .features(FeaturesRequest(inputs: [TextInput(text: "a")])),
            response: .features(
                FeaturesResponse(results: [Features(tokens: 2, hidden: 2, values: [1, 2, 3, 4])])
            ),
            json: "[[1.0,2.0],[3.0,4.0]]"
        ),
        Case(
            input: #""a""#,
            options: #"{"add_special_tokens":false}"#,
            request: .tokenize(TokenizeRequest(inputs: [TextInput(text: "a")], withoutSpecialTokens: true)),
            response: .tokenize(
                TokenizeResponse(results: [TextEncoding(ids: [7, 8], starts: [0, 1], ends: [1, 3])])
            ),
            json: #"{"ids":[7,8],"offsets":[[0,1],[1,3]]}"#
        ),
        Case(
            input: #""Ada""#,
            request: .tagTokens(TagTokensRequest(texts: ["Ada"])),
            response: .tagTokens(
                TagTokensResponse(results: [
                    TaggedText(entities: [Entity(label: "B-PER", score: 0.5, word: "ada", end: 3, index: 1)])
                ])
            ),
            json: #"[{"entity":"B-PER","score":0.5,"index":1,"word":"ada","start":0,"end":3}]"#
        ),
        Case(
            input: #"{"text":"Ada"}"#,
            options: #"{"aggregation_strategy":"max"}"#,
            request: .tagTokens(TagTokensRequest(texts: ["Ada"], aggregationStrategy: .max)),
            response: .tagTokens(
                TagTokensResponse(results: [TaggedText(entities: [Entity(label: "PER", score: 0.5, word: "ada")])])
            ),
            json: #"[{"entity_group":"PER","score":0.5,"word":"ada","start":0,"end":0}]"#
        ),
        Case(
            input: #"{"question":"q","context":"c"}"#,
            options: #"{"top_k":2,"max_answer_len":3,"max_seq_len":4,"doc_stride":5,"handle_impossible_answer":true,"#
                + #""align_to_words":false}"#,
            request: .answerQuestion(
                AnswerQuestionRequest(
                    inputs: [QuestionInput(question: "q", context: "c")],
                    topK: 2,
                    maxAnswerLen: 3,
                    maxSeqLen: 4,
                    docStride: 5,
                    handleImpossibleAnswer: true,
                    withoutWordAlignment: true
                )
            ),
            response: .answerQuestion(
                AnswerQuestionResponse(results: [
                    QuestionAnswers(answers: [AnswerSpan(answer: "c", score: 1, start: 0, end: 1)])
                ])
            ),
            json: #"[{"answer":"c","score":1.0,"start":0,"end":1}]"#
        ),
        Case(
            input: #""[MASK]""#,
            options: #"{"top_k":1,"targets":["a","b"]}"#,
            request: .fillMask(FillMaskRequest(texts: ["[MASK]"], topK: 1, targets: ["a", "b"])),
            response: .fillMask(
                FillMaskResponse(results: [
                    FilledText(masks: [
                        FilledMask(tokens: [FilledToken(token: 9, tokenStr: "a", score: 0.5, sequence: "a")])
                    ])
                ])
            ),
            json: #"[{"score":0.5,"token":9,"token_str":"a","sequence":"a"}]"#
        ),
        Case(
            input: #""[MASK] [MASK]""#,
            request: .fillMask(FillMaskRequest(texts: ["[MASK] [MASK]"])),
            response: .fillMask(FillMaskResponse(results: [FilledText(masks: [FilledMask(), FilledMask()])])),
            json: "[[],[]]"
        ),
        Case(
            input: #"{"text":"a","labels":["b","a"]}"#,
            options: #"{"multi_label":true,"hypothesis_template":"{}!"}"#,
            request: .zeroShot(
                ZeroShotRequest(texts: ["a"], labels: ["b", "a"], hypothesisTemplate: "{}!", multiLabel: true)
            ),
            response: .zeroShot(ZeroShotResponse(results: [labels])),
            json: #"{"labels":["b\n","a"],"scores":[0.75,0.1]}"#
        ),
        Case(
            input: #"{"query":"q","texts":["a","b","c"]}"#,
            options: #"{"function_to_apply":"none"}"#,
            request: .rerank(RerankRequest(query: "q", texts: ["a", "b", "c"], functionToApply: .none)),
            response: .rerank(RerankResponse(results: [1, 2, 1].map { Relevance(score: $0) })),
            json: #"[{"corpus_id":1,"score":2.0,"text":"b"},{"corpus_id":0,"score":1.0,"text":"a"},"#
                + #"{"corpus_id":2,"score":1.0,"text":"c"}]"#
        ),
        Case(
            input: #"{"text":"a","choices":["b","c"]}"#,
            request: .multipleChoice(MultipleChoiceRequest(inputs: [ChoiceInput(text: "a", choices: ["b", "c"])])),
            response: .multipleChoice(MultipleChoiceResponse(results: [ChoiceScores(scores: [0.25, 0.75])])),
            json: #"{"index":1,"scores":[0.25,0.75]}"#
        ),
        Case(
            input: #"{"inputs":[{"name":"i","shape":[1,2],"data":[9007199254740993,-2.0]},"#
                + #"{"name":"f","datatype":"FP32","shape":[],"data":[1]}],"outputs":["logits"]}"#,
            request: .infer(
                InferRequest(
                    inputs: [
                        Tensor(name: "i", shape: [1, 2], int64Data: [9_007_199_254_740_993, -2]),
                        Tensor(name: "f", type: .float32, floatData: [1]),
                    ],
                    outputs: ["logits"]
                )
            ),
            response: .infer(InferResponse(outputs: [Tensor(name: "n", shape: [1], int64Data: [3])])),
            json: #"{"outputs":[{"name":"n","datatype":"INT64","shape":[1],"data":[3]}]}"#
        ),
    ]

    private static func parse(_ text: String) throws -> JSONValue { try JSONValue.parse(Array(text.utf8)) }

    @Test(arguments: cases) func inputsAndAnswersHaveTheirForm(_ item: Case) throws {
        let request = try InferenceRequest(
            item.request.method,
            input: try Self.parse(item.input),
            options: try Self.parse(item.options)
        )
        #expect(request == item.request)
        #expect(request.form(of: item.response)?.json == item.json)
    }

    @Test func everyTaskHasACase() {
        #expect(Set(Self.cases.map(\.request.method)) == Set(InferenceMethod.allCases))
        for method in InferenceMethod.allCases { #expect(InferenceMethod(task: method.task) == method) }
    }

    @Test func anAnswerThatIsNotOfTheRequestHasNoForm() throws {
        for (index, item) in Self.cases.enumerated() {
            let other = Self.cases[(index + 5) % Self.cases.count]
            #expect(item.request.form(of: other.response) == nil || item.request.method == other.request.method)
        }
        #expect(InferenceRequest.embed(EmbedRequest()).form(of: .embed(EmbedResponse())) == nil)
        let rerank = RerankRequest(query: "q", texts: ["a", "b"])
        #expect(InferenceRequest.rerank(rerank).form(of: .rerank(RerankResponse(results: [Relevance()]))) == nil)
        let choice = MultipleChoiceRequest(inputs: [ChoiceInput(text: "a", choices: ["b", "c"])])
        let scores = MultipleChoiceResponse(results: [ChoiceScores(scores: [1])])
        #expect(InferenceRequest.multipleChoice(choice).form(of: .multipleChoice(scores)) == nil)
    }

    @Test(arguments: [
        (InferenceMethod.classify, "7", "`input` must be a string or an object, and it is 7", ""),
        (.classify, "{}", #"input: the key "text" is missing"#, #"the object has no "text""#),
        (.classify, #"{"text":7}"#, "`input.text` must be a string, and it is 7", #""text" is not a string"#),
        (.tagTokens, #"{"text":"a","b\u0007":1}"#, "`input.b\\u{07}` is unknown; `input` of tag has text", ""),
        (.answerQuestion, "[]", "`input` must be a string or an object, and it is an array", ""),
        (.zeroShot, #""a""#, #"input: the key "labels" is missing"#, #"the object has no "labels""#),
        (
            .zeroShot, #"{"text":"a","labels":["b",7]}"#, "`input.labels[1]` must be a string, and it is 7",
            #""labels" is not a list of strings"#
        ),
        (
            .rerank, #"{"query":"a","texts":"b"}"#, "`input.texts` must be a list of strings, and it is \"b\"",
            #""texts" is not a list of strings"#
        ),
        (.infer, #"{"inputs":[7]}"#, "`input.inputs[0]` must be a tensor, and it is 7", ""),
        (.infer, #"{"inputs":[{"shape":[],"data":[]}]}"#, #"input.inputs: the key "name" is missing"#, ""),
        (
            .infer, #"{"inputs":[{"name":"n","shape":[-1],"data":[]}]}"#,
            "`input.inputs.shape[0]` must be a size, and it is -1", ""
        ),
        (
            .infer, #"{"inputs":[{"name":"n","shape":[1],"data":[0.5]}]}"#,
            #""data" of 'n' holds 0.5, which is no INT64"#, ""
        ),
        (
            .infer, #"{"inputs":[{"name":"n","shape":[1],"data":[1],"datatype":"INT8"}]}"#,
            #""datatype" of 'n' is 'INT8'; it can be INT64 or FP32"#, ""
        ),
    ])
    func whatIsWrongWithAnInputIsNamed(
        _ method: InferenceMethod,
        _ input: String,
        _ message: String,
        _ aboutInput: String
    ) throws {
        let error = try #require(throws: FormError.self) {
            _ = try InferenceRequest(method, input: try Self.parse(input))
        }
        #expect(error.description == message)
        if !aboutInput.isEmpty { #expect(error.aboutInput == aboutInput) }
    }

    @Test(arguments: [
        (InferenceMethod.classify, #"{"topk":1}"#, "`options.topk` is unknown; `options` of classify has top_k,"),
        (.classify, #"{"top_k":0}"#, "`options.top_k` must be an integer from 1 to 2147483647, and it is 0"),
        (.rerank, #"{"function_to_apply":"softmax"}"#, "`options.function_to_apply` must be one of none, sigmoid, and"),
        (.features, #"{"top_k":1}"#, "`options.top_k` is unknown; `options` of features has nothing"),
        (.tokenize, #"{"add_special_tokens":0}"#, "`options.add_special_tokens` must be true or false, and it is 0"),
        (.embed, "[]", "`options` must be an object, and it is an array"),
    ])
    func whatIsWrongWithOptionsIsNamed(_ method: InferenceMethod, _ options: String, _ message: String) throws {
        let input: JSONValue = method == .rerank ? .object(["query": .string("q"), "texts": .array([])]) : .string("a")
        let error = try #require(throws: FormError.self) {
            _ = try InferenceRequest(method, input: input, options: try Self.parse(options))
        }
        #expect(error.description.hasPrefix(message), "\(error)")
    }

    @Test func differencesAreNamed() throws {
        let answer = AnswerValue.object([
            "id": .integer(7), "score": .number(0.5), "vector": .numbers([1, 2, 3]), "text": .text("é"),
            "list": .list([.object(["a": .number(.nan)])]),
        ])
        func difference(_ expected: String) throws -> String? {
            answer.difference(from: try Self.parse(expected), at: "answer", tolerance: 1e-3)
        }
        let right = #"{"id":7,"score":0.5004,"vector":[1,2.0009,3],"text":"é","list":[{"a":0}]}"#
        #expect(try difference(right) == "answer.list[0].a is nan, expected 0.0 ± 0.001", "and no earlier one")
        func exchanged(_ old: String, _ new: String) throws -> String? {
            #expect(right.contains(old))
            let parts = right.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
            return try difference(parts.joined(separator: new))
        }
        #expect(try exchanged("7", "7.0") == "answer.id is 7, expected 7.0")
        #expect(try exchanged("0.5004", "\"x\"") == "answer.score is 0.5, expected \"x\"")
        let worst = try exchanged("[1,2.0009,3]", "[1.002,2.5,3]")
        #expect(worst == "answer.vector[1] is 2.0, expected 2.5 ± 0.001", "the largest difference")
        #expect(try exchanged(",3]", "]") == "answer.vector has 3 elements, expected 2")
        #expect(try exchanged("[1,2.0009,3]", "{}") == "answer.vector is a list, expected an object")
        #expect(try exchanged("\"é\"", "\"e\u{301}\"")?.hasPrefix("answer.text is ") == true, "other code points")
        #expect(
            try exchanged("\"id\":7,", "")
                == "answer has \"id\", which the expected answer lacks"
        )
        let fewer = AnswerValue.object(["id": .integer(7)])
        #expect(
            fewer.difference(from: try Self.parse(#"{"id":7,"more":1}"#), at: "answer", tolerance: 1)
                == "answer has no \"more\", which the expected answer has; it has id"
        )
    }

    @Test func titlesAreWhatAnInputIsAbout() throws {
        #expect(try Self.parse(#""a""#).title == "a")
        #expect(try Self.parse(#"{"context":"c","question":"q"}"#).title == "q")
        #expect(try Self.parse(#"{"texts":["t"],"query":"q"}"#).title == "q")
        #expect(try Self.parse("[1]").title.isEmpty)
    }
}
