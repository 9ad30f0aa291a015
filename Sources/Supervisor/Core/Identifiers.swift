/// A number that names one thing of a kind. The supervisor never uses one again.
package struct Identifier<Kind>: Hashable, Comparable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// One connection of a client.
package typealias ClientID = Identifier<ClientKind>
/// The supervisor's own number for one client request; also `request_id` on the worker channel.
package typealias RequestID = Identifier<RequestKind>
/// One process: a worker or a packer. A restarted worker gets a new number.
package typealias WorkerID = Identifier<WorkerKind>
/// One batch sent to a worker; also `batch_id` on the worker channel.
package typealias BatchID = Identifier<BatchKind>
/// One model variant and its queue, which outlive the generations that serve it.
package typealias QueueID = Identifier<QueueKind>
/// One wish for a pack: a generation of a model.
package typealias PackJobID = Identifier<PackJobKind>
/// One reload, which may concern many models.
package typealias ReloadID = Identifier<ReloadKind>

package enum ClientKind {}
package enum RequestKind {}
package enum WorkerKind {}
package enum BatchKind {}
package enum QueueKind {}
package enum PackJobKind {}
package enum ReloadKind {}

/// A control call: a client's number and its stream. The client may be gone.
package struct ControlCall: Equatable, Sendable {
    package let client: ClientID
    package let stream: UInt64
}
