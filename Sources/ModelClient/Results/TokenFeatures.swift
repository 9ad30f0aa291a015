import Messages
import Wire

/// The model's last hidden state of one text: one vector per token.
public struct TokenFeatures: Sendable, Hashable {
    /// How many tokens (rows) there are, special tokens included.
    public var tokens: Int
    /// How many values each token has (columns).
    public var hidden: Int
    /// `tokens` × `hidden` values, one token after the other.
    public var values: [Float]
    /// Whether the end of the text was dropped.
    public var truncated: Bool
    /// Who answered, and where the time went; the same for all texts of a call.
    public var metadata: ResponseMetadata

    /// The vector of one token, `hidden` values.
    ///
    /// - Precondition: `token` is from 0 and below `tokens`.
    public subscript(token: Int) -> ArraySlice<Float> {
        values[(token * hidden)..<((token + 1) * hidden)]
    }

    /// Makes features, as a test double does.
    ///
    /// - Precondition: `values` holds `tokens` × `hidden` values.
    public init(
        tokens: Int,
        hidden: Int,
        values: [Float],
        truncated: Bool = false,
        metadata: ResponseMetadata = ResponseMetadata()
    ) {
        precondition(values.count == tokens * hidden, "there must be tokens × hidden values")
        self.tokens = tokens
        self.hidden = hidden
        self.values = values
        self.truncated = truncated
        self.metadata = metadata
    }

    /// - Throws: `WireError` when the shape does not fit the values.
    init(_ message: Features, _ metadata: ResponseMetadata) throws(WireError) {
        // Both are below 2^32, so the product fits 64 unsigned bits.
        guard UInt64(message.tokens) * UInt64(message.hidden) == UInt64(message.values.count) else {
            let reason = "there are \(message.values.count) values for \(message.tokens) × \(message.hidden)"
            throw WireError(.invalidValue, field: "results.values", reason)
        }
        tokens = Int(message.tokens)
        hidden = Int(message.hidden)
        values = message.values
        truncated = message.truncated
        self.metadata = metadata
    }
}
