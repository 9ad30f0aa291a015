import Messages
import Synchronization
import Wire

/// Lets a cancellation that overtakes its call's submission be seen.
final class CallTicket: Sendable {
    /// The call's number, and its stream's on the wire.
    let id: UInt64
    private let cancelled = Atomic(false)
    private let answered = Atomic(false)

    init(id: UInt64) {
        self.id = id
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    /// Called before the event loop is told.
    func cancel() {
        cancelled.store(true, ordering: .releasing)
    }

    /// Called before the continuation is resumed, with `answerIsThere` after it.
    ///
    /// The continuation itself orders the two. ThreadSanitizer does not see that when the answer is there before the task
    /// has begun to wait for it: there Swift's runtime (6.3) does not tell the sanitizer, as it does elsewhere.
    func willAnswer() {
        answered.store(true, ordering: .releasing)
    }

    /// Called by the task when it goes on.
    func answerIsThere() {
        _ = answered.load(ordering: .acquiring)
    }
}

/// One call, from its submission to its outcome.
struct Call: Sendable {
    /// Where its answers go.
    enum Receiver: Sendable {
        /// One answer.
        case single(CheckedContinuation<Result<Response, ModelClientError>, Never>)
        /// Any number of answers; the newest wins when the reader is slow.
        case stream(AsyncThrowingStream<Response, any Error>.Continuation)
    }

    let ticket: CallTicket
    let request: Request
    /// When the caller stops waiting, in nanoseconds of the monotonic clock; `UInt64.max`: never.
    let deadline: UInt64
    /// Whether it may be sent again when a connection was lost. Inference is pure; a reload is not.
    let isPure: Bool
    let receiver: Receiver
    let observer: CallObserver

    init(
        _ ticket: CallTicket,
        _ request: Request,
        deadline: UInt64,
        isPure: Bool,
        _ receiver: Receiver,
        _ observer: CallObserver
    ) {
        (self.ticket, self.request, self.deadline) = (ticket, request, deadline)
        (self.isPure, self.receiver, self.observer) = (isPure, receiver, observer)
    }

    /// Gives one of several answers.
    func deliver(_ response: Response) {
        if case .stream(let continuation) = receiver { continuation.yield(response) }
    }

    /// Gives the last answer, or the only one.
    func finish(_ result: Result<Response, ModelClientError>) {
        switch receiver {
        case .single(let continuation):
            ticket.willAnswer()
            continuation.resume(returning: result)
        case .stream(let continuation):
            switch result {
            case .success(let response):
                // The end of a stream carries a message, or nothing.
                if !response.payload.isEmpty { continuation.yield(response) }
                continuation.finish()
            case .failure(let error):
                continuation.finish(throwing: error)
            }
        }
    }
}
