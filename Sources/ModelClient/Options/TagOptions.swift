import Messages
import Wire

/// How to tag.
public struct TagOptions: Sendable, Hashable {
    /// How the pieces of words become entities, by the names of `transformers`' `aggregation_strategy`.
    public enum Aggregation: Sendable, Hashable, CaseIterable {
        /// Not at all: every piece by itself, with labels such as `B-PER` and `I-PER`.
        case none
        /// Neighbouring pieces of one label become one entity.
        case simple
        /// As `simple`, after each word got the label of its first piece.
        case first
        /// As `simple`, after each word got the label that is best on average over its pieces.
        case average
        /// As `simple`, after each word got the label of its most certain piece.
        case max

        var message: AggregationStrategy {
            switch self {
            case .none: .none
            case .simple: .simple
            case .first: .first
            case .average: .average
            case .max: .max
            }
        }
    }

    /// How pieces become entities.
    public var aggregation: Aggregation
    /// Labels to leave out; `O`, what is no entity, unless said otherwise.
    public var ignoredLabels: [String]
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// With windows: how many tokens neighbouring ones share; nil: a quarter of what the model takes.
    public var stride: Int?
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        aggregation: Aggregation = .simple,
        ignoredLabels: [String] = ["O"],
        truncation: Truncation = .taskDefault,
        stride: Int? = nil,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.aggregation = aggregation
        self.ignoredLabels = ignoredLabels
        self.truncation = truncation
        self.stride = stride
        self.metadata = metadata
    }
}
