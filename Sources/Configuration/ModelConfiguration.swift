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

/// What a model's configuration says about its queue and its batches.
package struct QueuePolicy: Equatable, Sendable {
    /// Requests that may wait (not yet computing); one more is refused.
    package var maxQueueSize = 1000
    /// Tokens after which a batch takes no further request. A longer request is computed alone, in steps.
    package var maxBatchTokens = 512
    /// How long an idle slot waits for a batch to fill.
    package var maxQueueDelay = Duration.zero
    /// Requests with which a waiting batch starts before `maxQueueDelay` is over; 0: only the tokens count.
    package var preferredBatchSize = 0
    /// This model's share of a slot, relative to the other models' on the same slot.
    package var weight = 1.0

    package init() {}
}

/// A model's `config.yaml`. Every key has a default, so the file may be absent.
package struct ModelConfiguration: Configured, Equatable {
    package var policy = QueuePolicy()
    /// The most that one request may make, with all its windows, labels and choices.
    package var maxRequestTokens = 1 << 20
    package var maxRequestSequences = 16_384
    package var instances = 0
    package var defaultTimeout: Duration? = .seconds(30)
    package var versionPolicy = VersionPolicy.all
    package var variants = ["fp32"]
    package var quality = QualityPolicy()
    package var origins: [String: String] = [:]

    package init() {}

    /// Reads a `config.yaml`. `file` is its path, for messages.
    package init(yaml text: String, file: String) throws(ConfigurationError) {
        self.init()
        try apply(yaml: text, file: file)
    }

    package static let knownVariants = ["fp32", "bf16", "int8"]

    package static let settings: [Setting<ModelConfiguration>] = [
        Setting("version_policy.all", .newGeneration, \.versionPolicy, allVersions)
            .about("All versions are served."),
        Setting("version_policy.latest.num_versions", .newGeneration, \.versionPolicy, latestVersions)
            .about("The highest versions are, this many."),
        Setting("version_policy.specific.versions", .newGeneration, \.versionPolicy, specificVersions)
            .about("These versions are."),
        Setting("variants", .newGeneration, \.variants, variantList)
            .about("The precisions to serve. References that name none mean the first."),
        Setting("instance_group.count", .newGeneration, \.instances, .integer(0...1024))
            .about("Workers of each variant; 0: one on each slot."),
        Setting("max_queue_size", .newGeneration, \.policy.maxQueueSize, .integer(1...1_000_000))
            .about("Requests that may wait, not yet computing; one more is refused. Clients have equal shares."),
        Setting("max_batch_tokens", .newGeneration, \.policy.maxBatchTokens, .integer(1...65_536))
            .about("Tokens after which a batch takes no further request. A longer one is computed alone, in steps."),
        Setting("max_request_tokens", .newGeneration, \.maxRequestTokens, .integer(1...1_000_000_000))
            .about("The most tokens that one request may make, in all its windows and with all its labels or choices."),
        Setting("max_request_sequences", .newGeneration, \.maxRequestSequences, .integer(1...1_000_000))
            .about("The most sequences that it may make: of each text one per label or choice, or one per window."),
        Setting("dynamic_batching.max_queue_delay_microseconds", .newGeneration, \.policy.maxQueueDelay, .microseconds)
            .about("How long an idle slot waits for a batch to fill."),
        Setting("dynamic_batching.preferred_batch_size", .newGeneration, \.policy.preferredBatchSize, leastOfSizes)
            .about("Requests with which it starts before that; else only the tokens count."),
        Setting("default_timeout_microseconds", .newGeneration, \.defaultTimeout, .microsecondsOrNone)
            .about("For requests without a timeout of their own; 0: none."),
        Setting("weight", .newGeneration, \.policy.weight, .number(0.001...1000))
            .about("The model's share of a slot, relative to the other models' on the same slot."),
        Setting("quality.calibration_file", .newGeneration, \.quality.calibrationFile, .optionalText)
            .about(
                "Texts to measure a variant on, one per line, relative to the model's folder; else some are built in."
            ),
        Setting("quality.min_cosine", .newGeneration, \.quality.minCosine, .number(0...1))
            .about("The least mean cosine between the embeddings of the variant and of fp32."),
        Setting("quality.min_agreement", .newGeneration, \.quality.minAgreement, .number(0...1))
            .about("The least share of predictions that stay the same, for models with a head."),
    ]

    private static let allVersions = Notation<VersionPolicy>(expected: "{}", show: { $0 == .all ? "{}" : nil }) {
        value in
        value == .scalar("") || value == .scalar("true") ? .all : nil
    }

    private static let latestVersions = Notation<VersionPolicy>.word(
        "a number from 1",
        show: { if case .latest(let count) = $0 { "\(count)" } else { nil } },
        parse: { word in Int(word).flatMap { $0 > 0 ? .latest($0) : nil } }
    )

    private static let specificVersions = Notation<VersionPolicy>(
        expected: "a list of version numbers",
        show: { if case .specific(let versions) = $0 { "\(versions)" } else { nil } },
        parse: { value in numbers(value) { UInt64($0) }.map { .specific($0) } }
    )

    private static let variantList = Notation<[String]>(
        expected: "a list of \(knownVariants.joined(separator: ", ")), each at most once",
        show: { "[\($0.joined(separator: ", "))]" }
    ) { value in
        let isFit = value.words.allSatisfy(knownVariants.contains) && !value.words.isEmpty
        return isFit && Set(value.words).count == value.words.count ? value.words : nil
    }

    private static let leastOfSizes = Notation<Int>(
        expected: "a number of requests from 1, or a list of them",
        show: { $0 > 0 ? "\($0)" : nil },
        parse: { value in numbers(value) { Int($0) }?.min().flatMap { $0 > 0 ? $0 : nil } }
    )

    /// The numbers of a list, unless some of it is none, or there is none.
    private static func numbers<Number>(_ value: SettingValue, _ parse: (String) -> Number?) -> [Number]? {
        let numbers = value.words.compactMap(parse)
        return numbers.isEmpty || numbers.count != value.words.count ? nil : numbers
    }
}
