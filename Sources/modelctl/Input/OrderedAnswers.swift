import Dispatch
import ModelClient

/// Why there is no answer to an input.
enum TaskFailure: Error {
    /// The input cannot be asked about; the message names its place.
    case input(String)
    case call(ModelClientError)

    var code: String {
        switch self {
        case .input: "INVALID_ARGUMENT"
        case .call(let error): "\(error.code)"
        }
    }

    var message: String {
        switch self {
        case .input(let message): message
        case .call(let error): error.message
        }
    }
}

/// Asks about many inputs at once and gives the answers in the order of the inputs, each as soon as those before it
/// have been given.
///
/// - Parameters:
///   - concurrency: how many inputs are read ahead and asked about at most.
///   - ask: asks about one input.
///   - give: takes an input and its answer.
/// - Throws: `LineReader.Failure`, and what `give` throws.
nonisolated(nonsending) func withOrderedAnswers<Answer: Sendable>(
    to source: consuming sending InputSource,
    client: ModelClient,
    concurrency: Int,
    ask: @escaping @Sendable (TaskInput) async throws(TaskFailure) -> Answer,
    give: (TaskInput, Result<Answer, TaskFailure>) throws -> Void
) async throws {
    typealias Pending = (input: TaskInput, answer: Task<Result<Answer, TaskFailure>, Never>)
    let (calls, continuation) = AsyncThrowingStream<Pending, any Error>.makeStream()
    // Raised from 0, for a semaphore must not end below the value that it was made with.
    let permits = DispatchSemaphore(value: 0)
    for _ in 0..<concurrency { permits.signal() }
    let holder = SourceHolder(source)
    // Reading may block, so it has a thread of its own.
    DispatchQueue(label: "modelctl.input").async {
        do throws(LineReader.Failure) {
            while true {
                permits.wait()
                guard let input = try holder.source.next() else { break }
                let answer = Task(executorPreference: client.executor) { () -> Result<Answer, TaskFailure> in
                    do throws(TaskFailure) {
                        return .success(try await ask(input))
                    } catch {
                        return .failure(error)
                    }
                }
                continuation.yield((input, answer))
            }
            continuation.finish()
        } catch {
            continuation.finish(throwing: error)
        }
    }
    for try await call in calls {
        try give(call.input, await call.answer.value)
        permits.signal()
    }
}

/// Carries the inputs into the thread that reads them, which alone uses it.
private final class SourceHolder: @unchecked Sendable {
    var source: InputSource

    init(_ source: consuming InputSource) {
        self.source = source
    }
}
