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
        discussion: "With --json one line an input: [{\"label\",\"score\"}…], the best label first."
    )

    @OptionGroup var inputs: InputOptions
    @Option(help: ArgumentHelp("How many labels, the best first: a number, or 'all'.", valueName: "number"))
    var topK = LabelCount.top(1)

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> Classification {
        let labels: ClassifyOptions.Labels =
            switch topK {
            case .top(let count): .top(count)
            case .all: .all
            }
        let options = ClassifyOptions(labels: labels, truncation: inputs.truncation)
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

    var text: ClassificationText { ClassificationText(isSingle: inputs.isSingle) }
}

/// Classifications for people: label, score, and a bar on a terminal.
struct ClassificationText: TaskText {
    let isSingle: Bool

    func lines(_ answer: Classification, to input: TaskInput) -> [String] {
        let labels = answer.scores.map { HumanText.printable($0.label) }
        let width = labels.map(\.count).max() ?? 0
        let rows = zip(labels, answer.scores).map { label, score in
            let name = label + String(repeating: " ", count: width - label.count)
            return "\(name)  \(HumanText.fixed(Double(score.score), 4))\(Self.bar(score.score))"
        }
        guard !isSingle else { return rows }
        return [Style.bold(HumanText.printable(input.label, width: Console.width))] + rows.map { "  " + $0 }
    }

    /// Twenty places for a score from 0 to 1.
    private static func bar(_ score: Float) -> String {
        guard Console.isTerminal, score >= 0, score <= 1 else { return "" }
        let eighths = Int((score * 160).rounded())
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return "  " + Style.green(String(repeating: "█", count: eighths / 8) + partial)
    }
}
