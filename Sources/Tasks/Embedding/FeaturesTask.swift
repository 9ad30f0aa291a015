import DistilBERT
import Tensors

/// The answer to one text of a features request: the last hidden state, [tokens, hidden], row by row.
package struct Features: Sendable, Equatable {
    package let values: [Float]
    package let tokens: Int
    package let hidden: Int
    package let truncated: Bool
}

/// The feature-extraction pipeline: the last hidden state of each text, special tokens included.
struct FeaturesTask: TaskBody {
    static let name = TaskName.features
    let texts: [TaskText]
    let overlong: Overlong

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("inputs", "there is no text") }
        var pipeline = FeaturesPipeline()
        var sequences: [TokenSequence] = []
        for (index, text) in texts.enumerated() {
            let text = text.withoutEmptyPair
            try model.check(text, "inputs[\(index)]")
            let (sequence, truncated) = try model.encode(text, "inputs[\(index)].text", overlong)
            sequences.append(sequence)
            pipeline.truncated.append(truncated)
        }
        return PreparedTask(pipeline, sequences: sequences)
    }
}

struct FeaturesPipeline: Pipeline {
    var truncated: [Bool] = []
    private var results: [Features] = []

    init() {}

    var needs: PipelineNeeds { .states }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        var states: [Float] = []
        states.reserveCapacity(values.rows * values.columns)
        for row in 0..<values.rows { states += values[row] }
        results.append(
            Features(values: states, tokens: values.rows, hidden: values.columns, truncated: truncated[sequence])
        )
    }

    func finish() -> TaskResult { .features(results) }
}
