import Messages

/// The end of a worker that should not have been: shapes and sizes, and no texts.
public struct WorkerCrash: Sendable, Hashable {
    /// What a worker computes together.
    public struct Batch: Sendable, Hashable {
        /// How many requests it has.
        public var requests: Int
        /// How many tokens they have, as was estimated, or counted, when it began.
        public var tokens: Int
    }

    /// When it was, by the server's clock, since the beginning of 1970 (UTC).
    public var time: Duration
    /// Its model, as in `name@2:int8`.
    public var model: String
    /// The model's generation.
    public var generation: UInt64
    /// The process.
    public var pid: Int32
    /// Where it was placed.
    public var slot: Int
    /// How it ended, as in `killed by SIGSEGV`, `exit 3`.
    public var end: String
    /// The same, with what it said before, or was killed for.
    public var cause: String
    /// The most memory that it had resident. What the server had when it started the worker is counted in.
    public var peakBytes: Int
    /// What it computed, and what waited behind that.
    public var batches: [Batch]

    init(_ message: Crash) {
        time = .microseconds(message.unixMicroseconds)
        model = message.model
        generation = message.generation
        pid = message.pid
        slot = Int(message.slot)
        end = message.end
        cause = message.cause
        peakBytes = Int(clamping: message.peakBytes)
        batches = message.batches.map { Batch(requests: Int($0.requests), tokens: Int(clamping: $0.tokens)) }
    }
}
