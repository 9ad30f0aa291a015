import CNuma
import Glibc
import LinuxSystem

/// Pins threads to slots and looks where memory lies.
package enum Placement {
    /// Whether the kernel supports NUMA policies; without, placement is the kernel's alone, which is right on one node.
    package static var isMemoryPolicyAvailable: Bool { numa_available() >= 0 }

    /// How strictly memory is bound to the node of a slot.
    package enum MemoryBinding: Sendable {
        /// Only from the node; an allocation that does not fit fails.
        case bind
        /// From the node while it has room, then from others.
        case prefer

        fileprivate var mode: Int32 { Int32(self == .bind ? MPOL_BIND : MPOL_PREFERRED) }
    }

    /// Pins the calling thread, and all threads and processes that it starts from now on, to the CPUs of a slot and its
    /// memory to the slot's node.
    ///
    /// Call it before the first thread starts and before memory is touched: pages stay where they were first touched.
    ///
    /// - Returns: what could not be done, as sentences; an environment that forbids placement is not an error.
    package static func apply(_ slot: Slot, memory: MemoryBinding) -> [String] {
        pinThread(to: slot.cpus) + bindMemory(to: slot.node, memory)
    }

    private static func pinThread(to cpus: CPUSet) -> [String] {
        do throws(SystemError) {
            try ThreadAffinity.set(cpus.words)
            let actual = CPUSet(words: try ThreadAffinity.current())
            // The kernel silently leaves out CPUs that the cpuset does not hold.
            if actual != cpus { return ["asked for CPUs \(cpus), but the cpuset allows only \(actual)"] }
            return []
        } catch {
            return ["cannot pin to CPUs \(cpus): \(error)"]
        }
    }

    private static func bindMemory(to node: Int, _ binding: MemoryBinding) -> [String] {
        guard isMemoryPolicyAvailable else {
            return node == 0 ? [] : ["the kernel has no NUMA policies: memory is not bound to node \(node)"]
        }
        let mask = CPUSet([node]).words.map { UInt($0) }
        // The kernel reads one bit less than it is told.
        if set_mempolicy(binding.mode, mask, UInt(mask.count * 64 + 1)) == 0 { return [] }
        let error = SystemError("set_mempolicy", errno)
        return ["cannot bind memory to node \(node): \(error)"]
    }

    /// Binds the pages of a mapping that are not there yet to a node; of a memory file, those of everybody who maps it, for as
    /// long as the file lives. Huge pages are asked for, where the administrator lets files in memory have them.
    ///
    /// - Returns: what could not be done, as sentences; the policy of the thread holds then.
    package static func bind(
        _ range: UnsafeMutableRawBufferPointer,
        to node: Int,
        _ binding: MemoryBinding
    ) -> [String] {
        _ = madvise(range.baseAddress, range.count, MADV_HUGEPAGE)
        guard isMemoryPolicyAvailable else { return [] }
        let mask = CPUSet([node]).words.map { UInt($0) }
        let done = mbind(range.baseAddress, UInt(range.count), binding.mode, mask, UInt(mask.count * 64 + 1), 0)
        return done == 0 ? [] : ["cannot bind a copy of the weights to node \(node): \(SystemError("mbind", errno))"]
    }

    // MARK: - Where memory lies

    /// Where the pages of an address range lie.
    package struct MemoryPlacement: Equatable, Sendable {
        /// Pages in memory, by node.
        package var pagesPerNode: [Int: Int] = [:]
        /// Pages that were not touched yet, or were swapped out.
        package var absentPages = 0

        package init(pagesPerNode: [Int: Int] = [:], absentPages: Int = 0) {
            self.pagesPerNode = pagesPerNode
            self.absentPages = absentPages
        }

        package var presentPages: Int { pagesPerNode.values.reduce(0, +) }

        /// The share of the present pages that lie on a node; 1 when none is present.
        package func share(onNode node: Int) -> Double {
            presentPages == 0 ? 1 : Double(pagesPerNode[node] ?? 0) / Double(presentPages)
        }
    }

    /// Asks where the pages of a range of this process lie, without moving or touching any.
    ///
    /// - Returns: nil where the kernel cannot say (no NUMA support, or forbidden by a container).
    package static func memoryPlacement(of range: UnsafeRawBufferPointer) -> MemoryPlacement? {
        guard let start = range.baseAddress, range.count > 0 else { return MemoryPlacement() }
        let pageSize = Int(getpagesize())
        let first = UInt(bitPattern: start) / UInt(pageSize) * UInt(pageSize)
        let pageCount = (Int(UInt(bitPattern: start) - first) + range.count + pageSize - 1) / pageSize

        var placement = MemoryPlacement()
        var statuses = [Int32](repeating: 0, count: 1024)
        var done = 0
        while done < pageCount {
            let batch = min(statuses.count, pageCount - done)
            var addresses = (done..<(done + batch)).map { page in
                UnsafeMutableRawPointer(bitPattern: first + UInt(page * pageSize))
            }
            // Without target nodes, move_pages only reports.
            if move_pages(0, UInt(batch), &addresses, nil, &statuses, 0) != 0 { return nil }
            for status in statuses[..<batch] {
                if status >= 0 {
                    placement.pagesPerNode[Int(status), default: 0] += 1
                } else {
                    placement.absentPages += 1
                }
            }
            done += batch
        }
        return placement
    }
}
