import DistilBERT
import Tokenization

/// A question and the text that may answer it.
package struct Question: Sendable, Equatable {
    package var question: String
    package var context: String

    package init(_ question: String, context: String) {
        self.question = question
        self.context = context
    }
}

package struct AnswerOptions: Sendable, Equatable {
    /// Answers to return, best first.
    package var topK: Int
    /// The most tokens of an answer.
    package var maxAnswerLength: Int
    /// Tokens of a window, question included; nil: 384, or what the model takes if that is less.
    package var maxSequenceLength: Int?
    /// Tokens that neighbouring windows share; nil: 128, or half a window if that is less.
    package var stride: Int?
    /// Whether the empty answer competes, for questions that the context does not answer.
    package var handlesImpossible: Bool
    /// Whether answers begin and end where words do.
    package var alignsToWords: Bool

    package init(
        topK: Int = 1,
        maxAnswerLength: Int = 15,
        maxSequenceLength: Int? = nil,
        stride: Int? = nil,
        handlesImpossible: Bool = false,
        alignsToWords: Bool = true
    ) {
        self.topK = topK
        self.maxAnswerLength = maxAnswerLength
        self.maxSequenceLength = maxSequenceLength
        self.stride = stride
        self.handlesImpossible = handlesImpossible
        self.alignsToWords = alignsToWords
    }
}

/// A stretch of a context.
package struct Answer: Sendable, Equatable {
    /// Empty: the context has no answer.
    package var text: String
    package var score: Float
    /// In scalars of the context.
    package var start: Int
    package var end: Int
}

/// The answers to one question, best first.
package struct QuestionAnswers: Sendable, Equatable {
    package let answers: [Answer]
    /// Of all windows.
    package let tokens: Int
    package let windows: Int
}

/// The extractive question-answering pipeline, as `transformers` had it last (4.57).
struct AnswerTask: TaskBody {
    static let name = TaskName.answer
    let questions: [Question]
    let options: AnswerOptions

    private static let mostAnswers = 1000

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !questions.isEmpty else { throw .invalid("inputs", "there is no question") }
        guard (1...Self.mostAnswers).contains(options.topK) else {
            throw .invalid("top_k", "it is \(options.topK); it must be between 1 and \(Self.mostAnswers)")
        }
        guard options.maxAnswerLength >= 1 else {
            throw .invalid("max_answer_len", "it is \(options.maxAnswerLength); it must be at least 1")
        }
        let length = options.maxSequenceLength ?? min(model.textLimit, 384)
        guard length <= model.maxTokens else {
            throw .invalid("max_seq_len", "it is \(length), and the model takes at most \(model.maxTokens)")
        }
        let stride = options.stride ?? min(length / 2, 128)
        guard stride < length else {
            throw .invalid("doc_stride", "it is \(stride); it must be less than the \(length) tokens of a window")
        }
        var pipeline = AnswerPipeline(options: options)
        var sequences: [TokenSequence] = []
        for (index, question) in questions.enumerated() {
            try model.check(question.question, "inputs[\(index)].question")
            try model.check(question.context, "inputs[\(index)].context")
            let windows = try windows(question, "inputs[\(index)].question", length: length, stride: stride, model)
            sequences += windows.map { TokenSequence($0.encoding, rows: .at($0.rows)) }
            pipeline.add(question.context, windows)
        }
        return PreparedTask(pipeline, sequences: sequences)
    }

    private func windows(
        _ question: Question,
        _ field: String,
        length: Int,
        stride: Int,
        _ model: Model
    ) throws(TaskError) -> [AnswerWindow] {
        try model.checkPair(field)
        var tokens = 0
        do throws(TokenizationError) {
            tokens = try model.tokenizer.encode(question.question, addSpecialTokens: false).count
            let encodings = try model.tokenizer.encodeWindows(
                question.question,
                pair: question.context,
                maxLength: length,
                stride: stride,
                strategy: .onlySecond
            )
            guard encodings.allSatisfy({ $0.count <= length }) else {
                throw TokenizationError(.lengthTooShort, "a window has no room for the texts")
            }
            return encodings.map {
                AnswerWindow($0, questionTokens: tokens, classID: model.tokenizer.classID)
            }
        } catch {
            let room = max(0, length - tokens - 3)
            if error.code == .strideTooLong, options.stride != nil {
                throw .invalid(
                    "doc_stride",
                    "it is \(stride), and beside the question of \(tokens) tokens a window holds \(room) of the context; "
                        + "it must be less than that"
                )
            }
            throw .invalid(
                field,
                "it has \(tokens) tokens and leaves room for \(room) of the context in a window of \(length), which shares "
                    + "\(stride) with the next one; shorten the question"
                    + (length < model.maxTokens ? " or take windows of more tokens (max_seq_len)" : "")
            )
        }
    }
}
