import DistilBERT
import Messages
import ModelFiles
import Tensors

/// `CrossEncoder.predict` of pairs (query, text), with a model of one label.
struct RerankTask: InferenceTask {
    static let method = InferenceMethod.rerank
    private let request: RerankRequest

    init(_ request: RerankRequest) { self.request = request }

    static func isAnswered(by model: Model) -> Bool { model.scores == 1 }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.texts.isEmpty else { throw .invalid("texts", "there is no text") }
        try model.meter.expect(request.texts.count, "texts")
        guard request.functionToApply != .softmax else {
            throw .invalid("function_to_apply", "the softmax of one score is always 1; choose none or sigmoid")
        }
        try model.check(request.query, "query")
        var pipeline = RerankPipeline(
            activation: request.functionToApply.activation ?? model.scoreActivation ?? .sigmoid
        )
        var sequences: [TokenSequence] = []
        for (index, text) in request.texts.enumerated() {
            let field = "texts[\(index)]"
            try model.check(text, field, mayBeEmpty: true)
            var (sequence, truncated) = try model.encode(
                TextInput(model.scorePrompt + request.query, pair: text),
                field,
                request.truncation.or(.truncate)
            )
            sequence.rows = model.scoredRows(of: sequence.ids.count)
            sequences.append(sequence)
            pipeline.texts.append((sequence.ids.count, truncated))
        }
        return PreparedTask(pipeline, sequences: sequences)
    }
}

struct RerankPipeline: Pipeline {
    private let activation: ModuleActivation
    var texts: [(tokens: Int, truncated: Bool)] = []
    private var results: [Relevance] = []

    init(activation: ModuleActivation) { self.activation = activation }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        let (tokens, truncated) = texts[sequence]
        results.append(
            Relevance(score: activation([values[0][0]])[0], tokens: UInt32(clamping: tokens), truncated: truncated)
        )
    }

    func finish() -> InferenceResponse { .rerank(RerankResponse(results: results)) }
}
