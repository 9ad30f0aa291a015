import DistilBERT
import ModelFiles
import Tensors
import Tokenization

package struct ZeroShotOptions: Sendable, Equatable {
    /// The classes to choose from.
    package var labels: [String]
    package var hypothesisTemplate: String?
    /// Whether each label may hold by itself.
    package var multiLabel: Bool
    /// What to do with long texts; hypotheses are never cut.
    package var overlong: Overlong

    package init(
        labels: [String],
        hypothesisTemplate: String? = nil,
        multiLabel: Bool = false,
        overlong: Overlong = .truncate
    ) {
        self.labels = labels
        self.hypothesisTemplate = hypothesisTemplate
        self.multiLabel = multiLabel
        self.overlong = overlong
    }
}

/// The zero-shot classification pipeline of `transformers`: does the text entail that it is about the label?
struct ZeroShotTask: TaskBody {
    static let name = TaskName.zeroShot
    let texts: [String]
    let options: ZeroShotOptions

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("texts", "there is no text") }
        guard !options.labels.isEmpty else { throw .invalid("labels", "there is none to choose") }
        let template = try HypothesisTemplate(options.hypothesisTemplate ?? HypothesisTemplate.standard)
        for (index, label) in options.labels.enumerated() { try model.check(label, "labels[\(index)]") }
        var pipeline = ZeroShotPipeline(options: options, classes: model.configuration.labels)
        var sequences: [TokenSequence] = []
        for (index, text) in texts.enumerated() {
            let field = "texts[\(index)]"
            try model.check(text, field)
            let first = sequences.count
            var cut = false
            for (place, label) in options.labels.enumerated() {
                var (sequence, truncated) = try model.encode(
                    TaskText(text, pair: template(label)),
                    field,
                    pairField: "labels[\(place)]",
                    options.overlong,
                    strategy: .onlyFirst
                )
                sequence.rows = .first
                sequences.append(sequence)
                cut = cut || truncated
            }
            pipeline.texts.append((sequences[first...].reduce(0) { $0 + $1.ids.count }, cut))
        }
        return PreparedTask(pipeline, sequences: sequences)
    }
}

struct ZeroShotPipeline: Pipeline {
    private let options: ZeroShotOptions
    /// Which of the model's classes say yes, and no.
    private let entailment: Int
    private let contradiction: Int
    var texts: [(tokens: Int, truncated: Bool)] = []
    /// Of each sequence: a label with a text, texts one after the other.
    private var logits: [(yes: Float, no: Float)] = []

    /// - Parameter classes: the model's; the one that begins with "entail" says yes, or else the last.
    init(options: ZeroShotOptions, classes: [String]) {
        self.options = options
        entailment = classes.firstIndex { $0.lowercased().hasPrefix("entail") } ?? classes.count - 1
        contradiction = entailment == 0 ? classes.count - 1 : 0
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        logits.append((values[0][entailment], values[0][contradiction]))
    }

    func finish() -> TaskResult {
        let count = options.labels.count
        return .zeroShot(
            texts.enumerated().map { index, text in
                Classification(
                    scores: ranked(scores(logits[index * count..<(index + 1) * count])),
                    tokens: text.tokens,
                    truncated: text.truncated,
                    windows: 1
                )
            }
        )
    }

    private func scores(_ logits: ArraySlice<(yes: Float, no: Float)>) -> [Float] {
        options.multiLabel || logits.count == 1
            ? logits.map { softmax([$0.no, $0.yes])[1] } : softmax(logits.map(\.yes))
    }

    /// Best first; of equal scores the later label first, as numpy's reversed argsort has them.
    private func ranked(_ scores: [Float]) -> [LabelScore] {
        scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 > $1 }
            .map { LabelScore(label: options.labels[$0], score: scores[$0]) }
    }
}
