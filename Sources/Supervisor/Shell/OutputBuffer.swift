import LinuxSystem
import Messages
import Wire

/// Frames that wait to be written to a stream. Written in one call a turn, however many frames there are.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var start = 0

    /// A larger buffer is given back when it is empty.
    private static let keptBytes = 256 << 10

    /// Bytes that wait.
    var count: Int { bytes.count - start }

    /// Adds a frame.
    mutating func append(_ message: some WireMessage, maximumFrameBytes: Int) throws(WireError) {
        let frame = try OutgoingFrame(message, maximumFrameBytes: maximumFrameBytes)
        let end = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: frame.size))
        bytes.withUnsafeMutableBytes { frame.write(into: UnsafeMutableRawBufferPointer(rebasing: $0[end...])) }
    }

    /// Adds bytes of a frame whose start has been written already.
    mutating func append(rest: ArraySlice<UInt8>) { bytes.append(contentsOf: rest) }

    enum Progress: Equatable {
        case done
        case waiting
        case closed
    }

    /// Writes as much as the stream takes.
    mutating func flush(to stream: borrowing UnixStream) -> Progress {
        while count > 0 {
            let result = bytes.withUnsafeBytes { raw in
                try? stream.write(UnsafeRawBufferPointer(rebasing: raw[start...]))
            }
            switch result {
            case .bytes(let written)?: start += written
            case .wouldBlock?:
                compact()
                return .waiting
            case .closed?, nil: return .closed
            }
        }
        start = 0
        if bytes.capacity > Self.keptBytes { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
        return .done
    }

    private mutating func compact() {
        guard start > 1 << 20, start > bytes.count / 2 else { return }
        bytes.removeFirst(start)
        start = 0
    }
}
