package import Messages

extension MultipleChoiceRequest: TaskForm {
    package mutating func read(_ input: FormObject) throws(FormError) {
        let text = try input.required("text", input.string)
        inputs = [ChoiceInput(text: text, choices: try input.required("choices", input.strings))]
    }

    package func outcome(of answer: MultipleChoiceResponse) -> ChoiceScores? {
        guard answer.results.count == 1, answer.results[0].scores.count == inputs.first?.choices.count else {
            return nil
        }
        return answer.results[0]
    }

    package func form(of outcome: ChoiceScores) -> AnswerValue {
        .object(["index": .integer(outcome.best), "scores": .numbers(outcome.scores)])
    }
}

extension ChoiceScores {
    /// The place of the best choice, the first of equals; 0 when there is none.
    package var best: Int { scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 } }
}
