import DistilBERT
import Messages
import ModelFiles
import Tensors
import Tokenization

/// The zero-shot classification pipeline of `transformers`: does the text entail that it is about the label?
struct ZeroShotTask: InferenceTask {
    static let method = InferenceMethod.zeroShot
    private let request: ZeroShotRequest

    init(_ request: ZeroShotRequest) { self.request = request }

    static func isAnswered(by model: Model) -> Bool {
        if case .sequenceClassification(let labels) = model.head?.head { labels > 1 } else { false }
    }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.texts.isEmpty else { throw .invalid("texts", "there is no text") }
        guard !request.labels.isEmpty else { throw .invalid("labels", "there is none to choose") }
        try model.meter.expect(request.texts.count, of: request.labels.count, "texts")
        let template = try HypothesisTemplate(
            request.hypothesisTemplate.isEmpty ? HypothesisTemplate.standard : request.hypothesisTemplate
        )
        for (index, label) in request.labels.enumerated() { try model.check(label, "labels[\(index)]") }
        var pipeline = ZeroShotPipeline(request: request, classes: model.configuration.labels)
        var sequences: [TokenSequence] = []
        for (index, text) in request.texts.enumerated() {
            let field = "texts[\(index)]"
            try model.check(text, field)
            let first = sequences.count
            var cut = false
            for (place, label) in request.labels.enumerated() {
                var (sequence, truncated) = try model.encode(
                    TextInput(text, pair: template(label)),
                    field,
                    pairField: "labels[\(place)]",
                    request.truncation.or(.truncate),
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
    private let labels: [String]
    /// Whether each label may hold by itself.
    private let multiLabel: Bool
    /// Which of the model's classes say yes, and no.
    private let entailment: Int
    private let contradiction: Int
    var texts: [(tokens: Int, truncated: Bool)] = []
    /// Of each sequence: a label with a text, texts one after the other.
    private var logits: [(yes: Float, no: Float)] = []

    /// - Parameter classes: the model's; the one that begins with "entail" says yes, or else the last.
    init(request: ZeroShotRequest, classes: [String]) {
        labels = request.labels
        multiLabel = request.multiLabel
        entailment = classes.firstIndex { $0.lowercased().hasPrefix("entail") } ?? classes.count - 1
        contradiction = entailment == 0 ? classes.count - 1 : 0
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        logits.append((values[0][entailment], values[0][contradiction]))
    }

    func finish() -> InferenceResponse {
        let count = labels.count
        let results = texts.enumerated().map { index, text in
            Classification(
                scores: ranked(scores(logits[index * count..<(index + 1) * count])),
                tokens: UInt32(clamping: text.tokens),
                truncated: text.truncated,
                windows: 1
            )
        }
        return .zeroShot(ZeroShotResponse(results: results))
    }

    private func scores(_ logits: ArraySlice<(yes: Float, no: Float)>) -> [Float] {
        multiLabel || logits.count == 1
            ? logits.map { softmax([$0.no, $0.yes])[1] } : softmax(logits.map(\.yes))
    }

    /// Best first; of equal scores the later label first, as numpy's reversed argsort has them.
    private func ranked(_ scores: [Float]) -> [LabelScore] {
        scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 > $1 }
            .map { LabelScore(label: labels[$0], score: scores[$0]) }
    }
}
