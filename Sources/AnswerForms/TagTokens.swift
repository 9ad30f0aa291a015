package import Messages

extension TagTokensResponse: ResultsResponse {}

extension TagTokensRequest: TextForm {
    package mutating func read(options: FormObject) throws(FormError) {
        aggregationStrategy =
            try options.choice("aggregation_strategy", AggregationStrategy.allCases) { $0.name.lowercased() } ?? .none
    }

    package func form(of outcome: TaggedText) -> AnswerValue {
        .list(
            outcome.entities.map { entity in
                let isGrouped = aggregationStrategy != .none
                let index: [(key: String, value: AnswerValue)] =
                    isGrouped ? [] : [("index", .integer(Int(entity.index)))]
                return .object(
                    [(isGrouped ? "entity_group" : "entity", .text(entity.label)), ("score", .number(entity.score))]
                        + index + [
                            ("word", .text(entity.word)), ("start", .integer(Int(entity.start))),
                            ("end", .integer(Int(entity.end))),
                        ]
                )
            }
        )
    }
}
