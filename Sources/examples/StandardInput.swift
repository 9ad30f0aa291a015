import Dispatch

/// The lines of standard input, one after the other; reading waits for whoever writes, on a thread of its own.
struct StandardInput: AsyncSequence, Sendable {
    struct Iterator: AsyncIteratorProtocol {
        mutating func next() async -> String? { await next(isolation: #isolation) }

        mutating func next(isolation actor: isolated (any Actor)?) async -> String? {
            await withCheckedContinuation(isolation: actor) { continuation in
                Self.thread.async {
                    var line = readLine()
                    while line?.isEmpty == true { line = readLine() }
                    continuation.resume(returning: line)
                }
            }
        }

        private static let thread = DispatchQueue(label: "input")
    }

    func makeAsyncIterator() -> Iterator { Iterator() }
}
