import DistilBERT
import Messages
import ModelFiles
import Tensors

/// A `…ForMultipleChoice` model on pairs (text, choice).
struct MultipleChoiceTask: InferenceTask {
    static let method = InferenceMethod.multipleChoice
    private let request: MultipleChoiceRequest

    init(_ request: MultipleChoiceRequest) { self.request = request }

    static func isAnswered(by model: Model) -> Bool { model.head?.head == .multipleChoice }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.inputs.isEmpty else { throw .invalid("inputs", "there is no text") }
        try model.meter.expect(request.inputs.reduce(0) { $0 + $1.choices.count }, "choices")
        var pipeline = MultipleChoicePipeline(activation: request.functionToApply.activation ?? .softmax)
        var sequences: [TokenSequence] = []
        for (index, question) in request.inputs.enumerated() {
            let field = "inputs[\(index)]"
            try model.check(question.text, "\(field).text")
            guard !question.choices.isEmpty else { throw .invalid("\(field).choices", "there is none") }
            let first = sequences.count
            var cut = false
            for (place, choice) in question.choices.enumerated() {
                try model.check(choice, "\(field).choices[\(place)]", mayBeEmpty: true)
                let text = TextInput(question.text, pair: choice)
                var (sequence, truncated) = try model.encode(text, "\(field).text", request.truncation.or(.error))
                sequence.rows = .first
                sequences.append(sequence)
                cut = cut || truncated
            }
            pipeline.questions.append(
                .init(
                    choices: first..<sequences.count,
                    tokens: sequences[first...].reduce(0) { $0 + $1.ids.count },
                    truncated: cut
                )
            )
        }
        return PreparedTask(pipeline, sequences: sequences)
    }
}

struct MultipleChoicePipeline: Pipeline {
    struct Question {
        /// Its sequences.
        let choices: Range<Int>
        let tokens: Int
        let truncated: Bool
    }

    private let activation: ModuleActivation
    var questions: [Question] = []
    private var logits: [Float] = []

    init(activation: ModuleActivation) { self.activation = activation }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) { logits.append(values[0][0]) }

    func finish() -> InferenceResponse {
        let results = questions.map { question in
            ChoiceScores(
                scores: activation(Array(logits[question.choices])),
                tokens: UInt32(clamping: question.tokens),
                truncated: question.truncated
            )
        }
        return .multipleChoice(MultipleChoiceResponse(results: results))
    }
}
