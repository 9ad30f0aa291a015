/// Which versions of a model are served.
package enum VersionPolicy: Equatable, Sendable {
    /// The highest versions, this number of them.
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

/// What a variant of less precision than fp32 has to keep, measured when it is packed. Below it, it is not served.
package struct QualityPolicy: Equatable, Sendable {
    /// Texts to measure on, one per line; relative to the model's folder. Nil: those that are built in.
    package var calibrationFile: String?
    /// The least mean cosine between the embeddings of the variant and of fp32.
    package var minCosine: Double
    /// The least share of predictions that stay the same, for models with a head.
    package var minAgreement: Double

    package init(calibrationFile: String? = nil, minCosine: Double = 0.99, minAgreement: Double = 0.98) {
        self.calibrationFile = calibrationFile
        self.minCosine = minCosine
        self.minAgreement = minAgreement
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
    /// The precisions to serve. The first one answers references that name none.
    package var variants = ["fp32"]
    package var quality = QualityPolicy()

    package init() {}

    package static let knownVariants = ["fp32", "bf16", "int8"]

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
        .value("weight", \.policy.weight, "a number from 0.001 to 1000") { text in
            Double(text).flatMap { (0.001...1000).contains($0) ? $0 : nil }
        },
        .value("version_policy.latest.num_versions", \.versionPolicy, "a number from 1") { text in
            Int(text).flatMap { $0 > 0 ? .latest($0) : nil }
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
            let words = value.words
            guard !words.isEmpty, words.allSatisfy(knownVariants.contains), Set(words).count == words.count else {
                return "a list of \(knownVariants.joined(separator: ", ")), each at most once"
            }
            model.variants = words
            return nil
        },
        .optionalText("quality.calibration_file", \.quality.calibrationFile),
        .fraction("quality.min_cosine", \.quality.minCosine),
        .fraction("quality.min_agreement", \.quality.minAgreement),
    ])

    /// Reads a `config.yaml`. `file` is its path, for messages.
    package init(yaml text: String, file: String) throws(ConfigurationError) {
        self.init()
        try Self.table.apply(yaml: text, file: file, to: &self)
    }
}
