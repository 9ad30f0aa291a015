import DistilBERT
import ModelFiles
import Tensors
import Tokenization

package struct TagOptions: Sendable, Equatable {
    /// How pieces of words become entities: `transformers`' `aggregation_strategy`.
    package enum Aggregation: Sendable, Equatable, CaseIterable {
        /// Every piece by itself, with its label's prefix.
        case none
        /// Neighbouring pieces of one label.
        case simple
        /// Words; a word has its first piece's label.
        case first
        /// Words; a word has the label that is best on average.
        case average
        /// Words; a word has the label of its most certain piece.
        case max
    }

    package var aggregation: Aggregation
    /// Left out of the answer.
    package var ignoredLabels: [String]
    package var overlong: Overlong
    /// Tokens that neighbouring windows share; nil: a quarter of the model's.
    package var stride: Int?

    package init(
        aggregation: Aggregation = .none,
        ignoredLabels: [String] = ["O"],
        overlong: Overlong = .error,
        stride: Int? = nil
    ) {
        self.aggregation = aggregation
        self.ignoredLabels = ignoredLabels
        self.overlong = overlong
        self.stride = stride
    }
}

/// A piece with its label, or several of one label.
package struct Entity: Sendable, Equatable {
    /// With its prefix for a piece, "B-PER"; without for a group, "PER".
    package var label: String
    package var score: Float
    /// As the tokenizer spells it.
    package var word: String
    /// In scalars of the text.
    package var start: Int
    package var end: Int
    /// A piece's place in its sequence; 0 for a group.
    package var index: Int
}

/// The answer to one text of a tag request.
package struct TaggedText: Sendable, Equatable {
    package let entities: [Entity]
    package let tokens: Int
    package let truncated: Bool
    package let windows: Int
}

/// The token-classification pipeline of `transformers`.
struct TagTask: TaskBody {
    static let name = TaskName.tag
    let texts: [String]
    let options: TagOptions

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("texts", "there is no text") }
        guard options.overlong != .windows || options.aggregation != .none else {
            throw .invalid(
                "aggregation_strategy",
                "none does not say how the pieces of overlapping windows belong together; choose another one"
            )
        }
        var pipeline = TagPipeline(options: options, model: model)
        var sequences: [TokenSequence] = []
        for (index, text) in texts.enumerated() {
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
        if options.overlong == .windows {
            return try model.windows(TaskText(text), field, stride: options.stride)
        }
        let limit = options.overlong == .truncate ? model.textLimit : nil
        return [try model.encoding(text, field, limit: limit)]
    }
}

struct TagPipeline: Pipeline {
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

    private let options: TagOptions
    private let grouping: EntityGrouping
    private let tokenizer: Tokenizer
    var texts: [Text] = []
    /// Probabilities of each wanted row of each sequence.
    private var scores: [[[Float]]] = []

    init(options: TagOptions, model: Model) {
        self.options = options
        tokenizer = model.tokenizer
        grouping = EntityGrouping(
            labels: model.configuration.labels,
            tokenizer: model.tokenizer,
            aggregation: options.aggregation
        )
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        // a text without tokens has no rows, and is never taken
        while scores.count <= sequence { scores.append([]) }
        for row in 0..<values.rows { scores[sequence].append(softmax(values[row])) }
    }

    func finish() -> TaskResult { .tag(texts.map(tagged)) }

    private func tagged(_ text: Text) -> TaggedText {
        var entities: [Entity] = []
        for (window, sequence) in text.sequences.enumerated() where sequence < scores.count {
            entities += grouping.entities(pieces(text, text.encodings[window], scores[sequence])).filter { entity in
                !options.ignoredLabels.contains { $0.utf8.elementsEqual(entity.label.utf8) }
            }
        }
        if text.encodings.count > 1 { entities = Self.withoutOverlaps(entities) }
        return TaggedText(
            entities: entities,
            tokens: text.encodings.reduce(0) { $0 + $1.count },
            truncated: options.overlong == .truncate && text.encodings.contains { $0.truncated },
            windows: text.encodings.count
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
                start: Int(offsets.start),
                end: Int(offsets.end),
                index: index,
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
