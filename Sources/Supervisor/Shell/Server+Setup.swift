import Configuration
import Glibc
import Topology

/// An existing folder's absolute path.
func absolutePath(_ path: String, setting: String) throws(ConfigurationError) -> String {
    guard let resolved = realpath(path, nil) else {
        throw ConfigurationError("\(setting) '\(path)': \(String(cString: strerror(errno)))")
    }
    defer { free(resolved) }
    return String(cString: resolved)
}

extension Server {
    static func planSlots(_ configuration: ServerConfiguration) throws -> SlotPlan {
        let topology = try MachineTopology.current()
        let cpus = try configuration.cpus.map { try CPUSet(parsing: $0) }
        let usable = cpus.map { $0.intersection(topology.allowed) } ?? topology.allowed
        let largest = topology.nodes.map { $0.cpus.intersection(usable).count }.max() ?? 1
        let threads = configuration.threadsPerWorker
        return try Topology.planSlots(
            topology: topology,
            request: SlotRequest(
                threadsPerWorker: threads > 0 ? threads : min(4, max(1, largest)),
                reserveCPUs: configuration.reserveCPUs,
                cpus: cpus
            )
        )
    }
}
