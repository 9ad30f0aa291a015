import DistilBERT
import Messages
import Tokenization

/// The extractive question-answering pipeline, as `transformers` had it last (4.57).
struct AnswerQuestionTask: InferenceTask {
    static let method = InferenceMethod.answerQuestion
    private let request: AnswerQuestionRequest

    private static let mostAnswers: UInt32 = 1000

    init(_ request: AnswerQuestionRequest) { self.request = request }

    static func isAnswered(by model: Model) -> Bool { model.head?.head == .questionAnswering }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.inputs.isEmpty else { throw .invalid("inputs", "there is no question") }
        try model.meter.expect(request.inputs.count, "inputs")
        guard request.topK <= Self.mostAnswers else {
            throw .invalid("top_k", "it is \(request.topK); it must be between 1 and \(Self.mostAnswers)")
        }
        let length = request.maxSeqLen.given ?? min(model.textLimit, 384)
        guard length <= model.maxTokens else {
            throw .invalid("max_seq_len", "it is \(length), and the model takes at most \(model.maxTokens)")
        }
        let stride = request.docStride.given ?? min(length / 2, 128)
        guard stride < length else {
            throw .invalid("doc_stride", "it is \(stride); it must be less than the \(length) tokens of a window")
        }
        var pipeline = AnswerQuestionPipeline(request: request)
        var sequences: [TokenSequence] = []
        for (index, question) in request.inputs.enumerated() {
            try model.check(question.question, "inputs[\(index)].question")
            try model.check(question.context, "inputs[\(index)].context")
            let windows = try windows(question, "inputs[\(index)].question", length: length, stride: stride, model)
            sequences += windows.map { TokenSequence($0.encoding, rows: .at($0.rows)) }
            pipeline.add(question.context, windows)
        }
        return PreparedTask(pipeline, sequences: sequences)
    }

    private func windows(
        _ question: QuestionInput,
        _ field: String,
        length: Int,
        stride: Int,
        _ model: Model
    ) throws(TaskError) -> [AnswerWindow] {
        try model.checkPair(field)
        var tokens = 0
        let windows: TokenWindows
        do throws(TokenizationError) {
            tokens = try model.tokenizer.encode(question.question, addSpecialTokens: false).count
            windows = try model.tokenizer.windows(
                question.question,
                pair: question.context,
                maxLength: length,
                stride: stride,
                strategy: .onlySecond
            )
            guard windows.longest <= length else {
                throw TokenizationError(.lengthTooShort, "a window has no room for the texts")
            }
        } catch {
            let room = max(0, length - tokens - 3)
            if error.code == .strideTooLong, request.docStride > 0 {
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
        try model.meter.add(sequences: windows.count, tokens: windows.tokens, field)
        return windows.encodings().map {
            AnswerWindow($0, questionTokens: tokens, classID: model.tokenizer.classID)
        }
    }
}
