package import LinuxSystem
import Messages
package import Wire

/// Frames that wait to be written to a stream. Written in one call a turn, however many frames there are, but for those with
/// descriptors, which begin a call of their own.
package struct OutputBuffer {
    package init() {}

    private var bytes: [UInt8] = []
    private var start = 0
    /// Where frames with descriptors begin, in order.
    private var attached: [(at: Int, descriptors: [HeldDescriptor])] = []

    /// A larger buffer is given back when it is empty.
    private static let keptBytes = 256 << 10

    /// Bytes that wait.
    package var count: Int { bytes.count - start }

    /// Adds a frame, and descriptors, which leave with its first byte and are held until then.
    package mutating func append(
        _ message: some WireMessage,
        with descriptors: [HeldDescriptor] = [],
        maximumFrameBytes: Int
    ) throws(WireError) {
        let frame = try OutgoingFrame(message, maximumFrameBytes: maximumFrameBytes)
        let end = bytes.count
        if !descriptors.isEmpty { attached.append((end, descriptors)) }
        bytes.append(contentsOf: repeatElement(0, count: frame.size))
        bytes.withUnsafeMutableBytes { frame.write(into: UnsafeMutableRawBufferPointer(rebasing: $0[end...])) }
    }

    package enum Progress: Equatable {
        case done
        case waiting
        case closed
    }

    /// Writes as much as the stream takes.
    package mutating func flush(to stream: borrowing UnixStream) -> Progress {
        while count > 0 {
            let descriptors = attached.first.flatMap { $0.at == start ? $0.descriptors : nil } ?? []
            let end = attached.dropFirst(descriptors.isEmpty ? 0 : 1).first?.at ?? bytes.count
            let result = bytes.withUnsafeBytes { raw in
                let part = UnsafeRawBufferPointer(rebasing: raw[start..<end])
                return descriptors.isEmpty
                    ? try? stream.write(part)
                    : try? stream.write(part, descriptors: descriptors.map { $0.descriptor.rawValue })
            }
            switch result {
            case .bytes(let written)?:
                start += written
                if !descriptors.isEmpty { attached.removeFirst() }
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
        for index in attached.indices { attached[index].at -= start }
        start = 0
    }
}

/// A descriptor that is closed with its last reference.
package final class HeldDescriptor {
    package let descriptor: OwnedDescriptor

    package init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}
