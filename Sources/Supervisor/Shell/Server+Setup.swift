import Configuration
import Glibc
import LinuxSystem
import Time
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
    /// The socket that the service manager has passed, or else one at the configured path.
    static func listener(
        _ configuration: ServerConfiguration,
        from manager: inout ServiceManager
    ) throws(SystemError) -> UnixListener {
        if let passed = try manager.takeListener() { return passed }
        return try UnixListener(path: configuration.socket, mode: configuration.socketMode)
    }

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

extension Announcement {
    /// As sd_notify(3) has it.
    func message(at now: Instant) -> String {
        switch self {
        case .ready: "READY=1"
        case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(now.nanoseconds / 1000)"
        case .stopping: "STOPPING=1"
        // A line of the message each would be another assignment.
        case .status(let sentence): "STATUS=\(printable(sentence))"
        }
    }
}
