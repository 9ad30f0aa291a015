package import CWireMessages

package struct QuestionInput: Sendable, Equatable {
    package var question: String
    package var context: String

    package init(
        question: String = "",
        context: String = ""
    ) {
        self.question = question
        self.context = context
    }
}

extension QuestionInput: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__QuestionInput>) {
        inference__v1__question_input__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__QuestionInput, _ arena: inout EncodingArena) {
        structure.question = arena.text(question)
        structure.context = arena.text(context)
    }

    package init(_ structure: Inference__V1__QuestionInput) throws(WireError) {
        self.init(
            question: try decodeText(structure.question, "question"),
            context: try decodeText(structure.context, "context")
        )
    }
}

package struct AnswerQuestionRequest: Sendable, Equatable {
    package var inputs: [QuestionInput]
    /// 0: 1.
    package var topK: UInt32
    /// In tokens; 0: 15.
    package var maxAnswerLen: UInt32
    /// Tokens of a window, question included; 0: 384, or what the model takes.
    package var maxSeqLen: UInt32
    /// Tokens that neighbouring windows share; 0: 128, or half a window.
    package var docStride: UInt32
    /// Also consider that the context has no answer.
    package var handleImpossibleAnswer: Bool
    /// An answer may begin or end within a word.
    package var withoutWordAlignment: Bool

    package init(
        inputs: [QuestionInput] = [],
        topK: UInt32 = 0,
        maxAnswerLen: UInt32 = 0,
        maxSeqLen: UInt32 = 0,
        docStride: UInt32 = 0,
        handleImpossibleAnswer: Bool = false,
        withoutWordAlignment: Bool = false
    ) {
        self.inputs = inputs
        self.topK = topK
        self.maxAnswerLen = maxAnswerLen
        self.maxSeqLen = maxSeqLen
        self.docStride = docStride
        self.handleImpossibleAnswer = handleImpossibleAnswer
        self.withoutWordAlignment = withoutWordAlignment
    }
}

extension AnswerQuestionRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__AnswerQuestionRequest>) {
        inference__v1__answer_question_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__AnswerQuestionRequest, _ arena: inout EncodingArena) {
        (structure.n_inputs, structure.inputs) = arena.messages(inputs)
        structure.top_k = topK
        structure.max_answer_len = maxAnswerLen
        structure.max_seq_len = maxSeqLen
        structure.doc_stride = docStride
        structure.handle_impossible_answer = handleImpossibleAnswer ? 1 : 0
        structure.without_word_alignment = withoutWordAlignment ? 1 : 0
    }

    package init(_ structure: Inference__V1__AnswerQuestionRequest) throws(WireError) {
        self.init(
            inputs: try decodeMessages(structure.n_inputs, structure.inputs, "inputs"),
            topK: structure.top_k,
            maxAnswerLen: structure.max_answer_len,
            maxSeqLen: structure.max_seq_len,
            docStride: structure.doc_stride,
            handleImpossibleAnswer: structure.handle_impossible_answer != 0,
            withoutWordAlignment: structure.without_word_alignment != 0
        )
    }
}

/// A part of the context; empty: there is no answer in it. Offsets count Unicode scalars.
package struct AnswerSpan: Sendable, Equatable {
    package var answer: String
    package var score: Float
    package var start: UInt32
    package var end: UInt32

    package init(
        answer: String = "",
        score: Float = 0,
        start: UInt32 = 0,
        end: UInt32 = 0
    ) {
        self.answer = answer
        self.score = score
        self.start = start
        self.end = end
    }
}

extension AnswerSpan: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__AnswerSpan>) {
        inference__v1__answer_span__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__AnswerSpan, _ arena: inout EncodingArena) {
        structure.answer = arena.text(answer)
        structure.score = score
        structure.start = start
        structure.end = end
    }

    package init(_ structure: Inference__V1__AnswerSpan) throws(WireError) {
        self.init(
            answer: try decodeText(structure.answer, "answer"),
            score: structure.score,
            start: structure.start,
            end: structure.end
        )
    }
}

package struct QuestionAnswers: Sendable, Equatable {
    /// Best first.
    package var answers: [AnswerSpan]
    /// Of all windows.
    package var tokens: UInt32
    package var windows: UInt32

    package init(
        answers: [AnswerSpan] = [],
        tokens: UInt32 = 0,
        windows: UInt32 = 0
    ) {
        self.answers = answers
        self.tokens = tokens
        self.windows = windows
    }
}

extension QuestionAnswers: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__QuestionAnswers>) {
        inference__v1__question_answers__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__QuestionAnswers, _ arena: inout EncodingArena) {
        (structure.n_answers, structure.answers) = arena.messages(answers)
        structure.tokens = tokens
        structure.windows = windows
    }

    package init(_ structure: Inference__V1__QuestionAnswers) throws(WireError) {
        self.init(
            answers: try decodeMessages(structure.n_answers, structure.answers, "answers"),
            tokens: structure.tokens,
            windows: structure.windows
        )
    }
}

package struct AnswerQuestionResponse: Sendable, Equatable {
    /// One an input, in order.
    package var results: [QuestionAnswers]

    package init(results: [QuestionAnswers] = []) {
        self.results = results
    }
}

extension AnswerQuestionResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__AnswerQuestionResponse>) {
        inference__v1__answer_question_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__AnswerQuestionResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__AnswerQuestionResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
