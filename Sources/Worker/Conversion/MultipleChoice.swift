import Messages
import Tasks
import Wire

extension MultipleChoiceRequest {
    var taskRequest: TaskRequest {
        .multipleChoice(
            inputs.map { ChoiceQuestion($0.text, choices: $0.choices) },
            ChoiceOptions(function: functionToApply.function, overlong: truncation.overlong ?? .error)
        )
    }
}

extension Messages.ChoiceScores {
    init(_ result: Tasks.ChoiceScores) {
        self.init(scores: result.scores, tokens: UInt32(clamping: result.tokens), truncated: result.truncated)
    }
}
