import LinuxSystem
import Messages
import Wire

/// A worker or packer that is waited for, frame by frame. It is killed when the object goes.
final class CheckedProcess {
    private var child: ChildProcess
    private let stream: UnixStream
    private var decoder = FrameDecoder(maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes)

    /// Both say again and again that they go on, but for a packer that hashes a checkpoint.
    private static let patience = Duration.seconds(120)

    /// Starts the worker program with a channel to it, and reads its greeting.
    init(_ executable: String, arguments: [String], environment: [String: String]) throws {
        let pair = try UnixStream.pair()
        child = try ChildProcess(
            ChildCommand(
                executable,
                arguments: ["--channel-fd", "3"] + arguments,
                environment: environment,
                descriptors: [3: pair.second.rawValue]
            )
        )
        stream = pair.takeFirst()
        try stream.setNonBlocking(true)
        guard case .hello(let hello) = try receive(), hello.protocolVersion == WireProtocol.version else {
            throw CheckFailure("\(executable) is not the worker of this version; name another with --worker-executable")
        }
    }

    /// Sends a frame, and perhaps a descriptor beside it.
    func send(_ frame: ToWorker, with descriptor: Int32? = nil) throws {
        var bytes = try FrameEncoder.encode(frame)[...]
        if let descriptor {
            let sent = try bytes.withUnsafeBytes { try stream.write($0, descriptors: [descriptor]) }
            guard case .bytes(let count) = sent else { throw try ended() }
            bytes = bytes.dropFirst(count)
        }
        guard try bytes.withUnsafeBytes({ try stream.writeFully($0) }) else { throw try ended() }
    }

    /// Waits for the next frame.
    ///
    /// - Throws: `CheckFailure` with the worker's own words when it says why it cannot go on, or how it ended.
    func receive() throws -> FromWorker {
        while true {
            if let frame = try decoder.next(FromWorker.self) {
                if case .failed(let failed) = frame { throw CheckFailure(failed.message) }
                return frame
            }
            guard try stream.descriptor.waitReadable(within: Self.patience) else {
                throw CheckFailure("the worker has said nothing for \(Self.patience.components.seconds) s; it is stuck")
            }
            var outcome = Result<TransferResult, SystemError>.success(.wouldBlock)
            decoder.withSpareCapacity(64 << 10) { room in
                do throws(SystemError) {
                    let result = try stream.read(into: room)
                    outcome = .success(result)
                    if case .bytes(let count) = result { return count }
                } catch {
                    outcome = .failure(error)
                }
                return 0
            }
            if case .closed = try outcome.get() { throw try ended() }
        }
    }

    /// Its memory now.
    var memory: MemoryUsage? { try? MemoryUsage.of(processID: child.processID) }

    private func ended() throws -> CheckFailure {
        guard try child.descriptor.waitReadable(within: .seconds(5)) else {
            return CheckFailure("the worker has closed its channel, and does not end")
        }
        return CheckFailure("the worker ended unexpectedly: \(try child.reap())")
    }
}

/// Why a folder is refused, in a sentence for people.
struct CheckFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
