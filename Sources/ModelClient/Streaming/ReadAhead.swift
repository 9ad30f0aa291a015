import NIOConcurrencyHelpers

/// Reads a sequence ahead of the loop that takes its answers, by a limited number of elements.
///
/// One task reads, and waits when `limit` elements have been read and not been taken; one task per element asks; the
/// loop takes the answers in order.
final class ReadAhead<Inputs: AsyncSequence & Sendable, Answer: Sendable>: Sendable
where Inputs.Element: Sendable {
    typealias Element = StreamedAnswer<Inputs.Element, Answer>
    typealias Outcome = Result<Answer, ModelClientError>

    private struct State {
        /// Asked about, and not taken yet; the first is the next to be taken.
        var queue: [Task<Element, Never>] = []
        /// Elements that were read, or are about to be, and whose answers the loop has not taken.
        var outstanding = 0
        var end: Result<Void, Inputs.Failure>?
        var isCancelled = false
        var reader: CheckedContinuation<Void, Never>?
        var loop: CheckedContinuation<Void, Never>?
        var reading: Task<Void, Never>?
    }

    private enum Step {
        case element(Task<Element, Never>)
        case end(Result<Void, Inputs.Failure>)
    }

    private let state = NIOLockedValueBox(State())
    private let inputs: Inputs
    private let limit: Int
    private let run: @Sendable (Inputs.Element) async -> Outcome

    init(inputs: Inputs, limit: Int, run: @escaping @Sendable (Inputs.Element) async -> Outcome) {
        self.inputs = inputs
        self.limit = limit
        self.run = run
    }

    func start() {
        let task = Task { await self.read() }
        let isCancelled = state.withLockedValue { state in
            state.reading = task
            return state.isCancelled
        }
        if isCancelled { task.cancel() }
    }

    /// Ends reading and asking. The loop gets nothing more.
    func cancel() {
        let (tasks, reading, waiting) = state.withLockedValue { state in
            state.isCancelled = true
            defer { (state.queue, state.reader, state.loop) = ([], nil, nil) }
            return (state.queue, state.reading, [state.reader, state.loop])
        }
        reading?.cancel()
        for task in tasks { task.cancel() }
        for continuation in waiting { continuation?.resume() }
    }

    // MARK: - Reading

    private func read() async {
        var iterator = inputs.makeAsyncIterator()
        do throws(Inputs.Failure) {
            while await hasRoom(), let input = try await iterator.next(isolation: nil) {
                let begin = ContinuousClock.now
                let task = Task {
                    let result = await self.run(input)
                    return Element(input: input, result: result, elapsed: ContinuousClock.now - begin)
                }
                add(task)
            }
            end(.success(()))
        } catch {
            end(.failure(error))
        }
    }

    /// Waits until another element may be read.
    ///
    /// - Returns: false when none will be needed.
    private func hasRoom() async -> Bool {
        await withCheckedContinuation { continuation in
            let mayGoOn = state.withLockedValue { state in
                if state.isCancelled || state.outstanding < limit { return true }
                state.reader = continuation
                return false
            }
            if mayGoOn { continuation.resume() }
        }
        return state.withLockedValue { state in
            state.outstanding += 1
            return !state.isCancelled
        }
    }

    private func add(_ task: Task<Element, Never>) {
        let (loop, isCancelled) = state.withLockedValue { state in
            if !state.isCancelled { state.queue.append(task) }
            defer { state.loop = nil }
            return (state.loop, state.isCancelled)
        }
        if isCancelled { task.cancel() }
        loop?.resume()
    }

    private func end(_ result: Result<Void, Inputs.Failure>) {
        let loop = state.withLockedValue { state in
            state.end = result
            defer { state.loop = nil }
            return state.loop
        }
        loop?.resume()
    }

    // MARK: - Taking

    /// The next element with its answer; nil at the end, or after a cancellation.
    func next() async -> Result<Element?, Inputs.Failure> {
        await withCheckedContinuation { continuation in
            let mayGoOn = state.withLockedValue { state in
                if state.isCancelled || state.end != nil || !state.queue.isEmpty { return true }
                state.loop = continuation
                return false
            }
            if mayGoOn { continuation.resume() }
        }
        let step = state.withLockedValue { state -> Step in
            if !state.queue.isEmpty { return .element(state.queue.removeFirst()) }
            defer { state.end = .success(()) }
            return .end(state.isCancelled ? .success(()) : state.end ?? .success(()))
        }
        switch step {
        case .end(let result): return result.map { Element?.none }
        case .element(let task):
            let element = await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            let (reader, isCancelled) = state.withLockedValue { state in
                state.outstanding -= 1
                defer { state.reader = nil }
                return (state.reader, state.isCancelled)
            }
            reader?.resume()
            return .success(isCancelled ? nil : element)
        }
    }
}
