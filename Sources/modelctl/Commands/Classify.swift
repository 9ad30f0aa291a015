import AnswerForms
import ArgumentParser
import Messages

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

    var request: ClassifyRequest {
        var request = ClassifyRequest(
            truncation: windows ? .windows : inputs.truncation,
            windowPooling: windowMax ? .max : .mean
        )
        switch topK {
        case .top(let count): request.topK = UInt32(clamping: count)
        case .all: request.allLabels = true
        }
        return request
    }

    func validateOptions() throws {
        guard !windows || !inputs.truncate else {
            throw ValidationError("--windows reads the whole text and --truncate drops its end; choose one")
        }
        guard windows || !windowMax else { throw ValidationError("--window-max goes with --windows") }
    }
}

extension TaskCommand where Request.Outcome == Classification {
    /// Label, score, and a bar on a terminal; what was cut, or read in windows.
    func lines(_ outcome: Classification, to request: Request, label: String) -> [String] {
        let labels = outcome.scores.map { HumanText.printable($0.label) }
        let width = labels.map(\.count).max() ?? 0
        let rows = zip(labels, outcome.scores).map { label, score in
            let name = label + String(repeating: " ", count: width - label.count)
            return "\(name)  \(HumanText.score(score.score))"
        }
        let note = HumanText.note(truncated: outcome.truncated, windows: outcome.windows)
        guard !inputs.isSingle else { return rows + note }
        return [HumanText.title(label)] + (rows + note).map { "  " + $0 }
    }
}
