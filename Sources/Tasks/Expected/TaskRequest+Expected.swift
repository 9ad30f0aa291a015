import ModelFiles

extension TaskRequest {
    /// The request that `modelctl <task>` makes of a line of input, with options that are named, and have defaults, as in
    /// `transformers` and sentence-transformers.
    ///
    /// - Returns: it, and the text or question that it is about.
    static func expected(
        _ task: TaskName,
        _ input: JSONNode,
        _ settings: JSONNode?
    ) throws(ModelFilesError) -> (request: TaskRequest, title: String) {
        func options(_ known: String...) throws(ModelFilesError) -> ExpectedMembers {
            try ExpectedMembers(settings, of: "`options` of \(task.rawValue)", known)
        }
        func members(_ known: String...) throws(ModelFilesError) -> ExpectedMembers {
            try ExpectedMembers(input, of: "`input` of \(task.rawValue)", known)
        }
        switch task {
        case .tokenize:
            let options = try options("add_special_tokens")
            let special = try options.node("add_special_tokens")?.bool() ?? true
            let text = try TaskText(expected: input)
            return (.tokenize([text], TokenizeOptions(specialTokens: special)), text.text)
        case .features:
            _ = try options()
            let text = try TaskText(expected: input)
            return (.features([text], .error), text.text)
        case .embed:
            let options = try options("prompt", "prompt_name", "truncate_dim", "normalize_embeddings")
            let text = try TaskText(expected: input)
            return (.embed([text], try EmbedOptions(expected: options)), text.text)
        case .classify:
            let options = try options("top_k", "function_to_apply", "truncation")
            let text = try TaskText(expected: input)
            return (.classify([text], try ClassifyOptions(expected: options)), text.text)
        case .tag:
            let options = try options("aggregation_strategy")
            let strategy = try options.choice(
                "aggregation_strategy",
                [
                    "none": TagOptions.Aggregation.none, "simple": .simple, "first": .first, "average": .average,
                    "max": .max,
                ]
            )
            let text = try input.string()
            return (.tag([text], TagOptions(aggregation: strategy ?? .none)), text)
        case .answer:
            let options = try options(
                "top_k",
                "max_answer_len",
                "max_seq_len",
                "doc_stride",
                "handle_impossible_answer",
                "align_to_words"
            )
            _ = try members("question", "context")
            let question = try input.required("question").string()
            let context = try input.required("context").string()
            return (.answer([Question(question, context: context)], try AnswerOptions(expected: options)), question)
        case .fillMask:
            let options = try options("top_k", "targets")
            let (count, targets) = (try options.count("top_k") ?? 5, try options.strings("targets"))
            let text = try input.string()
            return (.fillMask([text], FillMaskOptions(topK: count, targets: targets)), text)
        case .zeroShot:
            let options = try options("multi_label", "hypothesis_template")
            _ = try members("text", "labels")
            let text = try input.required("text").string()
            let wanted = ZeroShotOptions(
                labels: try input.required("labels").strings(),
                hypothesisTemplate: try options.string("hypothesis_template"),
                multiLabel: try options.bool("multi_label")
            )
            return (.zeroShot([text], wanted), text)
        case .rerank:
            let options = try options("function_to_apply")
            let function = try options.choice("function_to_apply", ["none": ScoreFunction.none, "sigmoid": .sigmoid])
            _ = try members("query", "texts")
            let query = try input.required("query").string()
            let texts = try input.required("texts").strings()
            return (.rerank(query: query, texts, RerankOptions(function: function)), query)
        case .multipleChoice:
            _ = try options()
            _ = try members("text", "choices")
            let text = try input.required("text").string()
            let question = ChoiceQuestion(text, choices: try input.required("choices").strings())
            return (.multipleChoice([question], ChoiceOptions()), text)
        case .infer: throw input.unusable("raw tensors have no expected answers")
        }
    }
}

extension TaskText {
    /// A string, or an object with `text` and `text_pair`.
    fileprivate init(expected input: JSONNode) throws(ModelFilesError) {
        if case .string(let text) = input.value {
            self.init(text)
        } else {
            let members = try ExpectedMembers(input, of: "`input`", ["text", "text_pair"])
            self.init(try input.required("text").string(), pair: try members.string("text_pair"))
        }
    }
}

extension EmbedOptions {
    fileprivate init(expected options: ExpectedMembers) throws(ModelFilesError) {
        let prompt = try options.string("prompt").map { Prompt.text($0) }
        let named = try options.string("prompt_name").map { Prompt.named($0) }
        self.init(
            // False leaves to the folder's modules what they do.
            normalize: try options.bool("normalize_embeddings") ? true : nil,
            dimensions: try options.count("truncate_dim"),
            prompt: prompt ?? named ?? .standard
        )
    }
}

extension ClassifyOptions {
    fileprivate init(expected options: ExpectedMembers) throws(ModelFilesError) {
        self.init(
            topK: try options.isNull("top_k") ? nil : try options.count("top_k") ?? 1,
            function: try options.choice(
                "function_to_apply",
                ["none": ScoreFunction.none, "sigmoid": .sigmoid, "softmax": .softmax]
            ),
            overlong: try options.bool("truncation") ? .truncate : .error
        )
    }
}

extension AnswerOptions {
    fileprivate init(expected options: ExpectedMembers) throws(ModelFilesError) {
        self.init(
            topK: try options.count("top_k") ?? 1,
            maxAnswerLength: try options.count("max_answer_len") ?? 15,
            maxSequenceLength: try options.count("max_seq_len"),
            stride: try options.count("doc_stride"),
            handlesImpossible: try options.bool("handle_impossible_answer"),
            alignsToWords: try options.node("align_to_words")?.bool() ?? true
        )
    }
}
