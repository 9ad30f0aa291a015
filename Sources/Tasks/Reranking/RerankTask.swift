import DistilBERT
import ModelFiles
import Tensors

package struct RerankOptions: Sendable, Equatable {
    /// What the logit goes through; nil: as the folder says, or else the sigmoid.
    package var function: ScoreFunction?
    package var overlong: Overlong

    package init(function: ScoreFunction? = nil, overlong: Overlong = .truncate) {
        self.function = function
        self.overlong = overlong
    }
}

/// How well one text answers the query.
package struct Relevance: Sendable, Equatable {
    package let score: Float
    package let tokens: Int
    package let truncated: Bool
}

/// `CrossEncoder.predict` of pairs (query, text), with a model of one label.
struct RerankTask: TaskBody {
    static let name = TaskName.rerank
    let query: String
    let texts: [String]
    let options: RerankOptions

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("texts", "there is no text") }
        guard options.function != .softmax else {
            throw .invalid("function_to_apply", "the softmax of one score is always 1; choose none or sigmoid")
        }
        try model.check(query, "query")
        var pipeline = RerankPipeline(
            activation: options.function.map { ModuleActivation($0) } ?? model.scoreActivation ?? .sigmoid
        )
        var sequences: [TokenSequence] = []
        for (index, text) in texts.enumerated() {
            let field = "texts[\(index)]"
            try model.check(text, field, mayBeEmpty: true)
            var (sequence, truncated) = try model.encode(
                TaskText(model.scorePrompt + query, pair: text),
                field,
                options.overlong
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
        results.append(Relevance(score: activation([values[0][0]])[0], tokens: tokens, truncated: truncated))
    }

    func finish() -> TaskResult { .rerank(results) }
}
