import ArgumentParser
import JSON
import Messages

/// What a task is asked about: the arguments of every task command.
struct InputOptions: ParsableArguments, Sendable {
    @Argument(help: "The model, as in 'minilm', 'minilm@2' or 'minilm@2:fp32'.")
    var model: String

    @Argument(help: "Texts, as they are. After '--' they may begin with a dash.")
    var texts: [String] = []

    @Option(
        help: ArgumentHelp(
            "More inputs, one per line: a JSON string, or an object with the task's members, such as \"text\" and "
                + "\"text_pair\"; '-' reads standard input.",
            valueName: "path"
        ),
        completion: .file()
    )
    var file: String?

    @Option(help: ArgumentHelp("The second text of a pair, for the one text that is given.", valueName: "text"))
    var textPair: String?

    @Flag(help: "Drop the end of a text that is too long, instead of what the task does by default.")
    var truncate = false

    @Option(help: ArgumentHelp("How long one answer may take.", valueName: "time"))
    var timeout = TimeSpan(seconds: 30)

    @Option(help: ArgumentHelp("How many inputs are asked about at once.", valueName: "number"))
    var concurrency = 64

    @OptionGroup var server: ServerOptions

    /// Whether there is exactly one input.
    var isSingle: Bool { texts.count == 1 && file == nil }

    var truncation: Truncation { truncate ? .truncate : .default }

    /// The texts of the command line, each an input.
    var lines: [JSONValue] {
        texts.map { text in
            guard let textPair else { return .string(text) }
            return .object(["text": .string(text), "text_pair": .string(textPair)])
        }
    }

    /// The texts of the command line as one input.
    var list: [JSONValue] {
        texts.isEmpty ? [] : [.object(["texts": .array(texts.map(JSONValue.string))])]
    }

    func validate() throws {
        guard textPair == nil || isSingle else {
            throw ValidationError("--text-pair goes with one text; put several pairs in a --file as objects")
        }
        guard (1...4096).contains(concurrency) else {
            throw ValidationError("--concurrency is \(concurrency); it goes from 1 to 4096")
        }
    }
}
