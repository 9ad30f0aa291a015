import Glibc
import LinuxSystem
import Messages
import Testing
import Wire

/// The supervisor's end of a worker's channel.
final class SupervisorEnd {
    private let stream: UnixStream
    private var decoder = FrameDecoder()
    /// The worker's end, which a `Channel` takes over.
    let workersDescriptor: Int32

    init() throws {
        let pair = try UnixStream.pair()
        stream = pair.first
        let other = pair.second
        workersDescriptor = other.descriptor.take()
        try stream.setNonBlocking(true)
    }

    func send(_ frames: ToWorker...) throws {
        for frame in frames {
            try #require(try FrameEncoder.encode(frame).withUnsafeBytes { try stream.writeFully($0) })
        }
    }

    /// Sends a frame with descriptors beside it.
    func send(_ frame: ToWorker, with first: Int32, _ others: Int32...) throws {
        let bytes = try FrameEncoder.encode(frame)
        let written = try bytes.withUnsafeBytes { try stream.write($0, descriptors: [first] + others) }
        try #require(written == .bytes(bytes.count))
    }

    /// The frames that have arrived.
    func arrived() throws -> [FromWorker] {
        var frames: [FromWorker] = []
        var room = [UInt8](repeating: 0, count: 64 << 10)
        while case .bytes(let count) = try room.withUnsafeMutableBytes({ try stream.read(into: $0) }) {
            decoder.append(Array(room[..<count]))
        }
        while let frame = try decoder.next(FromWorker.self) { frames.append(frame) }
        return frames
    }

    /// So many frames, waited for.
    func next(_ count: Int) throws -> [FromWorker] {
        var frames: [FromWorker] = []
        while frames.count < count {
            try #require(try stream.descriptor.waitReadable(within: .seconds(20)), "nothing came within 20 s")
            let more = try arrived()
            try #require(!more.isEmpty, "the worker is gone")
            frames += more
        }
        return frames
    }

    /// Sends nothing any more.
    func leave() throws { try stream.shutdownWriting() }

    /// Neither sends nor reads any more.
    func close() { shutdown(stream.rawValue, Int32(SHUT_RDWR)) }
}
