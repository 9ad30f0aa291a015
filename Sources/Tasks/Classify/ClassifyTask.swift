import DistilBERT
import Messages
import ModelFiles
import Tensors
import Tokenization

/// The text-classification pipeline of `transformers`; windows are ours. Models that end in modules have no pipeline: the
/// scores of a cross-encoder are those of `CrossEncoder.predict`, those of an embedder whose last module is a classifier
/// what the pipeline would make of its embedding.
struct ClassifyTask: InferenceTask {
    static let method = InferenceMethod.classify
    private let request: ClassifyRequest

    init(_ request: ClassifyRequest) { self.request = request }

    static func isAnswered(by model: Model) -> Bool { model.scores > 0 }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.inputs.isEmpty else { throw .invalid("inputs", "there is no text") }
        try model.meter.expect(request.inputs.count, "inputs")
        var pipeline = ClassifyPipeline(
            pooling: request.windowPooling,
            count: request.allLabels ? .max : request.topK.given ?? 1,
            activation: request.functionToApply.activation ?? model.classActivation,
            labels: model.labels
        )
        var sequences: [TokenSequence] = []
        for (index, text) in request.inputs.enumerated() {
            let text = text.withoutEmptyPair
            try model.check(text, "inputs[\(index)]")
            let first = sequences.count
            var truncated = false
            if request.truncation == .windows {
                sequences += try model.windows(text, "inputs[\(index)].text", stride: request.stride.given).map {
                    TokenSequence($0, rows: model.scoredRows(of: $0.ids.count))
                }
            } else {
                var encoded = try model.encode(text, "inputs[\(index)].text", request.truncation.or(.error))
                encoded.sequence.rows = model.scoredRows(of: encoded.sequence.ids.count)
                sequences.append(encoded.sequence)
                truncated = encoded.truncated
            }
            let tokens = sequences[first...].reduce(0) { $0 + $1.ids.count }
            pipeline.texts.append(.init(sequences: first..<sequences.count, tokens: tokens, truncated: truncated))
        }
        return PreparedTask(pipeline, sequences: sequences)
    }
}

struct ClassifyPipeline: Pipeline {
    struct Text {
        let sequences: Range<Int>
        let tokens: Int
        let truncated: Bool
    }

    /// How the scores of a long text's windows become one score per label.
    private let pooling: WindowPooling
    /// The most labels to answer.
    private let count: Int
    private let activation: ModuleActivation
    private let labels: [String]
    var texts: [Text] = []
    /// Of each sequence.
    private var scores: [[Float]] = []

    init(pooling: WindowPooling, count: Int, activation: ModuleActivation, labels: [String]) {
        self.pooling = pooling
        self.count = count
        self.activation = activation
        self.labels = labels
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        scores.append(activation(Array(values[0])))
    }

    func finish() -> InferenceResponse {
        let results = texts.map { text in
            Classification(
                scores: ranked(pooled(scores[text.sequences])),
                tokens: UInt32(clamping: text.tokens),
                truncated: text.truncated,
                windows: UInt32(clamping: text.sequences.count)
            )
        }
        return .classify(ClassifyResponse(results: results))
    }

    /// The scores of a text from those of its windows.
    private func pooled(_ windows: ArraySlice<[Float]>) -> [Float] {
        guard var result = windows.first else { return [] }
        for window in windows.dropFirst() {
            for (label, score) in window.enumerated() {
                result[label] = pooling == .mean ? result[label] + score : max(result[label], score)
            }
        }
        guard pooling == .mean, windows.count > 1 else { return result }
        return result.map { $0 / Float(windows.count) }
    }

    private func ranked(_ scores: [Float]) -> [LabelScore] {
        let order = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        return order.prefix(count).map { LabelScore(label: labels[$0], score: scores[$0]) }
    }
}

extension Model {
    /// The pipeline's choice: a regression's value stays as it is; one label, or `problem_type`
    /// multi_label_classification, has the sigmoid; else softmax. `CrossEncoder.predict` has what the folder says, or else
    /// the sigmoid of one score and nothing of several.
    fileprivate var classActivation: ModuleActivation {
        if scoresPairs { return scoreActivation ?? (labels.count == 1 ? .sigmoid : .identity) }
        return switch configuration.problemType {
        case .regression: .identity
        case .multiLabelClassification: .sigmoid
        case .singleLabelClassification, nil: labels.count == 1 ? .sigmoid : .softmax
        }
    }

    /// Which rows of the hidden states of a text of `length` tokens its scores are made of.
    func scoredRows(of length: Int) -> TokenSequence.Rows {
        scorer?.rows(EmbedRequest(), of: length, skipping: 0) ?? .first
    }
}
