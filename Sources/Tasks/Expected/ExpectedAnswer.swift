import ModelFiles

/// One line of `expected.jsonl`: what is asked, and what must be answered.
///
///     {"task": "classify", "input": "a text", "options": {"top_k": 3}, "answer": [{"label": "A", "score": 0.9}],
///      "tolerance": 1e-4}
///
/// `input` is what `modelctl <task> --file` takes as a line, `answer` what `modelctl <task> --json` prints for it.
/// `options` and `tolerance` may be absent. What the format does not know is an error.
package struct ExpectedAnswer {
    package let task: TaskName
    /// The text or question that it is about, for messages.
    let title: String
    package let request: TaskRequest
    let answer: JSONValue
    /// How far a number may be off, absolutely.
    package let tolerance: Double

    private static let standardTolerance = 1e-4

    /// The tasks that may be asked for: those whose answers are people's.
    static let tasks = TaskName.allCases.filter { $0 != .infer }

    /// Reads one line.
    package init(parsing bytes: UnsafeRawBufferPointer) throws(ExpectedAnswersError) {
        do throws(ModelFilesError) {
            try self.init(try JSONNode(parsing: bytes, file: ExpectedAnswers.fileName, limits: JSONLimits(depth: 8)))
        } catch {
            guard error.code == .malformedJSON else { throw ExpectedAnswersError(error.message) }
            // The parser counts lines too, and this is always its first.
            var message = error.message[...]
            if message.hasPrefix("line 1, ") { message = message.dropFirst("line 1, ".count) }
            throw ExpectedAnswersError("this is not JSON: \(message)")
        }
    }

    private init(_ line: JSONNode) throws(ModelFilesError) {
        guard case .object = line.value else { throw line.unusable("a line is an object with task, input and answer") }
        let members = try ExpectedMembers(line, of: "a line", ["task", "input", "options", "answer", "tolerance"])
        let name = try line.required("task")
        guard let task = TaskName(rawValue: try name.string()), Self.tasks.contains(task) else {
            throw name.mismatch("one of \(Self.tasks.map(\.rawValue).joined(separator: ", "))")
        }
        self.task = task
        (request, title) = try TaskRequest.expected(task, try line.required("input"), try line.member("options"))
        answer = try line.required("answer").value
        tolerance = try members.node("tolerance")?.number() ?? Self.standardTolerance
        guard tolerance > 0 else { throw line.unusable("`tolerance` must be a number above 0, and it is \(tolerance)") }
    }

    /// The task and what it is about: `classify "a text"`.
    package var summary: String { "\(task.rawValue) \(excerpt(title))" }

    /// What a model answers otherwise, or why it does not answer; nil where it agrees.
    package func difference(from model: Model, proceed: () -> Bool = { true }) -> String? {
        do throws(TaskError) {
            return difference(from: try model.answer(request, proceed: proceed))
        } catch {
            return "there is no answer: \(error.message)"
        }
    }

    /// What is otherwise in an answer; nil where it agrees.
    package func difference(from result: TaskResult) -> String? {
        AnswerValue(result, to: request).difference(from: answer, at: "answer", tolerance: tolerance)
    }
}

/// A text in quotes, made fit for one line of a message.
func excerpt(_ text: String) -> String {
    let most = 60
    let scalars = text.unicodeScalars
    let start = String(String.UnicodeScalarView(scalars.prefix(most)))
    return scalars.count > most ? "\(start.debugDescription.dropLast())…\"" : start.debugDescription
}
