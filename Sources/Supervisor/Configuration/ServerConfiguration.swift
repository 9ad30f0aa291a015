import LinuxSystem

/// The server's settings: defaults, then a YAML file, then `MODELD_…` variables, then flags, all by one table of keys.
package struct ServerConfiguration: Equatable, Sendable {
    package var modelRepository = ""
    package var socket = ""
    package var cacheDirectory: String?
    /// Packs that nothing serves from are removed while the cache has more bytes; 0: none are.
    package var cacheMaxBytes = 0
    /// The worker program; nil: `modelworker` beside `modeld`.
    package var workerExecutable: String?
    /// CPUs of a slot; 0: as many as a node has, but at most 4.
    package var threadsPerWorker = 0
    /// A CPU list that restricts the slots; nil: all that the process may use.
    package var cpus: String?
    /// How many CPUs are left to others.
    package var reserveCPUs = 0
    /// Of a client's frame. Workers' channels take no larger ones.
    package var maxFrameBytes = 16 << 20
    /// Unanswered requests on one connection.
    package var maxInFlight = 4096
    package var maxConnections = 1024
    /// Bytes that wait for a client which does not read, before it is disconnected.
    package var maxOutputBytes = 64 << 20
    /// Payload bytes of all unanswered requests together.
    package var maxPendingBytes = 256 << 20
    /// Whether processes of other users (but root) may call. The socket's directory guards it too.
    package var allowOtherUsers = false
    package var drainTimeout: Int64 = 30_000_000_000
    package var loadTimeout: Int64 = 60_000_000_000
    /// How long a worker that has something to do may give no sign of progress before it is killed, in nanoseconds; 0: for
    /// ever, for a debugger. Workers give one every tenth of a second, and 300 ms is the least that is taken.
    package var stallTimeout: Int64 = 10_000_000_000
    /// Permissions of the socket, octal.
    package var socketMode: UInt32 = 0o660
    package var logLevel = "info"

    package init() {}

    static let table = SettingTable<ServerConfiguration>(settings: [
        .text("model_repository", \.modelRepository),
        .text("socket", \.socket),
        .optionalText("cache_dir", \.cacheDirectory),
        .integer("cache_max_bytes", 0...Int.max, \.cacheMaxBytes),
        .optionalText("worker_executable", \.workerExecutable),
        .integer("threads_per_worker", 0...1024, \.threadsPerWorker),
        .optionalText("cpus", \.cpus),
        .integer("reserve_cpus", 0...4096, \.reserveCPUs),
        .integer("max_frame_bytes", 4096...(16 << 20), \.maxFrameBytes),
        .integer("max_in_flight", 1...1_000_000, \.maxInFlight),
        .integer("max_connections", 1...100_000, \.maxConnections),
        .integer("max_output_bytes", 65_536...(1 << 32), \.maxOutputBytes),
        .integer("max_pending_bytes", 65_536...(1 << 40), \.maxPendingBytes),
        .flag("allow_other_users", \.allowOtherUsers),
        .microseconds("drain_timeout_microseconds", \.drainTimeout),
        .microseconds("load_timeout_microseconds", \.loadTimeout),
        .value("stall_timeout_microseconds", \.stallTimeout, "0, or microseconds from 300000 to 86400000000") { text in
            Int64(text).flatMap { $0 == 0 || (300_000...86_400_000_000).contains($0) ? $0 * 1000 : nil }
        },
        .value("socket_mode", \.socketMode, "octal permissions such as 0660") { text in
            UInt32(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
        },
        .value("log_level", \.logLevel, "one of \(levels.joined(separator: ", "))") { levels.contains($0) ? $0 : nil },
    ])

    private static let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]

    /// The keys of the table, for flags and documentation.
    package static var keys: [String] { table.keys }

    package mutating func apply(yaml text: String, file: String) throws(ConfigurationError) {
        try Self.table.apply(yaml: text, file: file, to: &self)
    }

    /// Applies a YAML file.
    package mutating func apply(file: String) throws(ConfigurationError) {
        let text: String
        do {
            text = try FileContents.readText(file, limit: 1 << 20)
        } catch {
            throw ConfigurationError("configuration file: \(error)")
        }
        try apply(yaml: text, file: file)
    }

    /// Applies `MODELD_…` variables. `MODELD_CONFIG` names the file and is not a key; service links are not settings either.
    package mutating func apply(environment: [String: String]) throws(ConfigurationError) {
        let prefix = "MODELD_"
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) {
            guard name != "MODELD_CONFIG" else { continue }
            let key = name.dropFirst(prefix.count).lowercased()
            if isServiceLink(name.dropFirst(prefix.count), value), !Self.keys.contains(key) { continue }
            try Self.table.apply(key, .scalar(value), to: &self, place: "environment variable \(name)")
        }
    }

    /// Applies one flag, named by its key.
    package mutating func apply(flag key: String, _ value: String) throws(ConfigurationError) {
        let name = String(key.map { $0 == "_" ? "-" : $0 })
        try Self.table.apply(key, .scalar(value), to: &self, place: "--\(name)")
    }

    /// Where packs are kept: as configured, else below `XDG_CACHE_HOME`, else `/var/cache` for root, else `~/.cache`.
    package func cacheDirectory(environment: [String: String], isRoot: Bool) -> String {
        if let cacheDirectory { return cacheDirectory }
        if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") { return base + "/distillery" }
        if isRoot { return "/var/cache/distillery" }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/distillery" }
        return "/tmp/distillery-cache"
    }
}
