import Messages
import Wire

/// A text as one vector.
public struct Embedding: Sendable, Hashable {
    /// The vector: as many values as the model has dimensions, or as were asked for.
    public var values: [Float]
    /// How many tokens the text had, special tokens included.
    public var tokens: Int
    /// Whether the end of the text was dropped.
    public var truncated: Bool
    /// Who answered, and where the time went; the same for all texts of a call.
    public var metadata: ResponseMetadata

    /// Makes an embedding, as a test double does.
    public init(
        values: [Float],
        tokens: Int = 0,
        truncated: Bool = false,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        self.values = values
        self.tokens = tokens
        self.truncated = truncated
        self.metadata = metadata
    }

    /// The cosine of the angle between two vectors, from -1 to 1; 0 when one of them is zero.
    ///
    /// - Precondition: both have the same number of values.
    public func cosineSimilarity(to other: Embedding) -> Float {
        precondition(values.count == other.values.count, "the embeddings have different numbers of values")
        var dot = 0.0
        var lengths = (0.0, 0.0)
        for index in values.indices {
            let (left, right) = (Double(values[index]), Double(other.values[index]))
            dot += left * right
            lengths.0 += left * left
            lengths.1 += right * right
        }
        let scale = (lengths.0 * lengths.1).squareRoot()
        return scale > 0 ? Float(dot / scale) : 0
    }

    init(_ message: Messages.Embedding, _ metadata: ResponseMetadata) {
        values = message.values
        tokens = Int(message.tokens)
        truncated = message.truncated
        self.metadata = metadata
    }
}
