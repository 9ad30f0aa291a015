import Messages
import Tasks
import Wire

extension FeaturesRequest {
    var taskRequest: TaskRequest { .features(inputs.map(TaskText.init), truncation.overlong ?? .error) }
}

extension Messages.Features {
    init(_ result: Tasks.Features) {
        self.init(
            tokens: UInt32(clamping: result.tokens),
            hidden: UInt32(clamping: result.hidden),
            values: result.values,
            truncated: result.truncated
        )
    }
}
