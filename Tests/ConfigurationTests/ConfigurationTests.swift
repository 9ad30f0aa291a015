import Configuration
import Foundation
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    /// The message of the error that a model's configuration gives.
    func refusal(_ yaml: String) -> String {
        do {
            _ = try ModelConfiguration(yaml: yaml, file: "config.yaml")
            return "accepted"
        } catch {
            return error.message
        }
    }

    @Test func everyKeyOfAModelIsRead() throws {
        let model = try ModelConfiguration(
            yaml: """
                instance_group:
                  count: 4
                dynamic_batching:
                  max_queue_delay_microseconds: 500
                  preferred_batch_size: [8, 4]
                max_batch_tokens: 256
                max_queue_size: 10
                default_timeout_microseconds: 2000000
                weight: 2.5
                version_policy:
                  latest:
                    num_versions: 2
                variants: [int8, fp32]
                quality:
                  calibration_file: texts.txt
                  min_cosine: 0.95
                  min_agreement: 1
                """,
            file: "config.yaml"
        )
        #expect(model.instances == 4)
        #expect(model.policy.maxQueueDelay == .microseconds(500))
        #expect(model.policy.preferredBatchSize == 4)
        #expect(model.policy.maxBatchTokens == 256)
        #expect(model.policy.maxQueueSize == 10)
        #expect(model.policy.weight == 2.5)
        #expect(model.defaultTimeout == .seconds(2))
        #expect(model.versionPolicy == .latest(2))
        #expect(model.variants == ["int8", "fp32"])
        #expect(model.quality == QualityPolicy(calibrationFile: "texts.txt", minCosine: 0.95, minAgreement: 1))
    }

    @Test func anEmptyFileIsTheDefaults() throws {
        #expect(try ModelConfiguration(yaml: "", file: "f") == ModelConfiguration())
        #expect(try ModelConfiguration(yaml: "# nothing\n", file: "f") == ModelConfiguration())
    }

    @Test func unknownKeysAreNamedWithTheirLineAndTheNearestKey() {
        let message = refusal("max_queue_size: 3\nmax_batch_token: 7\n")
        #expect(message == "config.yaml:2: unknown key 'max_batch_token'; did you mean 'max_batch_tokens'?")
        let nested = refusal("dynamic_batching:\n  delay: 7\n")
        #expect(nested.hasPrefix("config.yaml:2: unknown key 'dynamic_batching.delay'"))
        #expect(refusal("xyzzy: 1").contains("known keys are"))
    }

    @Test func wrongValuesSayWhatIsExpected() {
        #expect(refusal("max_queue_size: many").contains("a whole number from 1 to 1000000"))
        #expect(refusal("max_queue_size: 0").contains("'0'"))
        #expect(refusal("max_queue_size: [1]").contains("[1]"))
        #expect(refusal("variants: [int4]").contains("a list of fp32, bf16, int8"))
        #expect(refusal("variants: [int8, int8]").contains("at most once"))
        #expect(refusal("quality:\n  min_cosine: 2").contains("a number from 0 to 1"))
        #expect(refusal("version_policy:\n  specific:\n    versions: [one]").contains("version numbers"))
        #expect(refusal("instance_group: 3").contains("unknown key 'instance_group'"))
    }

    /// Nobody from outside sees the metrics.
    @Test(arguments: [
        "0.0.0.0:9464", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "[::]:9464", ":9464", "unix:", "/run/m",
    ])
    func metricsAreListenedForOnThisMachineOnly(address: String) throws {
        var server = ServerConfiguration()
        try server.apply(flag: "metrics_listen", "127.0.0.1:9464")
        #expect(server.metricsListen == .loopback(port: 9464))
        try server.apply(flag: "metrics_listen", "unix:/run/m")
        #expect(server.metricsListen == .unix("/run/m"))
        #expect { try server.apply(flag: "metrics_listen", address) } throws: {
            "\($0)".contains("127.0.0.1:PORT or unix:PATH")
        }
        #expect(server.metricsListen == .unix("/run/m"))
    }

    @Test func whatIsNotYAMLIsRefusedInOneLine() {
        for text in ["a: [1", "- 1\n- 2", "just words", "max_queue_size: 1\nmax_queue_size: 2"] {
            let message = refusal(text)
            #expect(message.hasPrefix("config.yaml"), "\(text): \(message)")
            #expect(!message.contains("\n"))
        }
    }

    @Test func laterSourcesOfServerSettingsWin() throws {
        var server = ServerConfiguration()
        try server.apply(yaml: "socket: /a\nmax_in_flight: 10\nsocket_mode: 0600\n", file: "modeld.yaml")
        try server.apply(environment: ["MODELD_SOCKET": "/b", "MODELD_CONFIG": "x", "HOME": "/"])
        try server.apply(flag: "socket", "/c")
        #expect(server.socket == "/c")
        #expect(server.maxInFlight == 10)
        #expect(server.socketMode == 0o600)
        #expect(
            throws: ConfigurationError("environment variable MODELD_SOKET: unknown key 'soket'; did you mean 'socket'?")
        ) {
            try server.apply(environment: ["MODELD_SOKET": "/b"])
        }
        #expect(
            throws: ConfigurationError(
                "--max-in-flight: max_in_flight is 'x', but should be a whole number from 1 to 1000000"
            )
        ) {
            try server.apply(flag: "max_in_flight", "x")
        }
    }

    /// What Kubernetes sets for a Service called `modeld`, and for one called `modeld-gpu`, whose port has a name.
    @Test func serviceLinksAreNoSettings() throws {
        var server = ServerConfiguration()
        var environment = ["MODELD_SOCKET": "/s", "MODELD_MAX_IN_FLIGHT": "7"]
        for service in ["MODELD", "MODELD_GPU", "MODELD_SOCKET", "MODELD_PORT_80"] {
            environment["\(service)_SERVICE_HOST"] = "10.0.0.1"
            environment["\(service)_SERVICE_PORT"] = "80"
            environment["\(service)_SERVICE_PORT_HTTP_ALT"] = "80"
            environment["\(service)_PORT"] = "tcp://10.0.0.1:80"
            for protocol_ in ["TCP", "UDP", "SCTP"] {
                let port = "\(service)_PORT_80_\(protocol_)"
                environment[port] = "\(protocol_.lowercased())://10.0.0.1:80"
                environment["\(port)_PROTO"] = protocol_.lowercased()
                environment["\(port)_PORT"] = "80"
                environment["\(port)_ADDR"] = "10.0.0.1"
            }
        }
        try server.apply(environment: environment)
        #expect(server.socket == "/s")
        #expect(server.maxInFlight == 7)
    }

    @Test(arguments: [
        "MODELD_PORT", "MODELD_PORTS", "MODELD_SERVICE", "MODELD_SERVICE_HOSTS", "MODELD_PORT_80", "MODELD_PORT_X_TCP",
        "MODELD_PORT_80_TCP_NAME", "MODELD_REPORT",
    ])
    func whatOnlyLooksLikeAServiceLinkIsAMistake(name: String) {
        var server = ServerConfiguration()
        let error = #expect(throws: ConfigurationError.self) { try server.apply(environment: [name: "8080"]) }
        #expect(error?.message.contains("environment variable \(name): unknown key") == true)
    }

    @Test func theStallTimeoutIsOffOrLongerThanTheWorkersSilence() throws {
        var server = ServerConfiguration()
        #expect(server.stallTimeout == .seconds(10))
        let limits: [String: Duration?] = ["0": nil, "300000": .milliseconds(300), "60000000": .seconds(60)]
        for (text, limit) in limits {
            try server.apply(flag: "stall_timeout_microseconds", text)
            #expect(server.stallTimeout == limit)
        }
        for text in ["1", "299999", "-1", "10s"] {
            #expect(throws: ConfigurationError.self) { try server.apply(flag: "stall_timeout_microseconds", text) }
        }
    }

    @Test func usersHaveIdsOrNames() throws {
        var server = ServerConfiguration()
        try server.apply(yaml: "operators: [root, 1000]\ngateways: 33\n", file: "modeld.yaml")
        #expect(server.operators == [0, 1000] && server.gateways == [33])
        try server.apply(environment: ["MODELD_OPERATORS": "1001, root"])
        #expect(server.operators == [1001, 0])
        for text in ["nobody-has-this-name", "-1", "4294967296", "0, x y"] {
            let error = #expect(throws: ConfigurationError.self) { try server.apply(flag: "gateways", text) }
            #expect(error?.message.contains("user ids, or names of users that this machine knows") == true)
        }
        #expect(server.gateways == [33])
        try server.apply(flag: "operators", "")
        #expect(server.operators == [])
    }

    /// What `--print-config` prints sets what it says, and names where each value came from.
    @Test func aPageOfSettingsIsAFileOfThem() throws {
        var server = ServerConfiguration()
        try server.apply(yaml: "max_in_flight: 7\nsocket: /x\nallow_other_users: yes\n", file: "modeld.yaml")
        try server.apply(environment: ["MODELD_SOCKET": "/a b: it's #1", "MODELD_CPUS": "0-3,8"])
        try server.apply(flag: "stall_timeout_microseconds", "300000")
        let page = "\(server)".split(separator: "\n").map(String.init)
        for line in [
            "max_in_flight: 7  # modeld.yaml:1", "socket: '/a b: it''s #1'  # environment variable MODELD_SOCKET",
            "stall_timeout_microseconds: 300000  # --stall-timeout-microseconds", "max_connections: 1024  # default",
            "socket_mode: 0660  # default", "# cache_dir:  # default", "# quality.min_cosine: 0.99  # default",
        ] {
            #expect(page.contains(line), "\(line)")
        }
        var again = ServerConfiguration()
        try again.apply(yaml: "\(server)", file: "page")
        let values = "\(again)".split(separator: "\n").map { $0.split(separator: "  # ")[0] }
        #expect(values == page.map { $0.split(separator: "  # ")[0] })
        #expect(page.count == 2 * (ServerConfiguration.settings.count + ModelConfiguration.settings.count) + 1)
        // Each key of a model's can be taken out of its comment.
        let defaults = page.compactMap { line -> Substring? in
            let isSet = ModelConfiguration.settings.contains { line.hasPrefix("# \($0.key): ") }
            return isSet && !line.contains(":  #") ? line.dropFirst(2) : nil
        }
        let model = try ModelConfiguration(yaml: defaults.joined(separator: "\n"), file: "page")
        #expect(model.policy == QueuePolicy() && model.variants == ["fp32"] && model.versionPolicy == .all)
        #expect(defaults.count == ModelConfiguration.settings.count - 4)
    }

    @Test func whatMayChangeWhileTheServerRunsIsTaken() throws {
        var running = ServerConfiguration()
        try running.apply(yaml: "socket: /a\nmax_in_flight: 7\ncpus: 0-3\n", file: "old")
        var new = ServerConfiguration()
        try new.apply(yaml: "socket: /b\nmax_connections: 3\nmax_frame_bytes: 4096\n", file: "new")
        #expect(running.adopt(new) == ["socket", "max_frame_bytes"])
        #expect(running.socket == "/a" && running.maxFrameBytes == ServerConfiguration().maxFrameBytes)
        #expect(running.maxInFlight == ServerConfiguration().maxInFlight && running.cpus == nil)
        #expect(running.maxConnections == 3)
        #expect(running.origins == ["socket": "old:1", "max_connections": "new:2"])
    }

    @Test func packsGoWhereTheUserKeepsCaches() {
        let server = ServerConfiguration()
        #expect(server.cacheDirectory(environment: ["XDG_CACHE_HOME": "/x"], isRoot: true) == "/x/distillery")
        #expect(server.cacheDirectory(environment: ["HOME": "/h"], isRoot: true) == "/var/cache/distillery")
        #expect(server.cacheDirectory(environment: ["HOME": "/h"], isRoot: false) == "/h/.cache/distillery")
    }

    @Test func row24AConfigurationThatIsAPipeIsNotWaitedFor() throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("m/1")
        #expect(mkfifo(folder("m/config.yaml"), 0o600) == 0)
        let error = #expect(throws: ConfigurationError.self) { _ = try ModelRepository(root: folder.path).model("m") }
        #expect(error?.message.hasPrefix("\(folder("m/config.yaml")): ") == true)
        #expect(error?.message.contains("It should be a regular file") == true)
    }

    @Test func whatIsSkippedIsNamedWithItsReason() throws {
        let folder = try TemporaryFolder()
        func write(_ path: String) throws { try folder.write("r/\(path)", "x") }
        let long = String(repeating: "x", count: 129)
        for name in ["my model", "modèle", "bert@prod", "a:b", "-m", long] { try write("\(name)/1/config.json") }
        for path in ["empty one/notes", "new\nline/1/x", ".git/HEAD", "README.md", "m/1/x", "m/v2/x", "m/0/x"] {
            try write(path)
        }
        for path in ["m/3", "m/config.yml", "m/notes.txt", "m/.hidden", "m/texts.txt"] { try write(path) }
        try folder.write("r/m/config.yaml", "quality: {calibration_file: texts.txt}")
        for (link, target) in [("r/gone", "nowhere"), ("r/m/4", "nowhere"), ("r/m/5", "1"), ("r/linked", "m")] {
            try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/\(link)", withDestinationPath: target)
        }
        let repository = ModelRepository(root: "\(folder.path)/r")
        // Folders with versions in them are models that somebody misnamed, and have a place in the status.
        let misnamed = ["-m", "a:b", "bert@prod", "modèle", "my model", long]
        #expect(try Set(repository.names()) == Set(["m", "linked"] + misnamed))
        for name in misnamed {
            let error = #expect(throws: ConfigurationError.self) { try repository.model(name) }
            #expect(error?.message.contains("/\(name): the name of the folder cannot be a model's") == true)
        }
        let skipped = repository.skipped().filter { !$0.path.contains("/linked/") }
        let reasons = Dictionary(
            uniqueKeysWithValues: skipped.map { ($0.path.dropFirst(folder.path.utf8.count + 3), $0) }
        )
        let suspicious = [
            "empty one": "the name of the folder", "new\u{fffd}line": "the name of the folder",
            "gone": "a link to nothing", "m/v2": "a whole number from 1", "m/0": "a whole number from 1",
            "m/3": "a version is a folder", "m/4": "a link to nothing", "m/config.yml": "only config.yaml",
        ]
        let harmless = ["README.md": "a model is a folder", "m/notes.txt": "only config.yaml"]
        #expect(Set(reasons.keys.map(String.init)) == Set(suspicious.keys).union(harmless.keys))
        for (path, words) in suspicious.merging(harmless, uniquingKeysWith: { first, _ in first }) {
            #expect(reasons[path[...]]?.reason.contains(words) == true, "\(path)")
            #expect(reasons[path[...]]?.isSuspicious == (harmless[path] == nil), "\(path)")
        }
    }

    @Test func theRepositoryIsReadByItsNames() throws {
        let root = NSTemporaryDirectory() + "repository-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for path in ["a/1", "a/10", "a/2", "a/01", "a/latest", "b/1", ".hidden/1", "empty"] {
            try FileManager.default.createDirectory(atPath: "\(root)/\(path)", withIntermediateDirectories: true)
        }
        try Data("x".utf8).write(to: URL(fileURLWithPath: "\(root)/file"))
        try Data("version_policy: {latest: {num_versions: 2}}".utf8).write(
            to: URL(fileURLWithPath: "\(root)/a/config.yaml")
        )
        let repository = ModelRepository(root: root)
        #expect(try repository.names() == ["a", "b", "empty"])
        #expect(try repository.model("a")?.folders.map(\.version) == [2, 10])
        #expect(try repository.model("b")?.folders.map(\.path) == ["\(root)/b/1"])
        #expect(try repository.model("nope") == nil)
        #expect(try repository.model("../a") == nil)
        let skipped = Dictionary(uniqueKeysWithValues: repository.skipped().map { ($0.path.dropFirst(root.count), $0) })
        #expect(Set(skipped.keys) == ["/a/01", "/a/latest", "/file"])
        #expect(skipped["/file"]?.isSuspicious == false)
        #expect(skipped["/a/01"]?.reason.contains("without zeros") == true)
        #expect(throws: ConfigurationError.self) { try repository.model("empty") }
        #expect(throws: ConfigurationError.self) { try ModelRepository(root: root + "/nope").names() }
    }
}
