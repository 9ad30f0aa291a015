/// A set of CPUs inside one node on which one batch computes at a time.
package struct Slot: Hashable, Sendable {
    package var id: Int
    package var node: Int
    package var cpus: CPUSet

    package init(id: Int, node: Int, cpus: CPUSet) {
        self.id = id
        self.node = node
        self.cpus = cpus
    }
}

/// What to cut slots from.
package struct SlotRequest: Equatable, Sendable {
    /// The CPUs of a slot, which is the number of threads that compute a batch.
    package var threadsPerWorker: Int
    /// The most slots to make; as many as fit when nil.
    package var maxSlots: Int?
    /// CPUs to leave to the rest of the machine.
    package var reserveCPUs: Int
    /// The CPUs to use; all that the process may use when nil.
    package var cpus: CPUSet?

    package init(threadsPerWorker: Int, maxSlots: Int? = nil, reserveCPUs: Int = 0, cpus: CPUSet? = nil) {
        self.threadsPerWorker = threadsPerWorker
        self.maxSlots = maxSlots
        self.reserveCPUs = reserveCPUs
        self.cpus = cpus
    }
}

/// The slots of a machine.
package struct SlotPlan: Equatable, Sendable {
    /// At least one, ordered by node; `slots[i].id` is `i`.
    package var slots: [Slot]
    /// What was asked for and could not be done, as sentences for the administrator.
    package var warnings: [String]
}

/// Cuts the usable CPUs into slots of `threadsPerWorker`, none of which spans two nodes.
///
/// Usable are the CPUs that the process is allowed, that `request.cpus` names, and that lie in an online node, less
/// `reserveCPUs`. Hardware threads of one core stay together where the sizes allow. A CPU-time limit of the cgroup
/// bounds the CPUs of all slots together. What cannot be had is a warning, as long as one slot remains.
package func planSlots(
    topology: MachineTopology,
    request: SlotRequest
) throws(TopologyError) -> SlotPlan {
    try request.validate()
    var warnings: [String] = []

    var wanted = topology.allowed
    if let cpus = request.cpus {
        wanted = wanted.intersection(cpus)
        let refused = cpus.subtracting(topology.allowed)
        if !refused.isEmpty && !wanted.isEmpty {
            warnings.append("CPUs \(refused) were asked for, but this process may only use \(topology.allowed)")
        }
    }
    var nodes = topology.nodes.map { NodeSupply($0, usable: wanted) }.filter { !$0.cpus.isEmpty }
    let usable = nodes.reduce(0) { $0 + $1.cpus.count }
    guard usable > 0 else { throw .noUsableCPU(wanted: request.cpus, allowed: topology.allowed) }

    let reserved = min(request.reserveCPUs, usable - 1)
    if reserved < request.reserveCPUs {
        let asked = request.reserveCPUs
        warnings.append("reserve_cpus is \(asked), but only \(usable) CPUs are usable: reserving \(reserved)")
    }
    for _ in 0..<reserved { reserveOne(from: &nodes) }
    nodes.removeAll { $0.cpus.isEmpty }

    var threads = request.threadsPerWorker
    var limit = request.maxSlots ?? Int.max
    if let quota = topology.cpuLimit, quota < Double(usable - reserved) {
        let budget = max(1, Int(quota))
        if budget < threads {
            let allowed = decimal(quota)
            warnings.append("threads_per_worker is \(threads), but the cgroup allows \(allowed) CPUs: using \(budget)")
            threads = budget
        }
        if budget / threads < limit { limit = budget / threads }
        let slots = "\(limit) of \(threads) CPUs"
        warnings.append("the cgroup's CPU limit of \(decimal(quota)) CPUs bounds the slots to \(slots)")
    }
    let largest = nodes.map(\.cpus.count).max() ?? 0
    if largest < threads {
        warnings.append("threads_per_worker is \(threads), but no node has more than \(largest) CPUs: using \(largest)")
        threads = largest
    }

    let counts = slotCounts(nodes.map { $0.cpus.count / threads }, limit: limit)
    var slots: [Slot] = []
    for (node, count) in zip(nodes, counts) {
        for index in 0..<count {
            let cpus = CPUSet(node.cpus[(index * threads)..<((index + 1) * threads)])
            slots.append(Slot(id: slots.count, node: node.id, cpus: cpus))
        }
        let idle = CPUSet(node.cpus[(count * threads)...])
        if !idle.isEmpty && slots.count < limit && idle.count < threads {
            let reason = "\(node.cpus.count) is not a multiple of \(threads)"
            warnings.append("CPUs \(idle) of node \(node.id) are idle: \(reason)")
        }
        if let memory = topology.memoryNodes, count > 0, !memory.contains(node.id) {
            warnings.append("the cpuset allows no memory of node \(node.id): its slots will use other nodes' memory")
        }
    }
    return SlotPlan(slots: slots, warnings: warnings)
}

/// The usable CPUs of a node, in the order in which slots take them.
private struct NodeSupply {
    var id: Int
    /// Whole cores one after another, so that consecutive CPUs share a core where the machine has hardware threads.
    var cpus: [Int]

    init(_ node: MachineTopology.Node, usable: CPUSet) {
        id = node.id
        let mine = node.cpus.intersection(usable)
        var ordered: [Int] = []
        var left = mine
        for core in node.cores {
            let members = core.intersection(left)
            ordered += members
            left = left.subtracting(members)
        }
        cpus = ordered + Array(left)
    }
}

/// Takes the first CPU of the node that has most; the first CPUs are where the kernel puts most of its own work.
private func reserveOne(from nodes: inout [NodeSupply]) {
    var richest = 0
    for index in nodes.indices where nodes[index].cpus.count > nodes[richest].cpus.count { richest = index }
    nodes[richest].cpus.removeFirst()
}

/// Spreads at most `limit` slots over nodes that have room for `available`, evenly: one each in turn.
private func slotCounts(_ available: [Int], limit: Int) -> [Int] {
    var counts = available.map { _ in 0 }
    var total = 0
    while total < limit {
        let before = total
        for index in available.indices where counts[index] < available[index] && total < limit {
            counts[index] += 1
            total += 1
        }
        if total == before { break }
    }
    return counts
}

/// A number of CPUs with at most two decimals.
private func decimal(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let fraction = hundredths % 100
    if fraction == 0 { return "\(hundredths / 100)" }
    let digits = fraction % 10 == 0 ? "\(fraction / 10)" : (fraction < 10 ? "0\(fraction)" : "\(fraction)")
    return "\(hundredths / 100).\(digits)"
}

extension SlotRequest {
    fileprivate func validate() throws(TopologyError) {
        if threadsPerWorker < 1 {
            throw .invalidSetting(name: "threads_per_worker", value: threadsPerWorker, expected: "at least 1")
        }
        if let maxSlots, maxSlots < 1 {
            throw .invalidSetting(name: "max_slots", value: maxSlots, expected: "at least 1")
        }
        if reserveCPUs < 0 {
            throw .invalidSetting(name: "reserve_cpus", value: reserveCPUs, expected: "at least 0")
        }
    }
}
