import DistilBERT
import Tensors

/// A text and what may follow it.
package struct ChoiceQuestion: Sendable, Equatable {
    package var text: String
    package var choices: [String]

    package init(_ text: String, choices: [String]) {
        self.text = text
        self.choices = choices
    }
}

package struct ChoiceOptions: Sendable, Equatable {
    /// What becomes of the choices' logits; nil: softmax over the choices.
    package var function: ScoreFunction?
    package var overlong: Overlong

    package init(function: ScoreFunction? = nil, overlong: Overlong = .error) {
        self.function = function
        self.overlong = overlong
    }
}

/// The score of each choice, in the order of the request.
package struct ChoiceScores: Sendable, Equatable {
    package let scores: [Float]
    /// Of all choices with their text.
    package let tokens: Int
    package let truncated: Bool
}

/// A `…ForMultipleChoice` model on pairs (text, choice).
struct ChoiceTask: TaskBody {
    static let name = TaskName.multipleChoice
    let questions: [ChoiceQuestion]
    let options: ChoiceOptions

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !questions.isEmpty else { throw .invalid("inputs", "there is no text") }
        var pipeline = ChoicePipeline(function: options.function ?? .softmax)
        var sequences: [TokenSequence] = []
        for (index, question) in questions.enumerated() {
            let field = "inputs[\(index)]"
            try model.check(question.text, "\(field).text")
            guard !question.choices.isEmpty else { throw .invalid("\(field).choices", "there is none") }
            let first = sequences.count
            var cut = false
            for (place, choice) in question.choices.enumerated() {
                try model.check(choice, "\(field).choices[\(place)]", mayBeEmpty: true)
                let text = TaskText(question.text, pair: choice)
                var (sequence, truncated) = try model.encode(text, "\(field).text", options.overlong)
                sequence.rows = .first
                sequences.append(sequence)
                cut = cut || truncated
            }
            pipeline.questions.append(
                .init(
                    choices: first..<sequences.count,
                    tokens: sequences[first...].reduce(0) { $0 + $1.ids.count },
                    truncated: cut
                )
            )
        }
        return PreparedTask(pipeline, sequences: sequences)
    }
}

struct ChoicePipeline: Pipeline {
    struct Question {
        /// Its sequences.
        let choices: Range<Int>
        let tokens: Int
        let truncated: Bool
    }

    private let function: ScoreFunction
    var questions: [Question] = []
    private var logits: [Float] = []

    init(function: ScoreFunction) { self.function = function }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) { logits.append(values[0][0]) }

    func finish() -> TaskResult {
        .multipleChoice(
            questions.map { question in
                ChoiceScores(
                    scores: function(Array(logits[question.choices])),
                    tokens: question.tokens,
                    truncated: question.truncated
                )
            }
        )
    }
}
