package import LinuxSystem

/// Where the weights of a model lie on a machine with several NUMA nodes.
package enum NUMAPolicy: String, Equatable, Sendable, CaseIterable {
    /// On each node whose slots have workers, when there are several and all have room; else as `shared`.
    case auto
    /// Once, in the page cache, on whatever node it was that first read the pack.
    case shared
    /// On each node whose slots have workers, even if it is one.
    case replicate
}

/// Which models of the repository are loaded.
package enum ModelControl: String, Equatable, Sendable, CaseIterable {
    /// All but those that the operator unloads.
    case all
    /// Those that the operator loads.
    case explicit
}

/// The server's settings: defaults, then a YAML file, then `MODELD_…` variables, then flags. The table says what each is.
package struct ServerConfiguration: Configured, Equatable, CustomStringConvertible {
    package var modelRepository = ""
    package var modelControl = ModelControl.all
    package var socket = ""
    package var cacheDirectory: String?
    package var cacheMaxBytes = 0
    package var workerExecutable: String?
    package var workerSandbox = Sandbox.Mode.enforce
    package var threadsPerWorker = 0
    package var cpus: String?
    package var reserveCPUs = 0
    package var numa = NUMAPolicy.auto
    package var isNUMAStrict = false
    package var maxFrameBytes = 16 << 20
    package var maxInFlight = 4096
    package var maxConnections = 1024
    package var maxOutputBytes = 64 << 20
    package var memoryBudget = 256 << 20
    package var allowOtherUsers = false
    package var operators: [UInt32] = []
    package var gateways: [UInt32] = []
    package var drainTimeout = Duration.seconds(30)
    package var loadTimeout = Duration.seconds(60)
    package var stallTimeout: Duration? = .seconds(10)
    package var slowRequest: Duration? = .seconds(10)
    package var quarantine: Duration? = .seconds(600)
    package var socketMode: UInt32 = 0o660
    package var metricsListen: MetricsAddress?
    package var logLevel = "info"
    package var logFile: String?
    package var origins: [String: String] = [:]

    package init() {}

    package static let settings: [Setting<ServerConfiguration>] = [
        Setting("model_repository", .restart, \.modelRepository, .text)
            .about("The folder that holds <model>/<version>/ folders."),
        Setting("model_control", .restart, \.modelControl, modelControl)
            .about("all: every model is loaded; explicit: those that 'modelctl load' asks for."),
        Setting("socket", .restart, \.socket, .text)
            .about("The path of the Unix socket."),
        Setting("socket_mode", .restart, \.socketMode, octal)
            .about("Permissions of the socket. Its folder guards it, too."),
        Setting("allow_other_users", .hot, \.allowOtherUsers, .flag)
            .about(
                "Whether users besides the server's, root, operators and gateways may ask models, and for the status."
            ),
        Setting("operators", .hot, \.operators, .users)
            .about("Users, ids or names, who may also reload and the like, as the server's own and root always may."),
        Setting("gateways", .hot, \.gateways, .users)
            .about("Users who ask for others: each tenant that a request of theirs names has the share of a user."),
        Setting("cache_dir", .restart, \.cacheDirectory, .optionalText)
            .about("Where packed weights are kept; else below XDG_CACHE_HOME, /var/cache or ~/.cache."),
        Setting("cache_max_bytes", .hot, \.cacheMaxBytes, .integer(0...Int.max))
            .about("Packs that nothing serves from are removed while the cache has more bytes; 0: none are."),
        Setting("worker_executable", .restart, \.workerExecutable, .optionalText)
            .about("The worker program; else modelworker beside modeld."),
        Setting("worker_sandbox", .newGeneration, \.workerSandbox, sandbox)
            .about(
                "enforce: workers can open, start and reach nothing; log: the kernel's log has what they would not; off."
            ),
        Setting("threads_per_worker", .newGeneration, \.threadsPerWorker, .integer(0...1024))
            .about("CPUs of a slot; 0: as many as a NUMA node has, but at most 4."),
        Setting("cpus", .newGeneration, \.cpus, .optionalText)
            .about("The CPUs to use, such as 0-3,8; else all that the process may use."),
        Setting("reserve_cpus", .newGeneration, \.reserveCPUs, .integer(0...4096))
            .about("How many CPUs are left to others."),
        Setting("numa", .newGeneration, \.numa, numaPolicy)
            .about("auto: of several NUMA nodes with workers each gets a copy of the weights; replicate; shared."),
        Setting("numa_strict", .newGeneration, \.isNUMAStrict, .flag)
            .about("Whether a model is not loaded, or a worker fails, rather than use another node's memory."),
        Setting("max_frame_bytes", .restart, \.maxFrameBytes, .integer(4096...(16 << 20)))
            .about("Of a client's largest frame."),
        Setting("max_in_flight", .hot, \.maxInFlight, .integer(1...1_000_000))
            .about("Unanswered requests on one connection."),
        Setting("max_connections", .hot, \.maxConnections, .integer(1...100_000))
            .about("Clients at a time."),
        Setting("max_output_bytes", .hot, \.maxOutputBytes, .integer(65_536...(1 << 32)))
            .about("Bytes that wait for a client which does not read, before it is disconnected."),
        Setting("memory_budget", .hot, \.memoryBudget, .integer((1 << 20)...(1 << 40)))
            .about("Bytes of all requests and answers on their way; at least five of the largest frames."),
        Setting("drain_timeout_microseconds", .newGeneration, \.drainTimeout, .microseconds)
            .about("How long what was accepted may take when the server ends, or a model or worker leaves."),
        Setting("load_timeout_microseconds", .newGeneration, \.loadTimeout, .microseconds)
            .about("How long a worker that loads may give no sign of progress before it is killed."),
        // Workers give a sign every tenth of a second.
        Setting("stall_timeout_microseconds", .hot, \.stallTimeout, .noneOrMicroseconds(from: 300_000))
            .about("The same of one that has requests; 0: for ever, for a debugger."),
        Setting("slow_request_microseconds", .hot, \.slowRequest, .microsecondsOrNone)
            .about("A request that takes longer is named in the log; 0: none is."),
        Setting("quarantine_microseconds", .hot, \.quarantine, .microsecondsOrNone)
            .about("How long a request that has ended two workers is refused when it comes again; 0: it is not."),
        Setting("metrics_listen", .restart, \.metricsListen, metricsAddress)
            .about("Where GET /metrics is answered, for this machine only: 127.0.0.1:PORT or unix:PATH; else nowhere."),
        Setting("log_level", .hot, \.logLevel, level)
            .about("What is not in the log: whatever is less urgent."),
        Setting("log_file", .restart, \.logFile, .optionalText)
            .about(
                "Where the server's log goes, to be opened anew by SIGUSR1; else, as that of workers, standard error."
            ),
    ]

    private static let octal = Notation<UInt32>.word(
        "octal permissions such as 0660",
        show: { "0" + String($0, radix: 8) },
        parse: { text in UInt32(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil } }
    )

    private static let numaPolicy = Notation<NUMAPolicy>.word(
        "auto, shared or replicate",
        show: { $0.rawValue },
        parse: { NUMAPolicy(rawValue: $0) }
    )

    private static let sandbox = Notation<Sandbox.Mode>.word(
        "enforce, log or off",
        show: { $0.rawValue },
        parse: { Sandbox.Mode(rawValue: $0) }
    )

    private static let modelControl = Notation<ModelControl>.word(
        "all or explicit",
        show: { $0.rawValue },
        parse: { ModelControl(rawValue: $0) }
    )

    private static let metricsAddress = Notation<MetricsAddress?>.word(
        "127.0.0.1:PORT or unix:PATH",
        show: { $0.map { "\($0)" } },
        parse: { text in MetricsAddress(text).map { .some($0) } }
    )

    private static let level: Notation<String> = {
        let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
        return .word("one of \(levels.joined(separator: ", "))") { levels.contains($0) ? $0 : nil }
    }()

    /// What `modeld --print-config` prints: this configuration as a YAML file, and the keys of a model's with their defaults.
    package var description: String {
        let models = ModelConfiguration().page.map { $0.hasPrefix("#") ? $0 : "# " + $0 }
        let title = ["", "# A model's config.yaml, beside its versions, may have these, here with their defaults."]
        return (page + title + models).joined(separator: "\n")
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
        var problems = ConfigurationProblems()
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) {
            guard name != "MODELD_CONFIG" else { continue }
            let key = name.dropFirst(prefix.count).lowercased()
            if isServiceLink(name.dropFirst(prefix.count), value), !Self.settings.contains(where: { $0.key == key }) {
                continue
            }
            problems.attempt { () throws(ConfigurationError) in
                try apply(key, .scalar(value), place: "environment variable \(name)")
            }
        }
        try problems.check()
    }

    /// Applies one flag, named by its key.
    package mutating func apply(flag key: String, _ value: String) throws(ConfigurationError) {
        let name = String(key.map { $0 == "_" ? "-" : $0 })
        try apply(key, .scalar(value), place: "--\(name)")
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
