import Messages
import Tasks
import Wire

extension TagTokensRequest {
    var taskRequest: TaskRequest {
        .tag(
            texts,
            TagOptions(
                aggregation: aggregationStrategy.option,
                ignoredLabels: ignoreNone ? [] : ignoreLabels.isEmpty ? ["O"] : ignoreLabels,
                overlong: truncation.overlong ?? .error,
                stride: given(stride)
            )
        )
    }
}

extension AggregationStrategy {
    fileprivate var option: TagOptions.Aggregation {
        switch self {
        case .none: .none
        case .simple: .simple
        case .first: .first
        case .average: .average
        case .max: .max
        }
    }
}

extension Messages.TaggedText {
    init(_ result: Tasks.TaggedText) {
        self.init(
            entities: result.entities.map {
                Messages.Entity(
                    label: $0.label,
                    score: $0.score,
                    word: $0.word,
                    start: UInt32(clamping: $0.start),
                    end: UInt32(clamping: $0.end),
                    index: UInt32(clamping: $0.index)
                )
            },
            tokens: UInt32(clamping: result.tokens),
            truncated: result.truncated,
            windows: UInt32(clamping: result.windows)
        )
    }
}
