import Messages

/// A request that has ended two workers, and is refused when it comes again. Its text is not kept.
public struct QuarantinedRequest: Sendable, Hashable {
    /// A hash of model, method and payload, under a key of the server's.
    public var key: UInt64
    /// What it was for, as in `name@2:int8`.
    public var model: String
    /// As in `inference.v1.Inference/Embed`.
    public var method: String
    /// The size of its payload.
    public var bytes: Int
    /// How the second worker ended.
    public var cause: String
    /// For how long it is refused.
    public var timeLeft: Duration
    /// What the log calls the first that was blamed.
    public var requestID: String

    init(_ message: Messages.QuarantinedRequest) {
        key = message.key
        model = message.model
        method = message.method
        bytes = Int(clamping: message.bytes)
        cause = message.cause
        timeLeft = .microseconds(message.leftMicroseconds)
        requestID = message.requestID
    }
}
