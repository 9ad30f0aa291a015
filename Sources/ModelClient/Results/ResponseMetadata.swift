import Messages
import Wire

/// Where a request's time went on the server.
public struct RequestTimings: Sendable, Hashable {
    /// From the request's arrival until its batch started.
    public var queue: Duration
    /// Splitting its text into tokens.
    public var tokenization: Duration
    /// Computing the batch that it was part of.
    public var compute: Duration
    /// From the request's arrival until its answer was written; the others lie within.
    public var server: Duration
    /// How many tokens the batch had.
    public var batchTokens: Int
    /// How many requests the batch had.
    public var batchRequests: Int
    /// How often the request was computed anew because a worker had died.
    public var replays: Int

    /// Makes timings, as a test double does.
    public init(
        queue: Duration = .zero,
        tokenization: Duration = .zero,
        compute: Duration = .zero,
        server: Duration = .zero,
        batchTokens: Int = 0,
        batchRequests: Int = 0,
        replays: Int = 0
    ) {
        self.queue = queue
        self.tokenization = tokenization
        self.compute = compute
        self.server = server
        self.batchTokens = batchTokens
        self.batchRequests = batchRequests
        self.replays = replays
    }

    init(_ timings: Timings) {
        queue = .microseconds(Int64(clamping: timings.queueMicroseconds))
        tokenization = .microseconds(Int64(clamping: timings.tokenizationMicroseconds))
        compute = .microseconds(Int64(clamping: timings.computeMicroseconds))
        server = .microseconds(Int64(clamping: timings.serverMicroseconds))
        batchTokens = Int(timings.batchTokens)
        batchRequests = Int(timings.batchRequests)
        replays = Int(timings.replays)
    }
}

/// What came with an answer.
public struct ResponseMetadata: Sendable, Hashable {
    /// Who answered, with version and variant: `sentiment@2:fp32`.
    public var model: String
    /// Where the time went.
    public var timings: RequestTimings
    /// What the server's log calls the request: the caller's name, or the one that the server made; nil when the log does not tell
    /// of it.
    public var requestID: String?

    /// Makes metadata, as a test double does.
    public init(model: String = "", timings: RequestTimings = RequestTimings(), requestID: String? = nil) {
        self.model = model
        self.timings = timings
        self.requestID = requestID
    }

    init(_ response: Response) {
        self.init(
            model: response.model,
            timings: response.timings.map(RequestTimings.init) ?? RequestTimings(),
            requestID: response.requestID.isEmpty ? nil : response.requestID
        )
    }
}

/// An answer as it came, for methods that this library does not wrap.
public struct RawResponse: Sendable, Hashable {
    /// The method's response message, as protobuf bytes.
    public var payload: [UInt8]
    /// What came with it.
    public var metadata: ResponseMetadata

    /// Makes a response, as a test double does.
    public init(payload: [UInt8], metadata: ResponseMetadata = ResponseMetadata()) {
        self.payload = payload
        self.metadata = metadata
    }
}
