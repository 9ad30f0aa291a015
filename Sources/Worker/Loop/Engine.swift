package import Messages

/// What computes a worker's requests: a model, or what a test puts in its place.
///
/// The loop, `WorkerServer`, has the channel, the deadlines and the order of the batches; an engine knows nothing of them. It
/// is used by one thread.
package protocol Engine {
    associatedtype Batch: EngineBatch

    /// Decodes and tokenises a request.
    ///
    /// - Parameter proceed: to be called between any two pieces of the work; it serves the channel. On `false` nobody waits for
    ///   the request any more, and what it comes to does not matter.
    func prepare(_ request: ToWorker.Prepare, proceed: () -> Bool) throws(RequestFailure) -> Preparation<Batch.Work>

    /// A batch without requests.
    func makeBatch() -> Batch
}

/// The computing of one batch, cut into steps. A request may span steps.
package protocol EngineBatch {
    /// A prepared request.
    associatedtype Work

    /// Adds a request. `id` is unique in the batch.
    mutating func add(_ work: Work, id: UInt64)

    /// Whether something is left for another step.
    var hasMore: Bool { get }

    /// Computes the next step.
    ///
    /// - Parameters:
    ///   - isWanted: whether a request is still to be answered. One that is not can be left out.
    ///   - proceed: to be called between any two pieces of the work, with the requests of the step; it serves the channel. On
    ///     `false` the step is to be abandoned without an answer.
    /// - Returns: the requests that are answered now; nil when nothing was left to compute.
    mutating func step(isWanted: (UInt64) -> Bool, proceed: ([UInt64]) -> Bool) -> [EngineAnswer]?
}

/// What preparing a request came to.
package enum Preparation<Work> {
    /// The response message, for nothing has to be computed.
    case answered([UInt8])
    case work(Work, tokens: Int, sequences: Int)
}

/// A request's number and its response message.
package typealias EngineAnswer = (id: UInt64, response: Result<[UInt8], RequestFailure>)

/// Why a request gets no response message. `internal` is the worker's own fault, and is logged.
package struct RequestFailure: Error {
    package let status: StatusCode
    package let message: String

    package init(_ status: StatusCode, _ message: String) {
        (self.status, self.message) = (status, message)
    }
}
