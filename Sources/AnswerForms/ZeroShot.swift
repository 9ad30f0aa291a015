package import Messages

extension ZeroShotResponse: ResultsResponse {}

extension ZeroShotRequest: TaskForm {
    package mutating func read(_ input: FormObject) throws(FormError) {
        texts = [try input.required("text", input.string)]
        labels = try input.required("labels", input.strings)
    }

    package mutating func read(options: FormObject) throws(FormError) {
        multiLabel = try options.bool("multi_label") == true
        hypothesisTemplate = try options.string("hypothesis_template") ?? ""
    }

    package func form(of outcome: Classification) -> AnswerValue {
        .object([
            "labels": .list(outcome.scores.map { .text($0.label) }), "scores": .numbers(outcome.scores.map(\.score)),
        ])
    }
}
