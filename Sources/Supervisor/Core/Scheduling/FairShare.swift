/// Weighted fair sharing of one slot among models by start-time fair queueing (Goyal, Vin and Cheng, 1996): each model
/// has a virtual time that advances by tokens / weight when a batch of it starts, and the smallest goes first. A model
/// that was idle starts at the slot's present virtual time: it is owed nothing for its absence.
package struct FairShare: Sendable {
    private var present = 0.0
    private var finish: [QueueID: Double] = [:]

    package init() {}

    /// Virtual time at which the next batch of `queue` would start.
    package func startTag(of queue: QueueID) -> Double { max(present, finish[queue] ?? 0) }

    /// A batch of `queue` starts.
    package mutating func charge(_ queue: QueueID, tokens: Int, weight: Double) {
        let start = startTag(of: queue)
        present = start
        finish[queue] = start + Double(max(1, tokens)) / max(weight, 0.001)
    }

    /// The model has left the slot.
    package mutating func forget(_ queue: QueueID) { finish[queue] = nil }
}
