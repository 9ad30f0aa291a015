import LinuxSystem

/// How much memory can still be taken, in bytes, before something is swapped or killed.
package struct MemoryRoom: Equatable, Sendable {
    /// In all: what the machine and the process's control groups leave; nil where neither says.
    package var total: UInt64?
    /// On each NUMA node that says.
    package var nodes: [Int: UInt64]

    package init(total: UInt64? = nil, nodes: [Int: UInt64] = [:]) {
        (self.total, self.nodes) = (total, nodes)
    }

    /// Reads it, here and now.
    ///
    /// - Parameters:
    ///   - nodes: which ones are looked at.
    ///   - root: the folder that holds `sys` and `proc`; empty for those of this machine.
    package static func current(of nodes: some Sequence<Int>, root: String = "") -> MemoryRoom {
        let machine = (try? FileContents.readText(root + "/proc/meminfo")).flatMap { bytes("MemAvailable:", in: $0) }
        let total = [machine, ControlGroups.memoryRoom(root: root)].compactMap { $0 }.min()
        var room = MemoryRoom(total: total)
        for node in nodes {
            // The kernel estimates what is available of the whole machine only: what is free, and what was read from files.
            guard let text = try? FileContents.readText(root + "/sys/devices/system/node/node\(node)/meminfo"),
                let free = bytes("MemFree:", in: text)
            else { continue }
            let cached = ["Active(file):", "Inactive(file):", "SReclaimable:"].compactMap { bytes($0, in: text) }
            room.nodes[node] = free + cached.reduce(0, +)
        }
        return room
    }

    /// Of a line such as "MemFree: 357 kB" or "Node 0 MemFree: 357 kB".
    private static func bytes(_ key: String, in text: String) -> UInt64? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(where: { $0 == key }), place + 1 < words.count else { continue }
            return UInt64(words[place + 1]).map { $0 * 1024 }
        }
        return nil
    }
}
