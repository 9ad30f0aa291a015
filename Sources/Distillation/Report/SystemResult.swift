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
        /// Which of the report's draws of training data it was made of, from 1; nil where there is one.
        package let draw: Int?
        /// What `ServedModel.contents` says of its folder; nil of what is no model folder.
        package let contents: String?
        package let metrics: Metrics
        /// By the metrics' names; the one that the report is about among them.
        package let statistics: [(name: String, statistic: Statistic)]

        package init(
            seed: UInt64?,
            draw: Int? = nil,
            contents: String?,
            metrics: Metrics,
            statistics: [(name: String, statistic: Statistic)]
        ) {
            self.seed = seed
            self.draw = draw
            self.contents = contents
            self.metrics = metrics
            self.statistics = statistics
        }

        func statistic(_ name: String) -> Statistic? { statistics.first { $0.name == name }?.statistic }
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
    /// The mean of all runs.
    package var outOfScope: OutOfScope?

    package init(name: String, kind: Kind, runs: [Run]) {
        self.name = name
        self.kind = kind
        self.runs = runs
    }

    /// Adds a model of it; what is drawn or counted is of all models together.
    mutating func add(
        seed: UInt64? = nil,
        draw: Int?,
        contents: String? = nil,
        _ evaluation: Evaluation,
        _ outOfScope: OutOfScope?
    ) {
        runs.append(
            Run(
                seed: seed,
                draw: draw,
                contents: contents,
                metrics: evaluation.metrics,
                statistics: evaluation.statistics
            )
        )
        if runs.count == 1 {
            (confusion, calibration, self.outOfScope) = (evaluation.confusion, evaluation.calibration, outOfScope)
        } else {
            if let outOfScope { self.outOfScope?.average(outOfScope, count: runs.count) }
            if let more = evaluation.confusion { confusion?.add(more) }
            if let more = evaluation.calibration { calibration?.add(more) }
        }
    }

    /// How many different ones its models have.
    var seeds: Int { Set(runs.compactMap(\.seed)).count }
    var draws: Int { Set(runs.compactMap(\.draw)).count }

    /// How many seeds and draws of the data its numbers are the mean of: "5 seeds", "4 seeds on 4 draws"; nil of one model.
    package var sample: String? {
        guard runs.count > 1 else { return nil }
        let parts = [seeds > 0 ? counted(seeds, "seed") : nil, draws > 0 ? counted(draws, "draw") : nil]
        return parts.compactMap { $0 }.joined(separator: " on ")
    }

    /// The middle of its rounds; nil where none was measured.
    package var requestsPerSecond: Double? { throughput.isEmpty ? nil : Throughput.median(throughput) }
}
