import AnswerForms
import ArgumentParser
import JSON
import Messages

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
    var given: [JSONValue] {
        if !inputs.texts.isEmpty { return inputs.lines }
        return question != nil && context != nil ? [.object([:])] : []
    }

    var common: JSONObject {
        var members: JSONObject = [:]
        if let question { _ = members.append(key: "question", value: .string(question)) }
        if let context { _ = members.append(key: "context", value: .string(context)) }
        return members
    }

    var textKey: String { question == nil ? "question" : "context" }

    func validateOptions() throws {
        guard inputs.textPair == nil, !inputs.truncate else {
            throw ValidationError("answer takes neither --text-pair nor --truncate: long contexts are read in windows")
        }
        guard inputs.texts.isEmpty || (question == nil) != (context == nil) else {
            throw ValidationError("texts are contexts with --question, and questions with --context; give one of them")
        }
        try validateCounts([
            "--top-k": topK, "--max-answer-len": maxAnswerLen, "--max-seq-len": maxSeqLen, "--doc-stride": docStride,
        ])
    }

    var request: AnswerQuestionRequest {
        AnswerQuestionRequest(
            topK: UInt32(clamping: topK),
            maxAnswerLen: UInt32(clamping: maxAnswerLen ?? 0),
            maxSeqLen: UInt32(clamping: maxSeqLen ?? 0),
            docStride: UInt32(clamping: docStride ?? 0),
            handleImpossibleAnswer: handleImpossibleAnswer,
            withoutWordAlignment: noAlignToWords
        )
    }

    /// Each answer with its score, and where it stands.
    func lines(_ outcome: QuestionAnswers, to request: AnswerQuestionRequest, label: String) -> [String] {
        let asked = request.inputs[0]
        let places = TextPlaces(asked.context)
        return [HumanText.title(asked.question)]
            + outcome.answers.flatMap { span in
                let score = HumanText.score(span.score)
                guard !span.answer.isEmpty else { return ["  \(Style.dim("(no answer in the text)"))  \(score)"] }
                let mark = MarkedText.Mark(range: places[span.start, span.end], label: "", style: .reversed)
                let excerpt = MarkedText.excerpt(asked.context, mark, width: max(60, Console.width - 10))
                return ["  \(Style.green(HumanText.printable(span.answer)))  \(score)", "    " + excerpt]
            }
    }
}
