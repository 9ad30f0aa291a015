import AnswerForms
import JSON
package import Messages

/// One line of `expected.jsonl`: what is asked, and what must be answered.
///
///     {"task": "classify", "input": "a text", "options": {"top_k": 3}, "answer": [{"label": "A", "score": 0.9}],
///      "tolerance": 1e-4}
///
/// `input` is what `modelctl <task> --file` takes as a line, `answer` what `modelctl <task> --json` prints for it.
/// `options` and `tolerance` may be absent. What the format does not know is an error.
package struct ExpectedAnswer {
    package let request: InferenceRequest
    /// The text or question that it is about, for messages.
    private let title: String
    private let answer: JSONValue
    /// How far a number may be off, absolutely.
    package let tolerance: Double

    private static let standardTolerance = 1e-4

    /// Reads one line.
    package init(parsing bytes: UnsafeRawBufferPointer) throws(ExpectedAnswersError) {
        let line: JSONValue
        do {
            line = try JSONValue.parse(bytes, limits: JSONLimits(depth: 8))
        } catch {
            // The parser counts lines too, and this is always its first.
            throw ExpectedAnswersError("this is not JSON: \(error.description.trimmingPrefix("line 1, "))")
        }
        guard case .object = line else {
            throw ExpectedAnswersError("a line is an object with task, input and answer")
        }
        do throws(FormError) {
            let members = try FormObject(line, at: "")
            try self.init(members)
            try members.refuseOthers(of: "a line")
        } catch {
            throw ExpectedAnswersError(error.description)
        }
    }

    private init(_ line: FormObject) throws(FormError) {
        // Those whose answers are people's.
        let methods = InferenceMethod.allCases.filter { $0 != .infer }
        let method = try line.required("task") { (key) throws(FormError) in
            try line.choice(key, methods) { $0.task }
        }
        let input = try line.required("input", line.member)
        request = try InferenceRequest(method, input: input, options: line.member("options"))
        title = input.title
        answer = try line.required("answer", line.member)
        tolerance = try line.number("tolerance") ?? Self.standardTolerance
        guard tolerance > 0 else { throw FormError("`tolerance` must be a number above 0, and it is \(tolerance)") }
    }

    /// The task and what it is about: `classify "a text"`.
    package var summary: String { "\(request.method.task) \(quoted(title))" }

    /// What a model answers otherwise, or why it does not answer; nil where it agrees.
    package func difference(from model: Model, proceed: () -> Bool = { true }) -> String? {
        do throws(TaskError) {
            guard let form = request.form(of: try model.answer(request, proceed: proceed)) else {
                return "the answer does not fit the request"
            }
            return form.difference(from: answer, at: "answer", tolerance: tolerance)
        } catch {
            return "there is no answer: \(error.message)"
        }
    }
}
