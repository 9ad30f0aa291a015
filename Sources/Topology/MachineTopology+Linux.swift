import LinuxSystem

extension MachineTopology {
    /// Reads the topology of this machine from `/sys`, `/proc` and the affinity of the calling thread.
    package static func current() throws(TopologyError) -> MachineTopology {
        do throws(SystemError) {
            return read(root: "", affinity: CPUSet(words: try ThreadAffinity.current()))
        } catch {
            throw .system(error)
        }
    }

    /// Reads a topology from the files below a root; what is missing there counts as absent.
    ///
    /// - Parameters:
    ///   - root: the folder that holds `sys` and `proc`; empty for those of this machine.
    ///   - affinity: the CPUs that the process may run on.
    package static func read(root: String, affinity: CPUSet) -> MachineTopology {
        let system = root + "/sys/devices/system"
        let online = list(system + "/cpu/online") ?? affinity
        let nodeNumbers = list(system + "/node/online") ?? []
        var nodes: [Node] = []
        for number in nodeNumbers {
            let cpus = (list(system + "/node/node\(number)/cpulist") ?? []).intersection(online)
            if !cpus.isEmpty { nodes.append(Node(id: number, cpus: cpus)) }
        }
        if nodes.isEmpty { nodes = [Node(id: 0, cpus: online)] }
        for index in nodes.indices {
            nodes[index].cores = cores(of: nodes[index].cpus, system: system)
        }
        return MachineTopology(
            nodes: nodes,
            allowed: affinity.intersection(online),
            memoryNodes: allowedMemoryNodes(root: root),
            cpuLimit: ControlGroups.cpuLimit(root: root)
        )
    }

    private static func list(_ path: String) -> CPUSet? {
        guard let text = try? FileContents.readText(path) else { return nil }
        return try? CPUSet(parsing: text)
    }

    private static func cores(of cpus: CPUSet, system: String) -> [CPUSet] {
        var cores: [CPUSet] = []
        var seen = CPUSet()
        for cpu in cpus where !seen.contains(cpu) {
            let siblings = list(system + "/cpu/cpu\(cpu)/topology/thread_siblings_list") ?? []
            let core = siblings.union([cpu]).intersection(cpus).subtracting(seen)
            seen = seen.union(core)
            cores.append(core)
        }
        return cores
    }

    private static func allowedMemoryNodes(root: String) -> CPUSet? {
        guard let status = try? FileContents.readText(root + "/proc/self/status") else { return nil }
        let key = "Mems_allowed_list:"
        for line in status.split(separator: "\n") where line.hasPrefix(key) {
            return try? CPUSet(parsing: line.dropFirst(key.count).drop { $0 == "\t" || $0 == " " })
        }
        return nil
    }
}
