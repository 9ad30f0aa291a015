import DistilBERT
import ModelFiles
import Tensors
import Tokenization

package struct ClassifyOptions: Sendable, Equatable {
    package typealias Function = ScoreFunction

    /// How the scores of a long text's windows become one score a label.
    package enum WindowPooling: Sendable, Equatable {
        case mean, max
    }

    /// The number of labels to return, best first; nil: all.
    package var topK: Int?
    /// nil: as the checkpoint's `problem_type` says.
    package var function: Function?
    package var overlong: Overlong
    package var windowPooling: WindowPooling
    /// Tokens that neighbouring windows share; nil: a quarter of the model's.
    package var stride: Int?

    package init(
        topK: Int? = 1,
        function: Function? = nil,
        overlong: Overlong = .error,
        windowPooling: WindowPooling = .mean,
        stride: Int? = nil
    ) {
        self.topK = topK
        self.function = function
        self.overlong = overlong
        self.windowPooling = windowPooling
        self.stride = stride
    }
}

/// The answer to one text of a classify or zero-shot request: labels, best first.
package struct Classification: Sendable, Equatable {
    package let scores: [LabelScore]
    package let tokens: Int
    package let truncated: Bool
    /// How many sequences the text was computed in.
    package let windows: Int
}

/// The text-classification pipeline of `transformers`; windows are ours. A cross-encoder that ends in modules has no
/// pipeline: its scores are those of `CrossEncoder.predict`.
struct ClassifyTask: TaskBody {
    static let name = TaskName.classify
    let texts: [TaskText]
    let options: ClassifyOptions

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("inputs", "there is no text") }
        var pipeline = ClassifyPipeline(
            options: options,
            activation: options.function.map { ModuleActivation($0) } ?? model.classActivation,
            labels: model.labels
        )
        var sequences: [TokenSequence] = []
        for (index, text) in texts.enumerated() {
            let text = text.withoutEmptyPair
            try model.check(text, "inputs[\(index)]")
            let first = sequences.count
            var truncated = false
            if options.overlong == .windows {
                sequences += try model.windows(text, "inputs[\(index)].text", stride: options.stride).map {
                    TokenSequence($0, rows: model.scoredRows(of: $0.ids.count))
                }
            } else {
                var encoded = try model.encode(text, "inputs[\(index)].text", options.overlong)
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

    let options: ClassifyOptions
    let activation: ModuleActivation
    let labels: [String]
    var texts: [Text] = []
    /// Of each sequence.
    private var scores: [[Float]] = []

    init(options: ClassifyOptions, activation: ModuleActivation, labels: [String]) {
        self.options = options
        self.activation = activation
        self.labels = labels
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        scores.append(activation(Array(values[0])))
    }

    func finish() -> TaskResult {
        .classify(
            texts.map { text in
                Classification(
                    scores: ranked(pooled(scores[text.sequences])),
                    tokens: text.tokens,
                    truncated: text.truncated,
                    windows: text.sequences.count
                )
            }
        )
    }

    /// The scores of a text from those of its windows.
    private func pooled(_ windows: ArraySlice<[Float]>) -> [Float] {
        guard var result = windows.first else { return [] }
        for window in windows.dropFirst() {
            for (label, score) in window.enumerated() {
                result[label] = options.windowPooling == .mean ? result[label] + score : max(result[label], score)
            }
        }
        guard options.windowPooling == .mean, windows.count > 1 else { return result }
        return result.map { $0 / Float(windows.count) }
    }

    private func ranked(_ scores: [Float]) -> [LabelScore] {
        let order = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        return order.prefix(options.topK ?? scores.count).map {
            LabelScore(label: labels[$0], score: scores[$0])
        }
    }
}

extension Model {
    /// The pipeline's choice: a regression's value stays as it is; one label, or `problem_type`
    /// multi_label_classification, has the sigmoid; else softmax. `CrossEncoder.predict` has what the folder says, or else
    /// the sigmoid of one score and nothing of several.
    fileprivate var classActivation: ModuleActivation {
        if scorer != nil { return scoreActivation ?? (labels.count == 1 ? .sigmoid : .identity) }
        return switch configuration.problemType {
        case .regression: .identity
        case .multiLabelClassification: .sigmoid
        case .singleLabelClassification, nil: labels.count == 1 ? .sigmoid : .softmax
        }
    }

    /// Which rows of the hidden states of a text of `length` tokens its scores are made of.
    func scoredRows(of length: Int) -> TokenSequence.Rows {
        scorer?.rows(EmbedOptions(), of: length, skipping: 0) ?? .first
    }
}

extension ModuleActivation {
    init(_ function: ScoreFunction) {
        switch function {
        case .none: self = .identity
        case .sigmoid: self = .sigmoid
        case .softmax: self = .softmax
        }
    }
}
