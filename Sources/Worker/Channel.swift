import LinuxSystem
import Wire

/// The worker's end of its socketpair with the supervisor: blocking, one thread, frames with descriptors beside them.
struct Channel: ~Copyable {
    private let stream: UnixStream
    private var decoder = FrameDecoder()
    private var descriptors = ReceivedDescriptors()

    /// The supervisor is gone: there is nobody to answer, and nothing to do but to exit.
    struct Closed: Error {}

    init(descriptor: Int32) throws(SystemError) {
        stream = UnixStream(OwnedDescriptor(descriptor))
        try stream.setNonBlocking(true)
    }

    /// The next frame that has already arrived, or nil.
    mutating func poll() throws -> WorkerFrame? {
        if let frame = try decoder.next(WorkerFrame.self) { return frame }
        guard try read() else { return nil }
        return try decoder.next(WorkerFrame.self)
    }

    /// The next frame, waited for.
    mutating func receive() throws -> WorkerFrame {
        while true {
            if let frame = try poll() { return frame }
            _ = try stream.descriptor.waitReadable()
        }
    }

    /// The descriptor that came with the last frame.
    mutating func takeDescriptor() -> OwnedDescriptor? { descriptors.takeFirst() }

    func send(_ frame: WorkerFrame) throws {
        let bytes = try FrameEncoder.encode(frame)
        var outcome: Result<Bool, SystemError> = .success(false)
        bytes.withUnsafeBytes { bytes in
            do throws(SystemError) {
                outcome = .success(try stream.writeFully(bytes))
            } catch {
                outcome = .failure(error)
            }
        }
        guard try outcome.get() else { throw Closed() }
    }

    /// Reads once without waiting; false when nothing is there.
    private mutating func read() throws -> Bool {
        var outcome: Result<TransferResult, SystemError> = .success(.wouldBlock)
        decoder.withSpareCapacity(64 << 10) { room in
            do throws(SystemError) {
                let result = try stream.read(into: room, descriptors: &descriptors, maximum: 1)
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
