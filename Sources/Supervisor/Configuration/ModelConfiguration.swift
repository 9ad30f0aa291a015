/// Which versions of a model are served.
package enum VersionPolicy: Equatable, Sendable {
    /// The highest so many.
    case latest(Int)
    case all
    case specific([UInt64])

    /// The versions to serve of those that there are, ascending.
    package func select(from versions: [UInt64]) -> [UInt64] {
        switch self {
        case .latest(let count): Array(versions.sorted().suffix(count))
        case .all: versions.sorted()
        case .specific(let wanted): versions.filter(wanted.contains).sorted()
        }
    }
}

/// A model's `config.yaml`. Every key has a default, so the file may be absent.
package struct ModelConfiguration: Equatable, Sendable {
    package var policy = QueuePolicy()
    /// Workers of the model; 0: one on each slot.
    package var instances = 0
    /// For requests without a timeout of their own, in nanoseconds; 0: none.
    package var defaultTimeout: Int64 = 30_000_000_000
    package var versionPolicy = VersionPolicy.all
    package var variants = ["fp32"]

    package init() {}

    static let table = SettingTable<ModelConfiguration>(settings: [
        .integer("instance_group.count", 0...1024, \.instances),
        .microseconds("dynamic_batching.max_queue_delay_microseconds", \.policy.maxQueueDelay),
        Setting(key: "dynamic_batching.preferred_batch_size") { model, value in
            let sizes = value.words.compactMap { Int($0) }
            guard let least = sizes.min(), least > 0, sizes.count == value.words.count else {
                return "a number of requests from 1, or a list of them"
            }
            model.policy.preferredBatchSize = least
            return nil
        },
        .integer("max_batch_tokens", 1...65_536, \.policy.maxBatchTokens),
        .integer("max_queue_size", 1...1_000_000, \.policy.maxQueueSize),
        .microseconds("default_timeout_microseconds", \.defaultTimeout),
        Setting(key: "weight") { model, value in
            guard case .scalar(let text) = value, let weight = Double(text), (0.001...1000).contains(weight) else {
                return "a number from 0.001 to 1000"
            }
            model.policy.weight = weight
            return nil
        },
        Setting(key: "version_policy.latest.num_versions") { model, value in
            guard case .scalar(let text) = value, let count = Int(text), count > 0 else { return "a number from 1" }
            model.versionPolicy = .latest(count)
            return nil
        },
        Setting(key: "version_policy.all") { model, value in
            guard value == .scalar("") || value == .scalar("true") else { return "{}" }
            model.versionPolicy = .all
            return nil
        },
        Setting(key: "version_policy.specific.versions") { model, value in
            let versions = value.words.compactMap { UInt64($0) }
            guard !versions.isEmpty, versions.count == value.words.count else { return "a list of version numbers" }
            model.versionPolicy = .specific(versions)
            return nil
        },
        Setting(key: "variants") { model, value in
            guard value.words == ["fp32"] else { return "[fp32], the only variant of this release" }
            model.variants = value.words
            return nil
        },
    ])

    /// Reads a `config.yaml`. `file` is its path, for messages.
    package init(yaml text: String, file: String) throws(ConfigurationError) {
        self.init()
        try Self.table.apply(yaml: text, file: file, to: &self)
    }
}
