import ArgumentParser
import ModelClient

/// `modelctl answer`.
struct Answer: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds the answer to a question in a text.",
        discussion: """
            Lines of a file are objects with "question" and "context"; or strings, which are contexts with --question, and \
            questions with --context. With --json one line per input: [{"answer","score","start","end"}…], the best answer \
            first; start and end count code points of the context.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Option(help: ArgumentHelp("What to ask.", valueName: "text"))
    var question: String?
    @Option(help: ArgumentHelp("Where to look for the answer.", valueName: "text"))
    var context: String?
    @Option(help: ArgumentHelp("How many answers.", valueName: "number"))
    var topK = 1
    @Option(help: ArgumentHelp("The most tokens of an answer. (default: 15)", valueName: "number"))
    var maxAnswerLen: Int?
    @Option(
        help: ArgumentHelp("The most tokens of a window. (default: 384, or what the model takes)", valueName: "number")
    )
    var maxSeqLen: Int?
    @Option(help: ArgumentHelp("How many tokens windows share. (default: 128)", valueName: "number"))
    var docStride: Int?
    @Flag(help: "Consider that there is no answer, too.")
    var handleImpossibleAnswer = false
    @Flag(help: "Let answers begin and end within words.")
    var noAlignToWords = false

    /// The contexts of the command line, or its questions when it has but a context.
    var given: [InputLine] {
        if !inputs.texts.isEmpty { return inputs.lines }
        return question != nil && context != nil ? [InputLine()] : []
    }

    func validate() throws {
        try validateInputs()
        guard inputs.textPair == nil, !inputs.truncate else {
            throw ValidationError("answer takes neither --text-pair nor --truncate: long contexts are read in windows")
        }
        guard inputs.texts.isEmpty || (question == nil) != (context == nil) else {
            throw ValidationError("texts are contexts with --question, and questions with --context; give one of them")
        }
        for (name, value) in [
            ("--top-k", topK), ("--max-answer-len", maxAnswerLen), ("--max-seq-len", maxSeqLen),
            ("--doc-stride", docStride),
        ] {
            guard value.map({ $0 > 0 }) ?? true else { throw ValidationError("\(name) goes from 1") }
        }
    }

    var query: @Sendable (InputLine) throws(InputError) -> QuestionInput {
        { [question, context] (line) throws(InputError) in
            let asked = line.question ?? question ?? line.text
            let found = line.context ?? context ?? (question == nil ? nil : line.text)
            return QuestionInput(
                try InputLine.required(asked, "question"),
                context: try InputLine.required(found, "context")
            )
        }
    }

    var ask: @Sendable (ModelClient, QuestionInput) async throws(ModelClientError) -> AnsweredQuestion {
        let options = AnswerOptions(
            count: topK,
            maximumAnswerTokens: maxAnswerLen,
            windowTokens: maxSeqLen,
            stride: docStride,
            mayBeUnanswerable: handleImpossibleAnswer,
            alignsToWords: !noAlignToWords
        )
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            let answer = try await client.answer([input], model: model, options: options, timeout: timeout)[0]
            return AnsweredQuestion(input: input, answer: answer)
        }
    }

    static func json(_ answered: AnsweredQuestion) -> String {
        JSONText.array(
            answered.answer.candidates.map {
                JSONText.object([
                    "answer": JSONText.string($0.text), "score": JSONText.number($0.score),
                    "start": "\($0.offsets.lowerBound)", "end": "\($0.offsets.upperBound)",
                ])
            }
        )
    }

    var text: AnswerText { AnswerText() }
}

/// An answer and what was asked.
struct AnsweredQuestion: Sendable {
    var input: QuestionInput
    var answer: QuestionAnswer
}

/// Answers for people: each with its score, and where it stands.
struct AnswerText: TaskText {
    func lines(_ answered: AnsweredQuestion, to input: TaskInput) -> [String] {
        var lines = [Style.bold(HumanText.printable(answered.input.question, width: Console.width))]
        for span in answered.answer.candidates {
            let score = HumanText.fixed(Double(span.score), 4)
            guard !span.text.isEmpty else {
                lines.append("  \(Style.dim("(no answer in the text)"))  \(score)\(HumanText.bar(span.score))")
                continue
            }
            lines.append("  \(Style.green(HumanText.printable(span.text)))  \(score)\(HumanText.bar(span.score))")
            let mark = MarkedText.Mark(range: span.range, label: "", style: .reversed)
            let excerpt = MarkedText.excerpt(answered.input.context, mark, width: max(60, Console.width - 10))
            lines.append("    " + excerpt)
        }
        return lines
    }
}
