import AnswerForms
import ArgumentParser
import JSON
import ModelClient
import Wire

/// A command that asks a model about each of its inputs.
protocol TaskCommand: AsyncParsableCommand, Sendable {
    associatedtype Request: TaskForm

    var inputs: InputOptions { get }

    /// What the options say; each input is read into a copy.
    var request: Request { get }

    /// The inputs of the command line; each of its texts, unless a command says otherwise.
    var given: [JSONValue] { get }
    /// Members of an input that the command line gives to those that lack them.
    var common: JSONObject { get }
    /// The member that a text without a key stands for.
    var textKey: String { get }
    /// An input as the task has it, of one as it was given.
    func input(_ line: JSONValue) throws(FormError) -> JSONValue

    /// Refuses options that do not go together.
    func validateOptions() throws

    /// Makes one call.
    nonisolated(nonsending) func ask(
        _ client: ModelClient,
        _ request: Request
    ) async throws(ModelClientError) -> Request.Answer

    /// What is printed of an answer; all, unless a command says otherwise.
    func shown(_ outcome: Request.Outcome) -> Request.Outcome

    /// The lines to print for people.
    func lines(_ outcome: Request.Outcome, to request: Request, label: String) -> [String]

    /// Whether people see all answers side by side, at the end.
    var comparesAnswers: Bool { get }
    /// The lines to print of all answers.
    func comparison(_ answers: [(label: String, outcome: Request.Outcome)]) -> [String]
}

extension TaskCommand {
    var given: [JSONValue] { inputs.lines }
    var common: JSONObject { [:] }
    var textKey: String { "text" }
    func input(_ line: JSONValue) throws(FormError) -> JSONValue { line }
    func validateOptions() throws {}
    func shown(_ outcome: Request.Outcome) -> Request.Outcome { outcome }
    var comparesAnswers: Bool { false }
    func comparison(_ answers: [(label: String, outcome: Request.Outcome)]) -> [String] { [] }

    func validate() throws {
        guard !given.isEmpty || inputs.file != nil else {
            throw ValidationError("there is no input; give a text, or --file with a path or '-'")
        }
        try validateOptions()
    }

    /// Refuses numbers below 1, by the names of their options.
    func validateCounts(_ counts: KeyValuePairs<String, Int?>) throws {
        for (name, count) in counts where count.map({ $0 < 1 }) ?? false {
            throw ValidationError("\(name) goes from 1")
        }
    }
}

extension TaskCommand where Request: WireMessage, Request.Answer: WireMessage {
    nonisolated(nonsending) func ask(
        _ client: ModelClient,
        _ request: Request
    ) async throws(ModelClientError) -> Request.Answer {
        try await client.ask(request, model: inputs.model, timeout: inputs.timeout.duration) { answer, _ in answer }
    }
}

extension TaskCommand {
    func run() async throws {
        do {
            try await answer()
        } catch let error as LineReader.Failure {
            Console.error(error.message)
            throw ExitCode.noInput
        }
    }

    private func answer() async throws {
        let json = inputs.server.json
        var compared: [(label: String, outcome: Request.Outcome)] = []
        var failures = 0
        try await inputs.server.withClient { client in
            let source = try InputSource(given: given, file: inputs.file)
            let answers = client.answers(to: source, inFlight: inputs.concurrency) { try await answer($1, $0) }
            for try await item in answers {
                switch item.result {
                case .success(let (request, outcome)):
                    if json {
                        Console.line(request.form(of: outcome).json)
                    } else if comparesAnswers {
                        compared.append((item.input.label, outcome))
                    } else {
                        let lines = lines(outcome, to: request, label: item.input.label)
                        Console.write(lines.map { $0 + "\n" }.joined())
                    }
                case .failure(let error) where error.isUnreachable:
                    // No later input will fare better.
                    throw error
                case .failure(let error):
                    failures += 1
                    if json {
                        var form: [(key: String, value: any JSONWritable)] = [
                            ("code", "\(error.code)"), ("message", error.message),
                        ]
                        if let id = error.requestID { form.append(("request_id", id)) }
                        Console.line(JSONText.object(["error": JSONText.object(form)]).json)
                    } else {
                        // What is wrong with an input names its place already.
                        let isNamed = error.cause is FormError || given.count == 1 && inputs.file == nil
                        let place = isNamed ? "" : "\(item.input.place): "
                        let message = HumanText.printable(error.message)
                        Console.error("\(place)\(error.code): \(message)\(error.requestNote)")
                    }
                }
            }
        }
        if !compared.isEmpty { for line in comparison(compared) { Console.line(line) } }
        if failures > 0 { throw ExitCode.failure }
    }

    private nonisolated(nonsending) func answer(
        _ input: TaskInput,
        _ client: ModelClient
    ) async throws(ModelClientError) -> (request: Request, outcome: Request.Outcome) {
        var request = request
        do throws(FormError) {
            let line = try self.input(try input.line.get())
            try request.read(FormObject(input: line, common: common, textKey: textKey))
        } catch {
            let message = "\(input.place): \(error.aboutInput)"
            throw ModelClientError(code: .invalidArgument, message: message, cause: error)
        }
        let answer = try await ask(client, request)
        guard let outcome = request.outcome(of: answer) else {
            throw ModelClientError(code: .internal, message: "the server's answer does not fit the request")
        }
        return (request, shown(outcome))
    }
}
