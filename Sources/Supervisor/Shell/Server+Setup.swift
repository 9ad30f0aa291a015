import Glibc
import LinuxSystem
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
    /// `modelworker` beside the running program.
    static func workerBesideSupervisor() throws -> String {
        let own = try ProcessSelf.executablePath()
        let folder = own.lastIndex(of: "/").map { String(own[...$0]) } ?? "./"
        let path = folder + "modelworker"
        guard access(path, X_OK) == 0 else {
            throw ConfigurationError("there is no worker program \(path); name it with --worker-executable")
        }
        return path
    }

    /// The whole environment of a worker. Swift's own crash reports are off unless asked for: they print memory, which may
    /// hold users' text, and they take seconds in which the dead worker cannot be replaced.
    static func workerEnvironment(from environment: [String: String]) -> [String: String] {
        var result = [
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "SWIFT_BACKTRACE": "enable=no",
        ]
        let passed = [
            "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS", "SWIFT_BACKTRACE",
        ]
        for (name, value) in environment where name.hasPrefix("DISTILLERY_") || passed.contains(name) {
            result[name] = value
        }
        return result
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
