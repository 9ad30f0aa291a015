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
