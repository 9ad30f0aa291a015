package import LinuxSystem
import Messages
package import Time
import Wire

/// The worker's end of its socketpair with the supervisor: blocking, one thread, frames with descriptors beside them.
package struct Channel: ~Copyable {
    private let stream: UnixStream
    private var decoder = FrameDecoder(maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes)
    private var descriptors = ReceivedDescriptors()
    private var outgoing: [UInt8] = []
    /// When something was last written, or waited for.
    private var quietSince: Instant
    private let clock: () -> Instant

    /// How long a silence is after which the supervisor is told that the work goes on.
    private static let silence = Duration.milliseconds(100)

    /// How often it is told, with nothing to do, that this process would go on.
    private static let idleSilence = Duration.seconds(1)

    /// The most that come with one frame.
    private static let mostDescriptors = 8

    /// A larger buffer is given back when it has been written.
    private static let keptBytes = 64 << 10

    /// The supervisor is gone: there is nobody to answer, and nothing to do but to exit.
    package struct Closed: Error {}

    /// - Parameter clock: the monotonic one where the supervisor is another process.
    package init(descriptor: Int32, clock: @escaping () -> Instant = { MonotonicClock.now }) throws(SystemError) {
        stream = UnixStream(OwnedDescriptor(descriptor))
        self.clock = clock
        quietSince = clock()
        try stream.setNonBlocking(true)
    }

    var now: Instant { clock() }

    /// The next frame that has already arrived, or nil.
    mutating func poll() throws -> ToWorker? {
        if let frame = try decoder.next(ToWorker.self) { return frame }
        guard try read() else { return nil }
        return try decoder.next(ToWorker.self)
    }

    /// The next frame, waited for with a sign of life every second.
    mutating func receive() throws -> ToWorker {
        while true {
            if let frame = try poll() { return frame }
            if try stream.descriptor.waitReadable(within: Self.idleSilence) {
                quietSince = now
            } else {
                try send(.progress(FromWorker.Progress()))
            }
        }
    }

    /// The oldest descriptor that has come with a frame and was not taken: a frame's are taken, in order, before the next frame's.
    mutating func takeDescriptor() -> OwnedDescriptor? { descriptors.takeFirst() }

    /// Queues a frame; it leaves with the next `flush`. Frames that belong together wake the supervisor once.
    mutating func queue(_ frame: FromWorker) throws(WireError) {
        outgoing += try FrameEncoder.encode(frame)
    }

    /// Writes what is queued.
    mutating func flush() throws {
        guard !outgoing.isEmpty else { return }
        var outcome: Result<Bool, SystemError> = .success(false)
        outgoing.withUnsafeBytes { bytes in
            do throws(SystemError) {
                outcome = .success(try stream.writeFully(bytes))
            } catch {
                outcome = .failure(error)
            }
        }
        quietSince = now
        outgoing.removeAll(keepingCapacity: outgoing.count < Self.keptBytes)
        guard try outcome.get() else { throw Closed() }
    }

    /// Tells the supervisor that the work goes on, when it has heard nothing for a while. Called between two pieces of
    /// work; a worker that is silent for much longer is taken for stuck.
    mutating func sign() throws {
        guard now - quietSince >= Self.silence else { return }
        if outgoing.isEmpty { try queue(.progress(FromWorker.Progress())) }
        try flush()
    }

    mutating func send(_ frame: FromWorker) throws {
        try queue(frame)
        try flush()
    }

    /// Reads once without waiting; false when nothing is there.
    private mutating func read() throws -> Bool {
        var outcome: Result<TransferResult, SystemError> = .success(.wouldBlock)
        decoder.withSpareCapacity(64 << 10) { room in
            do throws(SystemError) {
                let result = try stream.read(into: room, descriptors: &descriptors, maximum: Self.mostDescriptors)
                outcome = .success(result)
                if case .bytes(let count) = result { return count }
            } catch {
                outcome = .failure(error)
            }
            return 0
        }
        switch try outcome.get() {
        case .bytes: return true
        case .wouldBlock: return false
        case .closed: throw Closed()
        }
    }
}
