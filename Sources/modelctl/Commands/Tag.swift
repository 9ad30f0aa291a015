import AnswerForms
import ArgumentParser
import Messages

extension AggregationStrategy: ExpressibleByArgument {
    /// The strategy of a name as in `transformers`.
    public init?(argument: String) {
        guard let strategy = Self.allCases.first(where: { $0.name.lowercased() == argument }) else { return nil }
        self = strategy
    }

    /// The names.
    public static var allValueStrings: [String] { allCases.map { $0.name.lowercased() } }
    /// None: the names say it.
    public static var allValueDescriptions: [String: String] { [:] }
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

    func validateOptions() throws {
        guard !windows || !inputs.truncate else {
            throw ValidationError("--windows reads the whole text and --truncate drops its end; choose one")
        }
        guard stride == nil || windows else { throw ValidationError("--stride goes with --windows") }
        try validateCounts(["--stride": stride])
        guard inputs.textPair == nil else { throw ValidationError("tag takes no --text-pair") }
    }

    var request: TagTokensRequest {
        TagTokensRequest(
            aggregationStrategy: aggregationStrategy ?? (inputs.server.json ? .none : .simple),
            truncation: windows ? .windows : inputs.truncation,
            stride: UInt32(clamping: stride ?? 0)
        )
    }

    private static let styles: [Style] = [.cyan, .magenta, .green, .yellow, .blue, .red]

    /// The text with its entities marked, and a line for each.
    func lines(_ outcome: TaggedText, to request: TagTokensRequest, label: String) -> [String] {
        let labels = Set(outcome.entities.map(\.label)).sorted()
        func style(_ label: String) -> Style {
            Self.styles[(labels.firstIndex(of: label) ?? 0) % Self.styles.count]
        }
        let places = TextPlaces(label)
        let marks = outcome.entities.map {
            MarkedText.Mark(range: places[$0.start, $0.end], label: $0.label, style: style($0.label))
        }
        let note = HumanText.note(truncated: outcome.truncated, windows: outcome.windows).map { "  " + $0 }
        guard !marks.isEmpty else {
            return [HumanText.printable(label), Style.dim("  nothing found")] + note
        }
        let texts = marks.map { HumanText.printable(String(label[$0.range]), width: 40) }
        let width = texts.map(\.count).max() ?? 0
        let labelWidth = labels.map { HumanText.printable($0).count }.max() ?? 0
        let rows = zip(outcome.entities, texts).map { entity, text in
            let name = HumanText.printable(entity.label)
            let styled = style(entity.label)(name) + String(repeating: " ", count: labelWidth - name.count)
            let padding = String(repeating: " ", count: width - text.count)
            return "  \(styled)  \(text)\(padding)  \(HumanText.score(entity.score))"
        }
        return [MarkedText.line(label, marks)] + rows + note
    }
}
