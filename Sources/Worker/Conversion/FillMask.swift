import Messages
import Tasks
import Wire

extension FillMaskRequest {
    var taskRequest: TaskRequest {
        .fillMask(
            texts,
            FillMaskOptions(
                topK: given(topK) ?? 5,
                targets: targets.isEmpty ? nil : targets,
                overlong: truncation.overlong ?? .error
            )
        )
    }
}

extension Messages.FilledText {
    init(_ result: Tasks.FilledText) {
        self.init(
            masks: result.masks.map(Messages.FilledMask.init),
            tokens: UInt32(clamping: result.tokens),
            truncated: result.truncated,
            warnings: result.warnings
        )
    }
}

extension Messages.FilledMask {
    fileprivate init(_ mask: Tasks.FilledMask) {
        self.init(
            tokens: mask.tokens.map {
                Messages.FilledToken(
                    token: UInt32(clamping: $0.id),
                    tokenStr: $0.text,
                    score: $0.score,
                    sequence: $0.sequence
                )
            },
            start: UInt32(clamping: mask.start),
            end: UInt32(clamping: mask.end)
        )
    }
}
