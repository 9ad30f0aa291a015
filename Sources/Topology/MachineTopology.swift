/// The part of the machine that this process may use.
package struct MachineTopology: Equatable, Sendable {
    /// A NUMA node: CPUs and the memory close to them.
    package struct Node: Equatable, Sendable {
        package var id: Int
        /// All online CPUs of the node, usable or not.
        package var cpus: CPUSet
        /// The hardware threads of each core, ordered by their first one. CPUs that are missing count as cores of one.
        package var cores: [CPUSet]

        package init(id: Int, cpus: CPUSet, cores: [CPUSet] = []) {
            self.id = id
            self.cpus = cpus
            self.cores = cores
        }
    }

    /// Nodes that have CPUs, ordered by number. A machine without NUMA is one node 0.
    package var nodes: [Node]
    /// The CPUs that the affinity of the thread that read the topology and the process's cpuset allow.
    package var allowed: CPUSet
    /// The nodes from which the cpuset allows memory to be taken; nil when unknown.
    package var memoryNodes: CPUSet?
    /// The CPU time per wall time that the cgroups allow ("2.5" CPUs); nil when unlimited.
    package var cpuLimit: Double?

    package init(nodes: [Node], allowed: CPUSet, memoryNodes: CPUSet? = nil, cpuLimit: Double? = nil) {
        self.nodes = nodes
        self.allowed = allowed
        self.memoryNodes = memoryNodes
        self.cpuLimit = cpuLimit
    }
}
