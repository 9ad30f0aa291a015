import Synchronization
import Time

/// The metrics as they were a moment ago, between the server's loop, which writes them, and the thread that shows them.
final class MetricsText: Sendable {
    private struct State {
        var text: [UInt8] = []
        var updatedAt: Instant?
        var askedAt: Instant?
        var isOver = false
    }

    private static let updateInterval = Duration.seconds(1)
    /// Older text is shown to nobody.
    private static let shelfLife = Duration.seconds(2)
    /// For which text is made after somebody has asked.
    private static let interest = Duration.seconds(60)

    private let state = Mutex(State())

    // MARK: - The loop's side

    func isDue(at now: Instant) -> Bool {
        state.withLock { state in
            guard let askedAt = state.askedAt, now - askedAt < Self.interest else { return false }
            return state.updatedAt.map { now - $0 >= Self.updateInterval } ?? true
        }
    }

    func update(_ text: [UInt8], at now: Instant) {
        state.withLock { ($0.text, $0.updatedAt) = (text, now) }
    }

    func end() { state.withLock { $0.isOver = true } }

    // MARK: - The thread's side

    var isOver: Bool { state.withLock { $0.isOver } }

    func ask(at now: Instant) { state.withLock { $0.askedAt = now } }

    /// Nil when there is none that is fresh.
    func text(at now: Instant) -> [UInt8]? {
        state.withLock { state in
            state.updatedAt.flatMap { now - $0 < Self.shelfLife ? state.text : nil }
        }
    }
}
