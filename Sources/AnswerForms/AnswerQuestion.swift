package import Messages

extension AnswerQuestionResponse: ResultsResponse {}

extension AnswerQuestionRequest: TaskForm {
    package mutating func read(_ input: FormObject) throws(FormError) {
        let question = try input.required("question", input.string)
        inputs = [QuestionInput(question: question, context: try input.required("context", input.string))]
    }

    package mutating func read(options: FormObject) throws(FormError) {
        topK = try options.count("top_k")
        maxAnswerLen = try options.count("max_answer_len")
        maxSeqLen = try options.count("max_seq_len")
        docStride = try options.count("doc_stride")
        handleImpossibleAnswer = try options.bool("handle_impossible_answer") == true
        withoutWordAlignment = try options.bool("align_to_words") == false
    }

    package func form(of outcome: QuestionAnswers) -> AnswerValue {
        .list(
            outcome.answers.map {
                .object([
                    "answer": .text($0.answer), "score": .number($0.score), "start": .integer(Int($0.start)),
                    "end": .integer(Int($0.end)),
                ])
            }
        )
    }
}
