import Messages
import Tasks
import Wire

extension ZeroShotRequest {
    var taskRequest: TaskRequest {
        .zeroShot(
            texts,
            ZeroShotOptions(
                labels: labels,
                hypothesisTemplate: hypothesisTemplate.isEmpty ? nil : hypothesisTemplate,
                multiLabel: multiLabel,
                overlong: truncation.overlong ?? .truncate
            )
        )
    }
}
