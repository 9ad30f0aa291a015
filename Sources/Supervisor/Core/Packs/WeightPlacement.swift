package import Configuration
package import Topology

/// Where the weights of a generation lie.
package enum WeightPlacement: Equatable, Sendable {
    /// Once, in the page cache, and why; when it is lacking, copies were wanted.
    case shared(String, isLacking: Bool)
    /// In the memory of each of these nodes.
    case replicated(nodes: [Int])
    /// Not where the settings want them; why.
    case refused(String)

    /// What is left to all else on a node, and in all, when the copies are there.
    private static let reserve: UInt64 = 64 << 20
    /// What a worker has for itself, as long as there is none to look at.
    private static let usualOwn: UInt64 = 64 << 20

    /// Decides it before anything is copied.
    ///
    /// - Parameters:
    ///   - isStrict: whether another node's memory is out of the question.
    ///   - nodes: where workers will be, in any order.
    ///   - bytes: of the pack.
    package static func plan(
        _ policy: NUMAPolicy,
        isStrict: Bool,
        nodes: Set<Int>,
        bytes: UInt64,
        room: MemoryRoom
    ) -> WeightPlacement {
        if policy == .shared { return .shared("the setting numa says so", isLacking: false) }
        if policy == .auto, nodes.count < 2 { return .shared("all workers are on one node", isLacking: false) }
        guard let reason = shortage(nodes.sorted(), bytes, room) else { return .replicated(nodes: nodes.sorted()) }
        return isStrict ? .refused(reason) : .shared(reason, isLacking: true)
    }

    private static func shortage(_ nodes: [Int], _ bytes: UInt64, _ room: MemoryRoom) -> String? {
        let each = "a copy takes \(mebibytes(bytes)) MiB"
        for node in nodes {
            guard let free = room.nodes[node], free < bytes + reserve else { continue }
            return "\(each), and node \(node) has room for \(mebibytes(free))"
        }
        guard let total = room.total, total < bytes * UInt64(nodes.count) + reserve else { return nil }
        return "\(each) on each of \(nodes.count) nodes, and there is room for \(mebibytes(total)) in all"
    }

    /// Why there is no room for a generation beside the one that serves; nil when there is, or nobody knows.
    ///
    /// - Parameters:
    ///   - bytes: of the pack, where no other generation has it in memory.
    ///   - copy: bytes of each copy.
    ///   - workers: how many the generation will have.
    ///   - own: what each of them will have for itself, in bytes; nil when no such worker is known.
    package func shortage(bytes: UInt64, copy: UInt64, workers: Int, own: UInt64?, room: MemoryRoom) -> String? {
        guard let free = room.total else { return nil }
        let copies = if case .replicated(let nodes) = self { UInt64(nodes.count) } else { UInt64(0) }
        let needed = (copies > 0 ? copies * copy : bytes) + UInt64(workers) * (own ?? Self.usualOwn)
        guard needed > free else { return nil }
        let needs = "a generation beside the one that serves needs \(Self.mebibytes(needed)) MiB"
        return "\(needs), and \(free >> 20) MiB are free"
    }

    private static func mebibytes(_ bytes: UInt64) -> UInt64 { (bytes + (1 << 20) - 1) >> 20 }
}

extension WeightPlacement: CustomStringConvertible {
    /// As the status shows it.
    package var description: String {
        switch self {
        case .shared(let reason, _): "shared: \(reason)"
        case .replicated(let nodes): "a copy on node \(nodes.map(String.init).joined(separator: ", "))"
        case .refused(let reason): reason
        }
    }
}
