/// What one way of making a model gives: the models that its seeds made, evaluated on the same examples in the same
/// order.
package struct SystemResult: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case teacher
        case student
        case undistilled = "student without distillation"
        case reducedPrecision = "student in fewer bits"
        case frozenEncoder = "frozen encoder and a head"
        case linear = "tf-idf and a linear model"
    }

    /// One model of it.
    package struct Run: Sendable {
        package let seed: UInt64?
        /// What `ServedModel.contents` says of its folder; nil of what is no model folder.
        package let contents: String?
        package let metrics: Metrics
        /// By the metrics' names; the one that the report is about among them.
        package let statistics: [(name: String, statistic: Statistic)]

        package init(
            seed: UInt64?,
            contents: String?,
            metrics: Metrics,
            statistics: [(name: String, statistic: Statistic)]
        ) {
            self.seed = seed
            self.contents = contents
            self.metrics = metrics
            self.statistics = statistics
        }

        package init(seed: UInt64?, contents: String?, _ evaluation: Evaluation) {
            self.init(
                seed: seed,
                contents: contents,
                metrics: evaluation.metrics,
                statistics: evaluation.statistics
            )
        }

        func statistic(_ name: String) -> Statistic? { statistics.first { $0.name == name }?.statistic }
    }

    /// What it does where no label fits; see `Abstention`.
    package struct OutOfScope: Sendable, Equatable {
        /// On the test set, with the threshold that held-out texts chose.
        package let outcome: Abstention.Outcome
        package let areaUnderCurve: Double
        package let curve: [Abstention.Outcome]

        package init(outcome: Abstention.Outcome, areaUnderCurve: Double, curve: [Abstention.Outcome]) {
            self.outcome = outcome
            self.areaUnderCurve = areaUnderCurve
            self.curve = curve
        }
    }

    /// Unique in a report.
    package var name: String
    package var kind: Kind
    /// At least one.
    package var runs: [Run]
    /// Requests per second of one core, by round; empty where it was not measured.
    package var throughput: [Double] = []
    /// What serving it maps.
    package var bytes: Int?
    package var parameters: Int?
    /// Sentences that a reader should know.
    package var notes: [String] = []
    /// Of a classifier: of all runs together.
    package var confusion: ConfusionMatrix?
    package var calibration: Calibration?
    package var outOfScope: OutOfScope?

    package init(name: String, kind: Kind, runs: [Run]) {
        self.name = name
        self.kind = kind
        self.runs = runs
    }

    /// The middle of its rounds; nil where none was measured.
    package var requestsPerSecond: Double? { throughput.isEmpty ? nil : Throughput.median(throughput) }
}
