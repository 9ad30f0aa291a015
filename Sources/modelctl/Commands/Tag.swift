import ArgumentParser
import ModelClient

/// How pieces become entities, by the names of `transformers`.
enum AggregationStrategy: String, CaseIterable, ExpressibleByArgument {
    case none, simple, first, average, max

    var option: TagOptions.Aggregation {
        switch self {
        case .none: .none
        case .simple: .simple
        case .first: .first
        case .average: .average
        case .max: .max
        }
    }
}

/// `modelctl tag`.
struct Tag: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Finds names, places and the like in texts.",
        discussion: """
            With --json one line per input: [{"entity","score","index","word","start","end"}…], and "entity_group" instead \
            of "entity" and "index" with an aggregation strategy; start and end count code points.
            """
    )

    @OptionGroup var inputs: InputOptions
    @Option(help: "How pieces of words become entities, as in transformers. (default: none with --json, else simple)")
    var aggregationStrategy: AggregationStrategy?
    @Flag(help: "Read texts that are too long in windows that overlap.")
    var windows = false
    @Option(help: ArgumentHelp("With --windows: how many tokens neighbouring ones share.", valueName: "number"))
    var stride: Int?

    private var aggregation: TagOptions.Aggregation {
        aggregationStrategy?.option ?? (inputs.server.json ? .none : .simple)
    }

    func validate() throws {
        try validateInputs()
        guard !windows || !inputs.truncate else {
            throw ValidationError("--windows reads the whole text and --truncate drops its end; choose one")
        }
        guard stride == nil || windows else { throw ValidationError("--stride goes with --windows") }
        guard stride.map({ $0 > 0 }) ?? true else { throw ValidationError("--stride goes from 1") }
        guard inputs.textPair == nil else { throw ValidationError("tag takes no --text-pair") }
    }

    var ask: @Sendable (ModelClient, TextInput) async throws(ModelClientError) -> TaggedText {
        let options = TagOptions(
            aggregation: aggregation,
            truncation: windows ? .windows : inputs.truncation,
            stride: stride
        )
        return {
            [model = inputs.model, timeout = inputs.timeout.duration] client, input async throws(ModelClientError) in
            try await client.tag(input.text, model: model, options: options, timeout: timeout)
        }
    }

    static func json(_ answer: TaggedText) -> String {
        JSONText.array(
            answer.entities.map { entity in
                var members: [(key: String, value: String)] = [
                    (entity.tokenIndex == nil ? "entity_group" : "entity", JSONText.string(entity.label)),
                    ("score", JSONText.number(entity.score)),
                ]
                if let index = entity.tokenIndex { members.append(("index", "\(index)")) }
                members += [
                    ("word", JSONText.string(entity.word)), ("start", "\(entity.offsets.lowerBound)"),
                    ("end", "\(entity.offsets.upperBound)"),
                ]
                return JSONText.object(members)
            }
        )
    }

    var text: TagText { TagText() }
}

/// Entities for people: the text with its entities marked, and a line for each.
struct TagText: TaskText {
    private static let styles: [Style] = [.cyan, .magenta, .green, .yellow, .blue, .red]

    func lines(_ answer: TaggedText, to input: TaskInput) -> [String] {
        let labels = Set(answer.entities.map(\.label)).sorted()
        func style(_ label: String) -> Style {
            Self.styles[(labels.firstIndex(of: label) ?? 0) % Self.styles.count]
        }
        let marks = answer.entities.map {
            MarkedText.Mark(range: $0.range, label: $0.label, style: style($0.label))
        }
        let note = HumanText.note(truncated: answer.truncated, windows: answer.windows).map { "  " + $0 }
        guard !answer.entities.isEmpty else {
            return [HumanText.printable(input.label), Style.dim("  nothing found")] + note
        }
        let texts = answer.entities.map { HumanText.printable($0.text, width: 40) }
        let width = texts.map(\.count).max() ?? 0
        let labelWidth = labels.map { HumanText.printable($0).count }.max() ?? 0
        let rows = zip(answer.entities, texts).map { entity, text in
            let label = HumanText.printable(entity.label)
            let name = style(entity.label)(label) + String(repeating: " ", count: labelWidth - label.count)
            let score = HumanText.fixed(Double(entity.score), 4)
            let padding = String(repeating: " ", count: width - text.count)
            return "  \(name)  \(text)\(padding)  \(score)\(HumanText.bar(entity.score))"
        }
        return [MarkedText.line(input.label, marks)] + rows + note
    }
}
