import Glibc
import LinuxSystem
import Messages
import Topology

/// A copy of a pack in the memory of one NUMA node.
///
/// Pages of a file lie in the page cache of the node that read them first, whatever those who map them later ask for. So each
/// node but one would read its weights from another one's memory; a file in memory has a policy of its own.
enum NodeCopy {
    /// What is copied between two signs of progress.
    private static let piece = 4 << 20
    /// The share of the pages that have to lie on the node.
    private static let leastShare = 0.99

    /// Copies all of a file into an empty one in memory, whose pages come from the node that this process runs on.
    ///
    /// - Parameter isStrict: whether it fails if pages of another node have to be taken.
    /// - Returns: the bytes.
    /// - Throws: `LoadFailure`; what `progress` throws.
    static func make(
        of pack: borrowing OwnedDescriptor,
        in copy: borrowing OwnedDescriptor,
        node: Int,
        isStrict: Bool,
        progress: () throws -> Void
    ) throws -> Int {
        let source = try map(pack, node: node)
        let target = try map(copy, bytes: source.bytes.count, node: node)
        let (from, to) = (source.bytes, target.mutableBytes)
        if let problem = Placement.bind(to, to: node, isStrict ? .bind : .prefer).first, isStrict {
            throw LoadFailure(.resource, problem)
        }
        for start in stride(from: 0, to: from.count, by: piece) {
            let range = start..<min(from.count, start + piece)
            let part = UnsafeMutableRawBufferPointer(rebasing: to[range])
            part.copyMemory(from: UnsafeRawBufferPointer(rebasing: from[range]))
            try progress()
        }
        let share = Placement.memoryPlacement(of: UnsafeRawBufferPointer(to))?.share(onNode: node) ?? 1
        guard share >= leastShare else {
            throw LoadFailure(.resource, "only \(Int(share * 100)) % of the weights' copy came to lie on node \(node)")
        }
        return from.count
    }

    /// Maps a file, or so many bytes of it for writing.
    private static func map(
        _ file: borrowing OwnedDescriptor,
        bytes: Int? = nil,
        node: Int
    ) throws(LoadFailure) -> MappedRegion {
        do throws(SystemError) {
            guard let bytes else { return try MappedRegion(file) }
            try MemoryFile.resize(file, to: bytes)
            return try MappedRegion(file, writable: true)
        } catch {
            throw LoadFailure(.resource, "the pack cannot be copied to node \(node): \(error)")
        }
    }
}
