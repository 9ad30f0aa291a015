import Foundation
import Supervisor
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
        #expect(model.policy.maxQueueDelay == 500_000)
        #expect(model.policy.preferredBatchSize == 4)
        #expect(model.policy.maxBatchTokens == 256)
        #expect(model.policy.maxQueueSize == 10)
        #expect(model.policy.weight == 2.5)
        #expect(model.defaultTimeout == 2_000_000_000)
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

    @Test func packsGoWhereTheUserKeepsCaches() {
        let server = ServerConfiguration()
        #expect(server.cacheDirectory(environment: ["XDG_CACHE_HOME": "/x"], isRoot: true) == "/x/distillery")
        #expect(server.cacheDirectory(environment: ["HOME": "/h"], isRoot: true) == "/var/cache/distillery")
        #expect(server.cacheDirectory(environment: ["HOME": "/h"], isRoot: false) == "/h/.cache/distillery")
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
        #expect(throws: ConfigurationError.self) { try repository.model("empty") }
        #expect(throws: ConfigurationError.self) { try ModelRepository(root: root + "/nope").names() }
    }
}
