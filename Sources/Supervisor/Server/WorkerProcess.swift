import LinuxSystem
import Messages
import Wire

/// A worker or packer process and its channel.
final class WorkerProcess {
    enum Role {
        case seat(ServedModel, SeatID, GenerationFiles)
        case packer(PackJobID)
    }

    let id: WorkerID
    let role: Role
    let slot: Int
    var child: ChildProcess
    let channel: FramedStream
    /// Whether the worker has ended its side of the channel.
    var channelClosed = false
    /// When a process that has closed its channel, and not ended, is killed.
    var killAt = Int64.max
    /// Set when the supervisor ended it for cause, which is then to blame rather than the signal.
    var killReason: String?
    /// The pack that it was told to load.
    var pack: OpenPack?
    /// Requests answered.
    var requests: UInt64 = 0
    /// Whether it has completed a batch.
    var progressed = false

    init(id: WorkerID, role: Role, slot: Int, child: consuming ChildProcess, channel: FramedStream) {
        self.id = id
        self.role = role
        self.slot = slot
        self.child = child
        self.channel = channel
    }

    var processID: Int32 { child.processID }

    func signal(_ signal: Signal) {
        // A process that has ended already will be reaped in this turn or the next.
        _ = try? child.signal(signal)
    }
}

/// A pack that is held open for as long as a generation may start workers.
final class OpenPack {
    let key: String
    let bytes: UInt64
    let descriptor: OwnedDescriptor
    /// Whether a worker has compared its bytes with its hash. Until then each one that maps it does.
    var isVerified = false

    init(key: String, bytes: UInt64, descriptor: consuming OwnedDescriptor) {
        self.key = key
        self.bytes = bytes
        self.descriptor = descriptor
    }
}

/// What one generation of a model is made from.
final class GenerationFiles {
    let number: UInt64
    let path: String
    let configuration: ModelConfiguration
    var pack: OpenPack?
    var job: PackJobID?
    /// Whether the file of a pack was removed while it was written.
    var isPackedAgain = false
    /// What the first ready worker said about the model.
    var ready: FromWorker.Ready?

    init(number: UInt64, path: String, configuration: ModelConfiguration) {
        self.number = number
        self.path = path
        self.configuration = configuration
    }
}
