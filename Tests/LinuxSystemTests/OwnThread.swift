import Foundation
import Synchronization

/// A function that runs on a thread of its own, so that it may block, and so that what it changes of its thread (signal
/// mask, parent-death signal) ends with it.
final class OwnThread<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread { [self] in
            let result = Result { try body() }
            outcome.withLock { $0 = result }
            ended.signal()
        }
    }

    /// Waits for the function and returns its result; once only.
    func join() throws -> Value {
        guard ended.wait(timeout: .now() + 30) == .success, let result = outcome.withLock({ $0 }) else {
            throw CocoaError(.userCancelled)
        }
        return try result.get()
    }
}
