/// The supervisor's own number for one client request; also `request_id` on the worker channel. Never reused.
package struct RequestID: Hashable, Comparable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package static func < (left: RequestID, right: RequestID) -> Bool { left.value < right.value }
}

/// One incarnation of a worker process. A restarted worker gets a new number.
package struct WorkerID: Hashable, Comparable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package static func < (left: WorkerID, right: WorkerID) -> Bool { left.value < right.value }
}

/// One batch sent to a worker; also `batch_id` on the worker channel. Never reused.
package struct BatchID: Hashable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }
}

/// The queue of one model variant. It outlives the generations that serve it.
package struct QueueID: Hashable, Comparable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package static func < (left: QueueID, right: QueueID) -> Bool { left.value < right.value }
}
