import Glibc
import Synchronization

/// How many signals the handler of the EINTR test has seen.
enum InterruptCount {
    private static let count = Atomic<Int>(0)
    static var value: Int { count.load(ordering: .sequentiallyConsistent) }
    static func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}

/// Hands a thread's identity to another thread.
final class ThreadIdentity: Sendable {
    private let identity = Atomic<UInt>(0)
    func store(_ thread: pthread_t) { identity.store(thread, ordering: .releasing) }
    func load() -> pthread_t { identity.load(ordering: .acquiring) }
}
