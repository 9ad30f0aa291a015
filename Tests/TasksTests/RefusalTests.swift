import Messages
import Tasks
import Testing

/// What is wrong with a request is refused with the field's name, as the wire format has it.
@Suite struct RefusalTests {
    private func message(_ model: Model, _ request: InferenceRequest) -> String {
        do throws(TaskError) {
            _ = try model.prepare(request)
            return "accepted"
        } catch {
            return error.kind == .invalidArgument ? error.message : "\(error.kind): \(error.message)"
        }
    }

    private let long = Array(repeating: "z", count: 80).joined(separator: " ")

    @Test func classify() throws {
        let model = try GoldenModels.load("bert-three")
        func message(_ input: TextInput, stride: UInt32) -> String {
            self.message(
                model,
                .classify(ClassifyRequest(inputs: [input], truncation: .windows, stride: stride))
            )
        }
        #expect(
            message(TextInput("a"), stride: 62)
                == "stride: windows of 64 tokens, 2 of them special, cannot share 62; ask for fewer"
        )
        #expect(message(TextInput(long), stride: 61) == "accepted")
        #expect(message(TextInput("a", pair: long), stride: 61).hasPrefix("stride: windows of 64 tokens, 3"))
        #expect(
            message(TextInput("a", pair: long), stride: 0)
                == "inputs[0].text_pair: it leaves no room for the text in the 64 tokens that the model takes; shorten it"
        )
        for request: InferenceRequest in [
            .tagTokens(TagTokensRequest(texts: ["a"])),
            .answerQuestion(AnswerQuestionRequest(inputs: [QuestionInput(question: "a", context: "a")])),
            .fillMask(FillMaskRequest(texts: ["[MASK]"])), .rerank(RerankRequest(query: "a", texts: ["b"])),
            .multipleChoice(MultipleChoiceRequest(inputs: [ChoiceInput(text: "a", choices: ["b"])])),
        ] {
            #expect(
                self.message(model, request)
                    == "model: it is a BertForSequenceClassification and has no \(request.method.task); it has "
                    + "classify, embed, features, tokenize, zero-shot, infer"
            )
        }
    }

    @Test func tag() throws {
        let model = try GoldenModels.load("distilbert-entities")
        #expect(message(model, .tagTokens(TagTokensRequest())) == "texts: there is no text")
        #expect(
            message(model, .tagTokens(TagTokensRequest(texts: ["a", ""]))) == "texts[1]: the text is empty; give one"
        )
        #expect(
            message(model, .tagTokens(TagTokensRequest(texts: [long]))).hasPrefix(
                "texts[0]: it has 82 tokens, the model takes at"
            )
        )
        #expect(
            message(model, .tagTokens(TagTokensRequest(texts: [long], truncation: .windows))).hasPrefix(
                "aggregation_strategy: "
            )
        )
        let wide = TagTokensRequest(texts: ["a"], aggregationStrategy: .simple, truncation: .windows, stride: 64)
        #expect(message(model, .tagTokens(wide)).hasPrefix("stride: "))
    }

    @Test func answer() throws {
        let model = try GoldenModels.load("distilbert-answers")
        func message(
            _ question: String,
            _ context: String,
            _ request: AnswerQuestionRequest = AnswerQuestionRequest()
        ) -> String {
            var request = request
            request.inputs = [
                QuestionInput(question: "fine", context: "a"), QuestionInput(question: question, context: context),
            ]
            return self.message(model, .answerQuestion(request))
        }
        #expect(message("", "a") == "inputs[1].question: the text is empty; give one")
        #expect(message("a", "") == "inputs[1].context: the text is empty; give one")
        #expect(message("a", "b\u{0}") == "inputs[1].context: the text holds U+0000 as its character 1; remove it")
        #expect(message(long, "a").hasPrefix("inputs[1].question: it has 80 tokens and leaves room for 0 of"))
        let refusal = "top_k: it is 1001; it must be between 1 and 1000"
        #expect(message("a", "b", AnswerQuestionRequest(topK: 1001)) == refusal)
        #expect(message("a", "b", AnswerQuestionRequest(maxSeqLen: 65)).hasPrefix("max_seq_len: it is 65"))
        #expect(message("a", "b", AnswerQuestionRequest(maxSeqLen: 3)).hasPrefix("inputs[0].question: "))
        #expect(
            message("a", "b", AnswerQuestionRequest(maxSeqLen: 20, docStride: 20)).hasPrefix("doc_stride: it is 20")
        )
        #expect(
            message("a", long, AnswerQuestionRequest(maxSeqLen: 20, docStride: 16)).hasPrefix("doc_stride: it is 16")
        )
        #expect(message("a", long, AnswerQuestionRequest(maxSeqLen: 20, docStride: 15)) == "accepted")
    }

    @Test func fillMask() throws {
        let model = try GoldenModels.load("bert-masked")
        func message(_ text: String, _ request: FillMaskRequest = FillMaskRequest()) -> String {
            var request = request
            request.texts = [text]
            return self.message(model, .fillMask(request))
        }
        #expect(message("no mask") == "texts[0]: there is no [MASK] in it; write one where a word is wanted")
        #expect(
            message("\(long) [MASK]", FillMaskRequest(truncation: .truncate))
                == "texts[0]: there is no [MASK] in its first 64 tokens, where it is cut; shorten what is before"
        )
        #expect(message("[MASK]", FillMaskRequest(targets: [" "])).hasPrefix("targets: none of them"))
        #expect(message("[MASK]", FillMaskRequest(truncation: .windows)).hasPrefix("truncation: "))
        let masks = String(repeating: "[MASK] ", count: 60)
        #expect(message(masks, FillMaskRequest(topK: 900)).hasPrefix("top_k: 900 tokens for each mask would make"))
    }

    @Test func zeroShot() throws {
        let model = try GoldenModels.load("bert-nli")
        func message(_ labels: [String], template: String = "") -> String {
            self.message(
                model,
                .zeroShot(ZeroShotRequest(texts: ["a"], labels: labels, hypothesisTemplate: template))
            )
        }
        #expect(message([]) == "labels: there is none to choose")
        #expect(message(["a", ""]) == "labels[1]: the text is empty; give one")
        for template in ["no place", "{} {}", "{x}", "{", "}", "{} {0}", "{1}"] {
            #expect(message(["a"], template: template).hasPrefix("hypothesis_template: "), "\(template)")
        }
        #expect(
            message(["a", long])
                == "labels[1]: it leaves no room for the text in the 64 tokens that the model takes; shorten it"
        )
    }

    @Test func rerankAndChoice() throws {
        let ranker = try GoldenModels.load("distilbert-one")
        #expect(
            message(ranker, .rerank(RerankRequest(query: "", texts: ["a"]))) == "query: the text is empty; give one"
        )
        #expect(message(ranker, .rerank(RerankRequest(query: "a"))) == "texts: there is no text")
        #expect(
            message(ranker, .rerank(RerankRequest(query: "a", texts: ["b"], functionToApply: .softmax)))
                .hasPrefix("function_to_apply: ")
        )
        let chooser = try GoldenModels.load("distilbert-choice")
        #expect(
            message(chooser, .multipleChoice(MultipleChoiceRequest(inputs: [ChoiceInput(text: "a")])))
                == "inputs[0].choices: there is none"
        )
        #expect(
            message(
                chooser,
                .multipleChoice(MultipleChoiceRequest(inputs: [ChoiceInput(text: "a", choices: ["b\u{0}"])]))
            )
            .hasPrefix("inputs[0].choices[0]: ")
        )
    }

    @Test func embed() throws {
        let model = try GoldenModels.load("bert-prompts")
        func message(_ request: EmbedRequest) -> String {
            var request = request
            request.inputs = [TextInput("a")]
            return self.message(model, .embed(request))
        }
        #expect(
            message(EmbedRequest(promptName: "other"))
                == "prompt_name: the model has no prompt \"other\"; it has query, passage, nothing"
        )
        #expect(message(EmbedRequest(truncation: .windows)).hasPrefix("truncation: "))
        #expect(message(EmbedRequest(truncateDim: 33)).hasPrefix("truncate_dim: "))
    }

    @Test func infer() throws {
        let model = try GoldenModels.load("bert-three")
        func tensor(_ name: String, _ shape: [UInt64], _ values: [Int64]) -> Tensor {
            Tensor(name: name, shape: shape, int64Data: values)
        }
        let ids = tensor("input_ids", [2, 2], [2, 3, 2, 3])
        let cases: [([Tensor], String)] = [
            ([], "inputs: input_ids is missing"),
            ([tensor("attention_mask", [1, 1], [1])], "inputs: input_ids is missing"),
            ([ids, ids], "inputs: \"input_ids\" is there twice"),
            ([ids, tensor("pixels", [2, 2], [1, 1, 1, 1])], "inputs: \"pixels\" is not an input"),
            ([tensor("input_ids", [2, 3], [1, 1, 1, 1])], "input_ids: it has 4 values, and the shape [2, 3]"),
            ([tensor("input_ids", [UInt64(Int.max), 3], [1])], "input_ids: it has 1 values"),
            ([tensor("input_ids", [4], [2, 3, 2, 3])], "input_ids: its shape is [4], and [batch, tokens] is wanted"),
            ([tensor("attention_mask", [], [1]), ids], "input_ids: its shape is [2, 2], and attention_mask has []"),
            ([tensor("input_ids", [], [2])], "input_ids: its shape is []"),
            ([tensor("input_ids", [5000, 1], Array(repeating: 2, count: 5000))], "input_ids: it has 5000 rows, and"),
            ([tensor("input_ids", [0, 3], [])], "input_ids: its shape is [0, 3]"),
            ([tensor("input_ids", [1, 65], Array(repeating: 2, count: 65))], "input_ids: it has 65 tokens per row"),
            ([tensor("input_ids", [1, 1], [900])], "input_ids: 900 is not between 0 and 899"),
            ([tensor("input_ids", [1, 1], [-1])], "input_ids: -1 is not"),
            ([ids, tensor("attention_mask", [2, 1], [1, 1])], "attention_mask: its shape is [2, 1], and"),
            ([ids, tensor("attention_mask", [2, 2], [1, 1, 2, 1])], "attention_mask: 2 is not between 0 and 1"),
            ([ids, tensor("attention_mask", [2, 2], [1, 1, 0, 0])], "attention_mask: it leaves no token of row 1"),
            ([ids, tensor("attention_mask", [2, 2], [0, 1, 1, 1])], "attention_mask: it leaves out the first"),
            ([ids, tensor("token_type_ids", [2, 2], [0, 0, 0, 2])], "token_type_ids: 2 is not between 0 and 1"),
            ([Tensor(name: "input_ids", type: .float32, shape: [1], floatData: [1])], "input_ids: it holds floats; it"),
        ]
        for (inputs, wanted) in cases {
            let answer = message(model, .infer(InferRequest(inputs: inputs)))
            #expect(answer.hasPrefix(wanted), "\(answer)")
        }
        #expect(
            message(model, .infer(InferRequest(inputs: [ids], outputs: ["logit"])))
                == "outputs: the model has no \"logit\"; it has logits"
        )
        let masked = try GoldenModels.load("bert-masked")
        let many = tensor("input_ids", [400, 64], Array(repeating: 2, count: 400 * 64))
        #expect(
            message(masked, .infer(InferRequest(inputs: [many]))).hasPrefix(
                "input_ids: the outputs would have 23040000"
            )
        )
    }
}
