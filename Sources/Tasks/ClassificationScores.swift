import Glibc
import ModelFiles

/// Turns a classifier's logits into labels and scores, best first, as `transformers`' text-classification pipeline does:
/// a regression's value stays as it is; one label, or `problem_type` multi_label_classification, has the sigmoid; else
/// softmax.
func classificationScores(
    _ logits: [Float],
    _ options: ClassifyOptions,
    _ configuration: ModelConfiguration
) -> [LabelScore] {
    let function =
        options.function
        ?? {
            switch configuration.problemType {
            case .regression: .none
            case .multiLabelClassification: .sigmoid
            case .singleLabelClassification, nil: logits.count == 1 ? .sigmoid : .softmax
            }
        }()
    let scores: [Float]
    switch function {
    case .none: scores = logits
    case .sigmoid: scores = logits.map { 1 / (1 + expf(-$0)) }
    case .softmax:
        let top = logits.max() ?? 0
        let powers = logits.map { expf($0 - top) }
        let sum = powers.reduce(0, +)
        scores = powers.map { $0 / sum }
    }
    let order = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
    return order.prefix(options.topK ?? scores.count).map {
        LabelScore(label: configuration.labels[$0], score: scores[$0])
    }
}
