import Time
import Topology

/// A worker or packer process, as the core knows it.
struct Supervised {
    enum Role: Equatable {
        case seat(QueueID, SeatID)
        case packer(PackJobID)

        var isPacker: Bool {
            if case .packer = self { true } else { false }
        }
    }

    let role: Role
    let slot: Slot
    /// 0 until it has been started.
    var processID: Int32 = 0
    /// What the kernel holds it to, as it says.
    var sandbox = ""
    /// Whether it has ended its side of the channel.
    var channelClosed = false
    /// Set when the supervisor ended it for cause, which is then to blame rather than the signal.
    var killReason: String?
    /// The pack that it was told to load.
    var pack: PackJobID?
    /// Bytes of what it was told that are held, as it has not read them.
    var unread = 0
    /// Requests answered.
    var requests: UInt64 = 0
    /// What it had when it was given up, which is not known any more when it is gone.
    var loss: Scheduler.Loss?
    /// Whether it has completed a batch.
    var progressed = false

    init(_ role: Role, slot: Slot) {
        self.role = role
        self.slot = slot
    }
}

/// What is kept of an unanswered inference request, so that it can be sent to a worker, again if need be.
struct PendingRequest {
    let client: ClientID
    let stream: UInt64
    let label: RequestLabel
    let payload: [UInt8]
    let arrival: Instant
    let deadline: Deadline

    /// About as many are held of it.
    var bytes: Int { payload.count + 1024 }
}
