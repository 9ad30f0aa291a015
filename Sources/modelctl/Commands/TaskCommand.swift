import ArgumentParser
import ModelClient

/// A command that asks a model about each of its inputs.
protocol TaskCommand: AsyncParsableCommand {
    associatedtype Query: Sendable = TextInput
    associatedtype Answer: Sendable
    associatedtype Text: TaskText<Answer>

    var inputs: InputOptions { get }

    /// The inputs of the command line; each of its texts, unless a command says otherwise.
    var given: [InputLine] { get }

    /// Makes of an input what is asked; sent to other tasks, as `ask` is.
    var query: @Sendable (InputLine) throws(InputError) -> Query { get }

    /// Makes one call; sent to other tasks, so it holds what it needs of the options.
    var ask: @Sendable (ModelClient, Query) async throws(ModelClientError) -> Answer { get }

    /// An answer as JSON, on one line.
    static func json(_ answer: Answer) -> String

    /// Prints answers for people.
    var text: Text { get }
}

/// Prints the answers of a task for people.
protocol TaskText<Answer> {
    associatedtype Answer

    /// The lines to print for an answer.
    mutating func lines(_ answer: Answer, to input: TaskInput) -> [String]

    /// The lines to print after the last answer.
    func ending() -> [String]
}

extension TaskText {
    func ending() -> [String] { [] }
}

extension TaskCommand {
    var given: [InputLine] { inputs.lines }

    func validate() throws {
        try validateInputs()
    }

    /// Refuses a command line without an input.
    func validateInputs() throws {
        guard !given.isEmpty || inputs.file != nil else {
            throw ValidationError("there is no input; give a text, or --file with a path or '-'")
        }
    }
}

extension TaskCommand where Query == TextInput {
    var query: @Sendable (InputLine) throws(InputError) -> TextInput {
        { (line) throws(InputError) in try line.textInput() }
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
        var text = text
        var failures = 0
        try await inputs.server.withClient { client in
            let ask = ask
            let source = try InputSource(given: given, file: inputs.file)
            try await withOrderedAnswers(to: source, client: client, concurrency: inputs.concurrency, query: query) {
                (query) async throws(ModelClientError) in
                try await ask(client, query)
            } give: { input, result in
                switch result {
                case .success(let answer):
                    if json {
                        Console.line(Self.json(answer))
                    } else {
                        Console.write(text.lines(answer, to: input).map { $0 + "\n" }.joined())
                    }
                case .failure(.call(let error)) where error.isUnreachable:
                    // No later input will fare better.
                    throw error
                case .failure(let failure):
                    failures += 1
                    if json {
                        Console.line(JSONText.failure(code: failure.code, message: failure.message))
                    } else {
                        // What is wrong with an input names its place already.
                        let isNamed = if case .input = failure { true } else { given.count == 1 && inputs.file == nil }
                        let place = isNamed ? "" : "\(input.place): "
                        Console.error("\(place)\(failure.code): \(HumanText.printable(failure.message))")
                    }
                }
            }
        }
        if !json { for line in text.ending() { Console.line(line) } }
        if failures > 0 { throw ExitCode.failure }
    }
}
