import Messages
import Wire

extension ModelClient {
    /// Finds the answer to a question in a text of any length.
    ///
    /// ```swift
    /// let manual = "The valve is closed by turning it clockwise."
    /// let answer = try await client.answer("How is the valve closed?", in: manual, model: "qa")
    /// if let range = answer.range { print(manual[range], answer.score) }   // by turning it clockwise 0.61
    /// ```
    ///
    /// - Parameters:
    ///   - question: the question, not empty and without U+0000.
    ///   - context: the text to look in, not empty and without U+0000; a long one is read in windows.
    ///   - model: `name`, `name@2`, `name:int8` or `name@2:int8`.
    ///   - options: how many answers, how long they may be, whether there may be none.
    ///   - timeout: how long to wait for the answer; nil: the configuration's.
    /// - Throws: ``ModelClientError``. Do not retry `invalidArgument` (a question that fills the window, a stride that is not
    ///   below it, a model that answers no questions) and `notFound`; for the others see <doc:Errors>.
    public nonisolated(nonsending) func answer(
        _ question: String,
        in context: String,
        model: String,
        options: AnswerOptions = AnswerOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> QuestionAnswer {
        try await answer(
            [QuestionInput(question, context: context)],
            model: model,
            options: options,
            timeout: timeout
        )[0]
    }

    /// Finds the answers to several questions, each in a text of its own.
    ///
    /// ```swift
    /// let questions = ["Who?", "Where?"].map { QuestionInput($0, context: article) }
    /// let answers = try await client.answer(questions, model: "qa", options: AnswerOptions(mayBeUnanswerable: true))
    /// print(answers.map { $0.range == nil ? "not said" : $0.text })
    /// ```
    ///
    /// - Returns: one answer per question, in order; none for no questions.
    /// - Throws: ``ModelClientError``, as for one question; one that is refused fails all.
    public nonisolated(nonsending) func answer(
        _ questions: [QuestionInput],
        model: String,
        options: AnswerOptions = AnswerOptions(),
        timeout: Duration? = nil
    ) async throws(ModelClientError) -> [QuestionAnswer] {
        let request = AnswerQuestionRequest(
            topK: UInt32(clamping: max(1, options.count)),
            maxAnswerLen: try given(options.maximumAnswerTokens, "maximumAnswerTokens", model),
            maxSeqLen: try given(options.windowTokens, "windowTokens", model),
            docStride: try given(options.stride, "stride", model),
            handleImpossibleAnswer: options.mayBeUnanswerable,
            withoutWordAlignment: !options.alignsToWords
        )
        let call = Inference(request, \.inputs, \.results, model, options.metadata, timeout, value: QuestionAnswer.init)
        return try await infer(call, questions.map { .init(question: $0.question, context: $0.context) })
    }
}
