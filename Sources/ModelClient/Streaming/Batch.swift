import NIOConcurrencyHelpers

extension ModelClient {
    /// Makes a call about each of many inputs, with a result and a cancellation of its own.
    ///
    /// ```swift
    /// let batch = client.batch(texts) { try await $0.classify($1, model: "sentiment") }
    /// for (text, result) in zip(texts, await batch.results()) {
    ///     switch result {
    ///     case .success(let answer): print(text, answer.label)
    ///     case .failure(let error): print(text, error.isRetryable ? "try again" : error.message)
    ///     }
    /// }
    /// ```
    ///
    /// or as they come, in whatever order:
    ///
    /// ```swift
    /// for await item in client.batch(texts, { try await $0.embed($1, model: "minilm") }) {
    ///     print(texts[item.index], item.result)
    /// }
    /// ```
    ///
    /// Each input travels as a request of its own, and the server puts them together as its tokens allow; so one that is
    /// refused fails alone. Where all should fail with one, the methods that take a list, such as
    /// ``classify(_:model:options:timeout:)-([String],_,_,_)``, cost less.
    ///
    /// - Parameters:
    ///   - inputs: what to ask about.
    ///   - inFlight: how many calls are made at the same time at most, from 1.
    ///   - call: makes the call about one input. What it throws besides ``ModelClientError`` becomes one of code
    ///     ``ModelClientError/Code/unknown`` and origin ``ModelClientError/Origin/client``, with the error as its cause.
    /// - Returns: the batch, which has begun. Letting go of it cancels what it has not answered.
    public func batch<Input: Sendable, Answer: Sendable>(
        _ inputs: [Input],
        inFlight: Int = 64,
        _ call: @escaping @Sendable (ModelClient, Input) async throws -> Answer
    ) -> Batch<Answer> {
        let progress = BatchProgress<Answer>(count: inputs.count, inFlight: max(1, inFlight)) { index in
            await ModelClientError.result { try await call(self, inputs[index]) }
        }
        return Batch(progress)
    }
}

/// Calls about many inputs, each with a result of its own; see ``ModelClient/batch(_:inFlight:_:)``.
///
/// Either loop over it once, which gives the results as they come, or await ``results()``, which gives them in order.
public final class Batch<Answer: Sendable>: AsyncSequence, Sendable {
    /// The result of one input.
    public struct Element: Sendable {
        /// The input's place.
        public var index: Int
        /// Its answer, or why there is none.
        public var result: Result<Answer, ModelClientError>
    }

    /// Nothing: failures are elements.
    public typealias Failure = Never

    private let progress: BatchProgress<Answer>

    init(_ progress: BatchProgress<Answer>) {
        self.progress = progress
        progress.start()
    }

    deinit { progress.cancelAll() }

    /// Cancels the call about one input, on the server too. Its result is a failure of code
    /// ``ModelClientError/Code/cancelled``, unless it was there already; the others go on.
    public func cancel(_ index: Int) {
        progress.cancel(index)
    }

    /// Cancels the calls about all inputs that have no result yet.
    public func cancelAll() {
        progress.cancelAll()
    }

    /// Waits for all results; cancels what is left when the task is cancelled.
    ///
    /// - Returns: one result per input, in order.
    public func results() async -> [Result<Answer, ModelClientError>] {
        await withTaskCancellationHandler {
            await progress.results()
        } onCancel: {
            progress.cancelAll()
        }
    }

    /// Begins the loop.
    public func makeAsyncIterator() -> Iterator {
        Iterator(batch: self, elements: progress.elements.makeAsyncIterator())
    }

    /// Waits for one result after the other.
    public struct Iterator: AsyncIteratorProtocol {
        /// Keeps the calls going while the loop runs.
        private let batch: Batch
        private var elements: AsyncStream<Element>.Iterator

        init(batch: Batch, elements: AsyncStream<Element>.Iterator) {
            self.batch = batch
            self.elements = elements
        }

        /// The next result; nil after the last, or when the task was cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            let element = await elements.next(isolation: actor)
            if element == nil, Task.isCancelled { batch.cancelAll() }
            return element
        }
    }
}

/// What a batch has done so far.
final class BatchProgress<Answer: Sendable>: Sendable {
    typealias Outcome = Result<Answer, ModelClientError>

    private struct State {
        var next = 0
        var running: [Int: Task<Void, Never>] = [:]
        var results: [Outcome?]
        var missing: Int
        var waiters: [CheckedContinuation<[Outcome], Never>] = []
    }

    let elements: AsyncStream<Batch<Answer>.Element>
    private let continuation: AsyncStream<Batch<Answer>.Element>.Continuation
    private let state: NIOLockedValueBox<State>
    private let inFlight: Int
    private let run: @Sendable (Int) async -> Outcome

    init(count: Int, inFlight: Int, run: @escaping @Sendable (Int) async -> Outcome) {
        (elements, continuation) = AsyncStream.makeStream()
        state = NIOLockedValueBox(State(results: Array(repeating: nil, count: count), missing: count))
        self.inFlight = inFlight
        self.run = run
        if count == 0 { continuation.finish() }
    }

    /// Begins as many calls as may be in flight.
    func start() {
        state.withLockedValue { state in
            while state.running.count < inFlight, state.next < state.results.count {
                let index = state.next
                state.next += 1
                guard state.results[index] == nil else { continue }
                state.running[index] = Task { self.finish(index, await self.run(index)) }
            }
        }
    }

    private func finish(_ index: Int, _ outcome: Outcome) {
        let tell = state.withLockedValue { state in
            state.running[index] = nil
            return record(index, outcome, &state)
        }
        tell()
        start()
    }

    func cancel(_ index: Int) {
        let outcome = Outcome.failure(ModelClientError(code: .cancelled, message: "the input was cancelled"))
        let tell = state.withLockedValue { state in
            guard state.results.indices.contains(index), state.results[index] == nil else { return {} }
            // One that runs reports its cancellation itself.
            if let task = state.running[index] { return { task.cancel() } }
            return record(index, outcome, &state)
        }
        tell()
    }

    func cancelAll() {
        let missing = state.withLockedValue { state in state.results.indices.filter { state.results[$0] == nil } }
        // The last first, so that no cancellation makes room for a call that is cancelled next.
        for index in missing.reversed() { cancel(index) }
    }

    func results() async -> [Outcome] {
        await withCheckedContinuation { continuation in
            let results = state.withLockedValue { state -> [Outcome]? in
                guard state.missing > 0 else { return state.results.compactMap { $0 } }
                state.waiters.append(continuation)
                return nil
            }
            if let results { continuation.resume(returning: results) }
        }
    }

    /// Keeps a result and shows it to the loop, in one step, so that the last is shown last.
    ///
    /// - Returns: what tells those who wait for the results when they are complete, to be called without the lock.
    private func record(_ index: Int, _ outcome: Outcome, _ state: inout State) -> () -> Void {
        state.results[index] = outcome
        state.missing -= 1
        continuation.yield(Batch<Answer>.Element(index: index, result: outcome))
        guard state.missing == 0 else { return {} }
        continuation.finish()
        let results = state.results.compactMap { $0 }
        defer { state.waiters = [] }
        return { [waiters = state.waiters] in for waiter in waiters { waiter.resume(returning: results) } }
    }
}
