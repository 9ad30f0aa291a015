/// One request for a model.
package enum TaskRequest: Sendable, Equatable {
    case classify([TaskText], ClassifyOptions)
    case embed([TaskText], EmbedOptions)
    case features([TaskText], Overlong)
    case tokenize([TaskText], TokenizeOptions)
    case tag([String], TagOptions)
    case answer([Question], AnswerOptions)
    case fillMask([String], FillMaskOptions)
    case zeroShot([String], ZeroShotOptions)
    case rerank(query: String, [String], RerankOptions)
    case multipleChoice([ChoiceQuestion], ChoiceOptions)
    case infer([RawTensor], outputs: [String])

    /// What carries it out.
    var body: any TaskBody {
        switch self {
        case .classify(let texts, let options): ClassifyTask(texts: texts, options: options)
        case .embed(let texts, let options): EmbedTask(texts: texts, options: options)
        case .features(let texts, let overlong): FeaturesTask(texts: texts, overlong: overlong)
        case .tokenize(let texts, let options): TokenizeTask(texts: texts, options: options)
        case .tag(let texts, let options): TagTask(texts: texts, options: options)
        case .answer(let questions, let options): AnswerTask(questions: questions, options: options)
        case .fillMask(let texts, let options): FillMaskTask(texts: texts, options: options)
        case .zeroShot(let texts, let options): ZeroShotTask(texts: texts, options: options)
        case .rerank(let query, let texts, let options): RerankTask(query: query, texts: texts, options: options)
        case .multipleChoice(let questions, let options): ChoiceTask(questions: questions, options: options)
        case .infer(let inputs, let outputs): InferTask(inputs: inputs, outputs: outputs)
        }
    }

    package var task: TaskName { type(of: body).name }
}

/// A text, or two for models that take a pair.
package struct TaskText: Sendable, Equatable {
    package var text: String
    package var pair: String?

    package init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }

    /// The text as the pipelines of `transformers` take it: an empty second text is none.
    var withoutEmptyPair: TaskText { pair == "" ? TaskText(text) : self }
}

/// What to do with a text of more tokens than the model takes.
package enum Overlong: Sendable, Equatable {
    /// Refuse the request.
    case error
    /// Leave out what does not fit, and say so in the result.
    case truncate
    /// Compute the whole text in overlapping windows: `classify` and `tag` alone.
    case windows

    /// For the tasks that have no windows.
    func refuseWindows() throws(TaskError) {
        guard self != .windows else {
            throw .invalid("truncation", "windows are for classify and tag; this task takes error or truncate")
        }
    }
}

/// How logits become scores.
package enum ScoreFunction: Sendable, Equatable {
    case none, sigmoid, softmax
}
