import Messages
import Tasks
import Wire

extension AnswerQuestionRequest {
    var taskRequest: TaskRequest {
        .answer(
            inputs.map { Question($0.question, context: $0.context) },
            AnswerOptions(
                topK: given(topK) ?? 1,
                maxAnswerLength: given(maxAnswerLen) ?? 15,
                maxSequenceLength: given(maxSeqLen),
                stride: given(docStride),
                handlesImpossible: handleImpossibleAnswer,
                alignsToWords: !withoutWordAlignment
            )
        )
    }
}

extension Messages.QuestionAnswers {
    init(_ result: Tasks.QuestionAnswers) {
        self.init(
            answers: result.answers.map {
                AnswerSpan(
                    answer: $0.text,
                    score: $0.score,
                    start: UInt32(clamping: $0.start),
                    end: UInt32(clamping: $0.end)
                )
            },
            tokens: UInt32(clamping: result.tokens),
            windows: UInt32(clamping: result.windows)
        )
    }
}
