import Tokenization

/// An answer in the keys of `transformers`: what `modelctl <task> --json` prints for one input.
indirect enum AnswerValue {
    /// An id, an index or an offset.
    case integer(Int)
    /// A score or a coordinate.
    case number(Float)
    case text(String)
    case list([AnswerValue])
    case object([(key: String, value: AnswerValue)])

    /// - Parameter request: what was answered; of one input.
    init(_ result: TaskResult, to request: TaskRequest) {
        switch result {
        case .tokenize(let texts): self = .each(texts) { Self.encoding($0.encoding) }
        case .features(let texts): self = .each(texts, Self.features)
        case .embed(let texts): self = .each(texts) { Self.numbers($0.values) }
        case .classify(let texts): self = .each(texts) { .list($0.scores.map(Self.label)) }
        case .tag(let texts):
            var isGrouped = false
            if case .tag(_, let options) = request { isGrouped = options.aggregation != .none }
            self = .each(texts) { .list($0.entities.map { Self.entity($0, isGrouped: isGrouped) }) }
        case .answer(let questions): self = .each(questions) { .list($0.answers.map(Self.answer)) }
        case .fillMask(let texts):
            self = .each(texts) { text in
                let masks = text.masks.map { AnswerValue.list($0.tokens.map(Self.token)) }
                return masks.count == 1 ? masks[0] : .list(masks)
            }
        case .zeroShot(let texts):
            self = .each(texts) { text in
                .object([
                    ("labels", .list(text.scores.map { .text($0.label) })),
                    ("scores", Self.numbers(text.scores.map(\.score))),
                ])
            }
        case .rerank(let relevances):
            var texts: [String] = []
            if case .rerank(_, let asked, _) = request { texts = asked }
            self = Self.ranking(relevances.map(\.score), texts)
        case .multipleChoice(let questions):
            self = .each(questions) { question in
                .object([("index", .integer(question.scores.argmax ?? 0)), ("scores", Self.numbers(question.scores))])
            }
        case .infer(let tensors, _): self = .list(tensors.map { .text($0.name) })
        }
    }

    /// The answer to the one input.
    private static func each<Answer>(_ answers: [Answer], _ make: (Answer) -> AnswerValue) -> AnswerValue {
        answers.first.map(make) ?? .list([])
    }

    private static func numbers(_ values: [Float]) -> AnswerValue { .list(values.map { .number($0) }) }

    private static func encoding(_ encoding: Encoding) -> AnswerValue {
        .object([
            ("ids", .list(encoding.ids.map { .integer(Int($0)) })),
            ("offsets", .list(encoding.offsets.map { .list([.integer(Int($0.start)), .integer(Int($0.end))]) })),
        ])
    }

    private static func features(_ features: Features) -> AnswerValue {
        .list(
            (0..<features.tokens).map {
                numbers(Array(features.values[$0 * features.hidden..<($0 + 1) * features.hidden]))
            }
        )
    }

    private static func label(_ label: LabelScore) -> AnswerValue {
        .object([("label", .text(label.label)), ("score", .number(label.score))])
    }

    private static func entity(_ entity: Entity, isGrouped: Bool) -> AnswerValue {
        var members: [(key: String, value: AnswerValue)] = [
            (isGrouped ? "entity_group" : "entity", .text(entity.label)), ("score", .number(entity.score)),
        ]
        if !isGrouped { members.append(("index", .integer(entity.index))) }
        return .object(
            members + [
                ("word", .text(entity.word)), ("start", .integer(entity.start)), ("end", .integer(entity.end)),
            ]
        )
    }

    private static func answer(_ answer: Answer) -> AnswerValue {
        .object([
            ("answer", .text(answer.text)), ("score", .number(answer.score)), ("start", .integer(answer.start)),
            ("end", .integer(answer.end)),
        ])
    }

    private static func token(_ token: FilledToken) -> AnswerValue {
        .object([
            ("score", .number(token.score)), ("token", .integer(Int(token.id))), ("token_str", .text(token.text)),
            ("sequence", .text(token.sequence)),
        ])
    }

    /// Best first; texts of equal scores in their order.
    private static func ranking(_ scores: [Float], _ texts: [String]) -> AnswerValue {
        let order = scores.indices.sorted { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        return .list(
            order.map {
                .object([("corpus_id", .integer($0)), ("score", .number(scores[$0])), ("text", .text(texts[$0]))])
            }
        )
    }
}
