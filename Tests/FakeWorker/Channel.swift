import LinuxSystem
import Messages
import Wire

/// The worker's end of its socketpair, in blocking style.
struct Channel: ~Copyable {
    private let stream: UnixStream
    private var decoder = FrameDecoder()
    private var descriptors = ReceivedDescriptors()

    /// The supervisor is gone.
    struct Closed: Error {}

    init(descriptor: Int32) throws(SystemError) {
        stream = UnixStream(OwnedDescriptor(descriptor))
        try stream.setNonBlocking(true)
    }

    /// The next frame, if it has arrived.
    mutating func poll() throws -> ToWorker? {
        if let frame = try decoder.next(ToWorker.self) { return frame }
        var result = TransferResult.closed
        var room = [UInt8](repeating: 0, count: 64 << 10)
        try room.withUnsafeMutableBytes { bytes in
            result = try stream.read(into: bytes, descriptors: &descriptors, maximum: 1)
        }
        switch result {
        case .bytes(let count): decoder.append(Array(room[..<count]))
        case .wouldBlock: return nil
        case .closed: throw Closed()
        }
        return try decoder.next(ToWorker.self)
    }

    mutating func receive() throws -> ToWorker {
        while true {
            if let frame = try poll() { return frame }
            _ = try stream.descriptor.waitReadable()
        }
    }

    mutating func takeDescriptor() -> OwnedDescriptor? { descriptors.takeFirst() }

    func send(_ frame: FromWorker) throws {
        try write(try FrameEncoder.encode(frame))
    }

    func sendGarbage() throws { try write([0, 0, 0, 3, 0xff, 0xff, 0xff]) }

    private func write(_ bytes: [UInt8]) throws {
        guard try bytes.withUnsafeBytes({ try stream.writeFully($0) }) else { throw Closed() }
    }
}
