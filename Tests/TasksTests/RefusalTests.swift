import Tasks
import Testing

/// What is wrong with a request is refused with the field's name, as the wire format has it.
@Suite struct RefusalTests {
    private func message(_ model: Model, _ request: TaskRequest) -> String {
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
        var options = ClassifyOptions(overlong: .windows, stride: 62)
        #expect(
            message(model, .classify([TaskText("a")], options))
                == "stride: windows of 64 tokens, 2 of them special, cannot share 62; ask for fewer"
        )
        options.stride = 61
        #expect(message(model, .classify([TaskText(long)], options)) == "accepted")
        #expect(
            message(model, .classify([TaskText("a", pair: long)], options)).hasPrefix("stride: windows of 64 tokens, 3")
        )
        options.stride = nil
        #expect(
            message(model, .classify([TaskText("a", pair: long)], options))
                == "inputs[0].text_pair: it leaves no room for the text in the 64 tokens that the model takes; shorten it"
        )
        for request in [
            TaskRequest.tag(["a"], TagOptions()), .answer([Question("a", context: "a")], AnswerOptions()),
            .fillMask(["[MASK]"], FillMaskOptions()), .rerank(query: "a", ["b"], RerankOptions()),
            .multipleChoice([ChoiceQuestion("a", choices: ["b"])], ChoiceOptions()),
        ] {
            #expect(
                message(model, request)
                    == "model: it is a BertForSequenceClassification and has no \(request.task.rawValue); it has "
                    + "classify, embed, features, tokenize, zero-shot, infer"
            )
        }
    }

    @Test func tag() throws {
        let model = try GoldenModels.load("distilbert-entities")
        #expect(message(model, .tag([], TagOptions())) == "texts: there is no text")
        #expect(message(model, .tag(["a", ""], TagOptions())) == "texts[1]: the text is empty; give one")
        #expect(message(model, .tag([long], TagOptions())).hasPrefix("texts[0]: it has 82 tokens, the model takes at"))
        #expect(message(model, .tag([long], TagOptions(overlong: .windows))).hasPrefix("aggregation_strategy: "))
        let wide = TagOptions(aggregation: .simple, overlong: .windows, stride: 64)
        #expect(message(model, .tag(["a"], wide)).hasPrefix("stride: "))
    }

    @Test func answer() throws {
        let model = try GoldenModels.load("distilbert-answers")
        func message(_ question: String, _ context: String, _ options: AnswerOptions = AnswerOptions()) -> String {
            let questions = [Question("fine", context: "a"), Question(question, context: context)]
            return self.message(model, .answer(questions, options))
        }
        #expect(message("", "a") == "inputs[1].question: the text is empty; give one")
        #expect(message("a", "") == "inputs[1].context: the text is empty; give one")
        #expect(message("a", "b\u{0}") == "inputs[1].context: the text holds U+0000 as its character 1; remove it")
        #expect(message(long, "a").hasPrefix("inputs[1].question: it has 80 tokens and leaves room for 0 of"))
        for count in [0, 1001] {
            let refusal = "top_k: it is \(count); it must be between 1 and 1000"
            #expect(message("a", "b", AnswerOptions(topK: count)) == refusal)
        }
        #expect(message("a", "b", AnswerOptions(maxAnswerLength: 0)).hasPrefix("max_answer_len: "))
        #expect(message("a", "b", AnswerOptions(maxSequenceLength: 65)).hasPrefix("max_seq_len: it is 65"))
        #expect(message("a", "b", AnswerOptions(maxSequenceLength: 3)).hasPrefix("inputs[0].question: "))
        #expect(message("a", "b", AnswerOptions(maxSequenceLength: 20, stride: 20)).hasPrefix("doc_stride: it is 20"))
        #expect(message("a", long, AnswerOptions(maxSequenceLength: 20, stride: 16)).hasPrefix("doc_stride: it is 16"))
        #expect(message("a", long, AnswerOptions(maxSequenceLength: 20, stride: 15)) == "accepted")
    }

    @Test func fillMask() throws {
        let model = try GoldenModels.load("bert-masked")
        func message(_ text: String, _ options: FillMaskOptions = FillMaskOptions()) -> String {
            self.message(model, .fillMask([text], options))
        }
        #expect(message("no mask") == "texts[0]: there is no [MASK] in it; write one where a word is wanted")
        #expect(
            message("\(long) [MASK]", FillMaskOptions(overlong: .truncate))
                == "texts[0]: there is no [MASK] in its first 64 tokens, where it is cut; shorten what is before"
        )
        #expect(message("[MASK]", FillMaskOptions(topK: 0)).hasPrefix("top_k: "))
        #expect(message("[MASK]", FillMaskOptions(targets: [])).hasPrefix("targets: "))
        #expect(message("[MASK]", FillMaskOptions(targets: [" "])).hasPrefix("targets: none of them"))
        #expect(message("[MASK]", FillMaskOptions(overlong: .windows)).hasPrefix("truncation: "))
        let masks = String(repeating: "[MASK] ", count: 60)
        #expect(message(masks, FillMaskOptions(topK: 900)).hasPrefix("top_k: 900 tokens for each mask would make"))
    }

    @Test func zeroShot() throws {
        let model = try GoldenModels.load("bert-nli")
        func message(_ options: ZeroShotOptions) -> String { self.message(model, .zeroShot(["a"], options)) }
        #expect(message(ZeroShotOptions(labels: [])) == "labels: there is none to choose")
        #expect(message(ZeroShotOptions(labels: ["a", ""])) == "labels[1]: the text is empty; give one")
        for template in ["no place", "{} {}", "{x}", "{", "}", "{} {0}", "{1}"] {
            let options = ZeroShotOptions(labels: ["a"], hypothesisTemplate: template)
            #expect(message(options).hasPrefix("hypothesis_template: "), "\(template)")
        }
        #expect(
            message(ZeroShotOptions(labels: ["a", long]))
                == "labels[1]: it leaves no room for the text in the 64 tokens that the model takes; shorten it"
        )
    }

    @Test func rerankAndChoice() throws {
        let ranker = try GoldenModels.load("distilbert-one")
        #expect(message(ranker, .rerank(query: "", ["a"], RerankOptions())) == "query: the text is empty; give one")
        #expect(message(ranker, .rerank(query: "a", [], RerankOptions())) == "texts: there is no text")
        #expect(
            message(ranker, .rerank(query: "a", ["b"], RerankOptions(function: .softmax)))
                .hasPrefix("function_to_apply: ")
        )
        let chooser = try GoldenModels.load("distilbert-choice")
        #expect(
            message(chooser, .multipleChoice([ChoiceQuestion("a", choices: [])], ChoiceOptions()))
                == "inputs[0].choices: there is none"
        )
        #expect(
            message(chooser, .multipleChoice([ChoiceQuestion("a", choices: ["b\u{0}"])], ChoiceOptions()))
                .hasPrefix("inputs[0].choices[0]: ")
        )
    }

    @Test func embed() throws {
        let model = try GoldenModels.load("bert-prompts")
        func message(_ options: EmbedOptions) -> String { self.message(model, .embed([TaskText("a")], options)) }
        #expect(
            message(EmbedOptions(prompt: .named("other")))
                == "prompt_name: the model has no prompt \"other\"; it has query, passage, nothing"
        )
        #expect(message(EmbedOptions(overlong: .windows)).hasPrefix("truncation: "))
        #expect(message(EmbedOptions(dimensions: 33)).hasPrefix("truncate_dim: "))
    }

    @Test func infer() throws {
        let model = try GoldenModels.load("bert-three")
        func tensor(_ name: String, _ shape: [Int], _ values: [Int64]) -> RawTensor {
            RawTensor(name: name, shape: shape, values: .integers(values))
        }
        let ids = tensor("input_ids", [2, 2], [2, 3, 2, 3])
        let cases: [([RawTensor], String)] = [
            ([], "inputs: input_ids is missing"),
            ([tensor("attention_mask", [1, 1], [1])], "inputs: input_ids is missing"),
            ([ids, ids], "inputs: \"input_ids\" is there twice"),
            ([ids, tensor("pixels", [2, 2], [1, 1, 1, 1])], "inputs: \"pixels\" is not an input"),
            ([tensor("input_ids", [2, 3], [1, 1, 1, 1])], "input_ids: it has 4 values, and the shape [2, 3]"),
            ([tensor("input_ids", [Int.max, 3], [1])], "input_ids: it has 1 values"),
            ([tensor("input_ids", [4], [2, 3, 2, 3])], "input_ids: its shape is [4], and [batch, tokens] is wanted"),
            ([tensor("attention_mask", [], [1]), ids], "input_ids: its shape is [2, 2], and attention_mask has []"),
            ([tensor("input_ids", [], [2])], "input_ids: its shape is []"),
            ([tensor("input_ids", [5000, 1], Array(repeating: 2, count: 5000))], "input_ids: it has 5000 rows, and"),
            ([tensor("input_ids", [0, 3], [])], "input_ids: its shape is [0, 3]"),
            ([tensor("input_ids", [1, 65], Array(repeating: 2, count: 65))], "input_ids: it has 65 tokens a row"),
            ([tensor("input_ids", [1, 1], [900])], "input_ids: 900 is not between 0 and 899"),
            ([tensor("input_ids", [1, 1], [-1])], "input_ids: -1 is not"),
            ([ids, tensor("attention_mask", [2, 1], [1, 1])], "attention_mask: its shape is [2, 1], and"),
            ([ids, tensor("attention_mask", [2, 2], [1, 1, 2, 1])], "attention_mask: 2 is not between 0 and 1"),
            ([ids, tensor("attention_mask", [2, 2], [1, 1, 0, 0])], "attention_mask: it leaves no token of row 1"),
            ([ids, tensor("attention_mask", [2, 2], [0, 1, 1, 1])], "attention_mask: it leaves out the first"),
            ([ids, tensor("token_type_ids", [2, 2], [0, 0, 0, 2])], "token_type_ids: 2 is not between 0 and 1"),
            ([RawTensor(name: "input_ids", shape: [1], values: .floats([1]))], "input_ids: it holds floats; it"),
        ]
        for (inputs, wanted) in cases {
            let answer = message(model, .infer(inputs, outputs: []))
            #expect(answer.hasPrefix(wanted), "\(answer)")
        }
        #expect(
            message(model, .infer([ids], outputs: ["logit"])) == "outputs: the model has no \"logit\"; it has logits"
        )
        let masked = try GoldenModels.load("bert-masked")
        let many = tensor("input_ids", [400, 64], Array(repeating: 2, count: 400 * 64))
        #expect(message(masked, .infer([many], outputs: [])).hasPrefix("input_ids: the outputs would have 23040000"))
    }
}
