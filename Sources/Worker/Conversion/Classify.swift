import Messages
import Tasks
import Wire

extension ClassifyRequest {
    var taskRequest: TaskRequest {
        .classify(
            inputs.map(TaskText.init),
            ClassifyOptions(
                topK: allLabels ? nil : given(topK) ?? 1,
                function: functionToApply.function,
                overlong: truncation.overlong ?? .error,
                windowPooling: windowPooling == .max ? .max : .mean,
                stride: given(stride)
            )
        )
    }
}

extension Messages.Classification {
    init(_ result: Tasks.Classification) {
        self.init(
            scores: result.scores.map { Messages.LabelScore(label: $0.label, score: $0.score) },
            tokens: UInt32(clamping: result.tokens),
            truncated: result.truncated,
            windows: UInt32(clamping: result.windows)
        )
    }
}
