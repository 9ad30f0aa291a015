package import LinuxSystem
import Messages
package import Wire

/// Frames that wait to be written to a stream: many small ones in one call, and those with descriptors in one of their own.
package struct OutputBuffer {
    package init() {}

    /// Frames end to end. Its descriptors leave with its first byte.
    private struct Chunk {
        var bytes: [UInt8]
        var descriptors: [HeldDescriptor]
    }

    /// The next first.
    private var chunks: [Chunk] = []
    /// Bytes of the first chunk that have left.
    private var written = 0
    /// Bytes that are held: those that wait, and what has left of the first chunk.
    package private(set) var count = 0

    /// Frames share a chunk up to this size, and its memory is given back when all of them have left.
    private static let chunkBytes = 64 << 10

    /// Adds a frame, and descriptors, which leave with its first byte and are held until then.
    package mutating func append(
        _ message: some WireMessage,
        with descriptors: [HeldDescriptor] = [],
        maximumFrameBytes: Int
    ) throws(WireError) {
        let frame = try OutgoingFrame(message, maximumFrameBytes: maximumFrameBytes)
        let size = frame.size
        count += size
        if let last = chunks.indices.last, descriptors.isEmpty, chunks[last].bytes.count + size <= Self.chunkBytes {
            let end = chunks[last].bytes.count
            chunks[last].bytes.append(contentsOf: repeatElement(0, count: size))
            chunks[last].bytes.withUnsafeMutableBytes {
                frame.write(into: UnsafeMutableRawBufferPointer(rebasing: $0[end...]))
            }
        } else {
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                frame.write(into: UnsafeMutableRawBufferPointer(buffer))
                count = size
            }
            chunks.append(Chunk(bytes: bytes, descriptors: descriptors))
        }
    }

    package enum Progress: Equatable {
        case done
        case waiting
        case closed
    }

    /// Writes as much as the stream takes.
    package mutating func flush(to stream: borrowing UnixStream) -> Progress {
        while let chunk = chunks.first {
            let result = chunk.bytes.withUnsafeBytes { raw in
                let part = UnsafeRawBufferPointer(rebasing: raw[written...])
                return chunk.descriptors.isEmpty
                    ? try? stream.write(part)
                    : try? stream.write(part, descriptors: chunk.descriptors.map { $0.descriptor.rawValue })
            }
            switch result {
            case .bytes(let count)?: left(count, of: chunk)
            case .wouldBlock?: return .waiting
            case .closed?, nil: return .closed
            }
        }
        return .done
    }

    private mutating func left(_ bytes: Int, of chunk: Chunk) {
        written += bytes
        if written == chunk.bytes.count {
            count -= written
            written = 0
            chunks.removeFirst()
        } else if !chunk.descriptors.isEmpty {
            chunks[0].descriptors = []
        }
    }
}

/// A descriptor that is closed with its last reference.
package final class HeldDescriptor {
    package let descriptor: OwnedDescriptor

    package init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}
