import DistilBERT
import Messages
import ModelFiles
import Tensors
import Tokenization

/// The token-classification pipeline of `transformers`.
struct TagTokensTask: InferenceTask {
    static let method = InferenceMethod.tagTokens
    private let request: TagTokensRequest

    init(_ request: TagTokensRequest) { self.request = request }

    static func isAnswered(by model: Model) -> Bool {
        if case .tokenClassification(let labels) = model.head?.head { labels > 0 } else { false }
    }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.texts.isEmpty else { throw .invalid("texts", "there is no text") }
        try model.meter.expect(request.texts.count, "texts")
        guard request.truncation != .windows || request.aggregationStrategy != .none else {
            throw .invalid(
                "aggregation_strategy",
                "none does not say how the pieces of overlapping windows belong together; choose another one"
            )
        }
        var pipeline = TagTokensPipeline(request: request, model: model)
        var sequences: [TokenSequence] = []
        for (index, text) in request.texts.enumerated() {
            let field = "texts[\(index)]"
            try model.check(text, field)
            let encodings = try encode(text, field, model)
            let first = sequences.count
            for encoding in encodings {
                let rows = encoding.special.indices.filter { !encoding.special[$0] }
                sequences.append(TokenSequence(encoding, rows: .at(rows)))
            }
            pipeline.texts.append(.init(text, encodings, sequences: first..<sequences.count))
        }
        return PreparedTask(pipeline, sequences: sequences)
    }

    private func encode(_ text: String, _ field: String, _ model: Model) throws(TaskError) -> [Encoding] {
        if request.truncation == .windows {
            return try model.windows(TextInput(text), field, stride: request.stride.given)
        }
        let limit = request.truncation == .truncate ? model.textLimit : nil
        return [try model.encoding(text, field, limit: limit)]
    }
}

struct TagTokensPipeline: Pipeline {
    struct Text {
        let scalars: [Unicode.Scalar]
        let encodings: [Encoding]
        let sequences: Range<Int>

        init(_ text: String, _ encodings: [Encoding], sequences: Range<Int>) {
            scalars = Array(text.unicodeScalars)
            self.encodings = encodings
            self.sequences = sequences
        }
    }

    /// Left out of the answer.
    private let ignoredLabels: [String]
    private let truncates: Bool
    private let grouping: EntityGrouping
    private let tokenizer: Tokenizer
    var texts: [Text] = []
    /// Probabilities of each wanted row of each sequence.
    private var scores: [[[Float]]] = []

    init(request: TagTokensRequest, model: Model) {
        ignoredLabels = request.ignoreNone ? [] : request.ignoreLabels.isEmpty ? ["O"] : request.ignoreLabels
        truncates = request.truncation == .truncate
        tokenizer = model.tokenizer
        grouping = EntityGrouping(
            labels: model.configuration.labels,
            tokenizer: model.tokenizer,
            aggregation: request.aggregationStrategy
        )
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        // a text without tokens has no rows, and is never taken
        while scores.count <= sequence { scores.append([]) }
        for row in 0..<values.rows { scores[sequence].append(softmax(values[row])) }
    }

    func finish() -> InferenceResponse { .tagTokens(TagTokensResponse(results: texts.map(tagged))) }

    private func tagged(_ text: Text) -> TaggedText {
        var entities: [Entity] = []
        for (window, sequence) in text.sequences.enumerated() where sequence < scores.count {
            entities += grouping.entities(pieces(text, text.encodings[window], scores[sequence])).filter { entity in
                !ignoredLabels.contains { $0.utf8.elementsEqual(entity.label.utf8) }
            }
        }
        if text.encodings.count > 1 { entities = Self.withoutOverlaps(entities) }
        return TaggedText(
            entities: entities,
            tokens: UInt32(clamping: text.encodings.reduce(0) { $0 + $1.count }),
            truncated: truncates && text.encodings.contains { $0.truncated },
            windows: UInt32(clamping: text.encodings.count)
        )
    }

    private func pieces(_ text: Text, _ encoding: Encoding, _ scores: [[Float]]) -> [EntityGrouping.Piece] {
        let tokens = encoding.special.indices.filter { !encoding.special[$0] }
        return zip(tokens, scores).map { index, scores in
            let offsets = encoding.offsets[index]
            let source = text.scalars[Int(offsets.start)..<Int(offsets.end)]
            let token = tokenizer.token(for: encoding.ids[index]) ?? ""
            let isUnknown = encoding.ids[index] == tokenizer.unknownID
            return EntityGrouping.Piece(
                word: isUnknown ? String(source) : token,
                scores: scores,
                start: UInt32(offsets.start),
                end: UInt32(offsets.end),
                index: UInt32(index),
                isSubword: !isUnknown && token.unicodeScalars.count != source.count
            )
        }
    }

    /// Of entities that overlap, from windows that do, the longer one, or else the one with the higher score.
    private static func withoutOverlaps(_ entities: [Entity]) -> [Entity] {
        // sorted by start; equal ones stay in their order
        let sorted = entities.enumerated().sorted { ($0.element.start, $0.offset) < ($1.element.start, $1.offset) }
        guard var kept = sorted.first?.element else { return [] }
        var result: [Entity] = []
        for (_, entity) in sorted {
            if kept.start <= entity.start, entity.start < kept.end {
                let (length, keptLength) = (entity.end - entity.start, kept.end - kept.start)
                if length > keptLength || length == keptLength && entity.score > kept.score { kept = entity }
            } else {
                result.append(kept)
                kept = entity
            }
        }
        return result + [kept]
    }
}

extension String {
    init(_ scalars: ArraySlice<Unicode.Scalar>) {
        self.init()
        unicodeScalars.append(contentsOf: scalars)
    }
}
