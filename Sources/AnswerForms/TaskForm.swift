package import Messages

/// The form of a task: one input, its options and the answer as JSON, with the keys and defaults of `transformers` and
/// sentence-transformers. A line of `modelctl <task> --file` is an input, what `modelctl <task> --json` prints an answer,
/// and a line of `expected.jsonl` holds all three.
package protocol TaskForm: RPCRequest {
    /// What answers one input.
    associatedtype Outcome: Sendable

    /// Asks about one input.
    mutating func read(_ input: FormObject) throws(FormError)
    /// Takes over the options, where they are not as the message has them by default.
    mutating func read(options: FormObject) throws(FormError)

    /// What answers the one input; nil where the answer does not fit the request.
    func outcome(of answer: Answer) -> Outcome?
    /// The answer in the keys of `transformers`.
    func form(of outcome: Outcome) -> AnswerValue
}

extension TaskForm {
    package mutating func read(options: FormObject) throws(FormError) {}
}

/// A response with one result for each input.
package protocol ResultsResponse {
    associatedtype Result: Sendable
    var results: [Result] { get }
}

extension TaskForm where Answer: ResultsResponse, Outcome == Answer.Result {
    package func outcome(of answer: Answer) -> Outcome? { answer.results.count == 1 ? answer.results[0] : nil }
}

/// A task whose inputs are texts or pairs of texts.
package protocol PairForm: TaskForm {
    var inputs: [TextInput] { get set }
}

extension PairForm {
    package mutating func read(_ input: FormObject) throws(FormError) {
        let text = try input.required("text", input.string)
        let pair = try input.string("text_pair")
        inputs = [TextInput(text: text, textPair: pair ?? "", hasPair: pair != nil)]
    }
}

/// A task whose inputs are texts.
package protocol TextForm: TaskForm {
    var texts: [String] { get set }
}

extension TextForm {
    package mutating func read(_ input: FormObject) throws(FormError) {
        texts = [try input.required("text", input.string)]
    }
}
