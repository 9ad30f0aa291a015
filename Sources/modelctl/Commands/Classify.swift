import ArgumentParser
import ModelClient

/// How many labels to print.
enum LabelCount: ExpressibleByArgument, CustomStringConvertible, Sendable {
    case top(Int)
    case all

    init?(argument: String) {
        if argument == "all" {
            self = .all
        } else {
            guard let count = Int(argument), count > 0 else { return nil }
            self = .top(count)
        }
    }

    var description: String {
        switch self {
        case .top(let count): "\(count)"
        case .all: "all"
        }
    }

    var defaultValueDescription: String { description }
}

/// `modelctl classify`.
struct Classify: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks a model for the labels of texts.",
        discussion: "With --json one line per input: [{\"label\",\"score\"}…], the best label first."
    )

    @OptionGroup var inputs: InputOptions
    @Option(help: ArgumentHelp("How many labels, the best first: a number, or 'all'.", valueName: "number"))
    var topK = LabelCount.top(1)
    @Flag(help: "Read texts that are too long in windows that overlap, and take the mean of their scores.")
    var windows = false
    @Flag(help: "With --windows: take the largest score instead of the mean.")
    var windowMax = false

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> Classification {
        let labels: ClassifyOptions.Labels =
            switch topK {
            case .top(let count): .top(count)
            case .all: .all
            }
        let options = ClassifyOptions(
            labels: labels,
            truncation: windows ? .windows : inputs.truncation,
            windowPooling: windowMax ? .max : .mean
        )
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            try await client.classify([input], model: model, options: options, timeout: timeout)[0]
        }
    }

    static func json(_ answer: Classification) -> String {
        JSONText.array(
            answer.scores.map {
                JSONText.object(["label": JSONText.string($0.label), "score": JSONText.number($0.score)])
            }
        )
    }

    func validate() throws {
        try validateInputs()
        guard !windows || !inputs.truncate else {
            throw ValidationError("--windows reads the whole text and --truncate drops its end; choose one")
        }
        guard windows || !windowMax else { throw ValidationError("--window-max goes with --windows") }
    }

    var text: ClassificationText { ClassificationText(isSingle: inputs.isSingle) }
}

/// Classifications for people: label, score, and a bar on a terminal; what was cut, or read in windows.
struct ClassificationText: TaskText {
    let isSingle: Bool

    func lines(_ answer: Classification, to input: TaskInput) -> [String] {
        let labels = answer.scores.map { HumanText.printable($0.label) }
        let width = labels.map(\.count).max() ?? 0
        let rows = zip(labels, answer.scores).map { label, score in
            let name = label + String(repeating: " ", count: width - label.count)
            return "\(name)  \(HumanText.fixed(Double(score.score), 4))\(HumanText.bar(score.score))"
        }
        let note = HumanText.note(truncated: answer.truncated, windows: answer.windows)
        guard !isSingle else { return rows + note }
        let title = Style.bold(HumanText.printable(input.label, width: Console.width))
        return [title] + (rows + note).map { "  " + $0 }
    }
}
