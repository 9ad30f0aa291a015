import DistilBERT
import Messages
import Tensors

/// The feature-extraction pipeline: the last hidden state of each text, special tokens included.
struct FeaturesTask: InferenceTask {
    static let method = InferenceMethod.features
    private let request: FeaturesRequest

    init(_ request: FeaturesRequest) { self.request = request }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.inputs.isEmpty else { throw .invalid("inputs", "there is no text") }
        try model.meter.expect(request.inputs.count, "inputs")
        var pipeline = FeaturesPipeline()
        var sequences: [TokenSequence] = []
        for (index, text) in request.inputs.enumerated() {
            let text = text.withoutEmptyPair
            try model.check(text, "inputs[\(index)]")
            let (sequence, truncated) = try model.encode(text, "inputs[\(index)].text", request.truncation.or(.error))
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
            Features(
                tokens: UInt32(clamping: values.rows),
                hidden: UInt32(clamping: values.columns),
                values: states,
                truncated: truncated[sequence]
            )
        )
    }

    func finish() -> InferenceResponse { .features(FeaturesResponse(results: results)) }
}
