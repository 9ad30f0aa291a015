/// Which of several systems to serve, and how sure that is. A pure value: `json` and `html` say the same, for
/// programs and for people.
package struct Report: Sendable {
    /// What could not be compared, and why.
    package struct Missing: Sendable, Equatable {
        package let name: String
        package let reason: String

        package init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    /// One run with its intervals.
    struct RunNumbers: Sendable {
        let metrics: [(name: String, interval: Interval)]
        let kept: Interval?
    }

    /// A system with its numbers.
    struct Row: Sendable {
        let system: SystemResult
        /// Of each metric that has a statistic, over the seeds.
        let metrics: [(name: String, interval: Interval)]
        /// The report's metric.
        let quality: Interval
        /// How much more than the teacher's; nil of the teacher.
        let difference: Interval?
        /// Which part of the teacher's; nil of the teacher.
        let kept: Interval?
        /// Of each run by itself, as far as the examples leave doubt about it.
        let runs: [RunNumbers]

        var verdict: Verdict? { difference.map { Verdict($0) } }
    }

    package let title: String
    package let task: TrainingTask
    /// The metric that decides, the greater the better.
    package let metric: String
    package let examples: Int
    package let labels: [String]
    package let seed: UInt64
    package let resamples: Int
    package let setting: ReportSetting
    package let missing: [Missing]
    /// What a reader should know about the data, such as texts to test on that were trained on.
    package let warnings: [String]
    /// Some of the test's texts, to ask a published model.
    package let texts: [Example]
    /// The least part of the teacher's metric that a student has to be shown to keep.
    package let leastKept: Double
    /// The teacher first.
    let rows: [Row]
    /// The difference between a student and the same student without distillation, where there are both.
    let gain: (student: String, without: String, difference: Interval)?

    /// - Parameters:
    ///   - systems: one teacher and what is compared with it.
    ///   - metric: the name of the metric that decides, which each run has a statistic of.
    ///   - examples: the number of test examples, the same for all runs.
    /// - Throws: where there is not one teacher, or a run lacks the metric or has other examples.
    package init(
        title: String,
        task: TrainingTask,
        metric: String,
        examples: Int,
        labels: [String] = [],
        systems: [SystemResult],
        missing: [Missing] = [],
        warnings: [String] = [],
        texts: [Example] = [],
        setting: ReportSetting,
        leastKept: Double = 0.97,
        seed: UInt64,
        resamples: Int = 2000
    ) throws(DistillationError) {
        guard systems.count(where: { $0.kind == .teacher }) == 1,
            let teacher = systems.first(where: { $0.kind == .teacher })
        else {
            throw .usage("a report compares with one teacher; it was given \(systems.count { $0.kind == .teacher })")
        }
        guard Set(systems.map(\.name)).count == systems.count else {
            throw .usage("two systems of the report have the same name; give each its own")
        }
        for system in systems {
            guard !system.runs.isEmpty else { throw .usage("\(system.name) has no run") }
            for run in system.runs {
                guard run.metrics.count == examples else {
                    throw .usage(
                        "\(system.name) was evaluated on \(run.metrics.count) examples, the report is about \(examples)"
                    )
                }
                guard run.statistic(metric) != nil else { throw .usage("\(system.name) has no metric '\(metric)'") }
            }
        }
        let ordered = [teacher] + systems.filter { $0.kind != .teacher }
        let bootstrap = Bootstrap(examples: examples, resamples: resamples, seed: seed)
        // All metrics of all systems on the same resamples; the deciding one first.
        let names = ordered.map { system in
            [metric]
                + system.runs[0].statistics.map(\.name).filter { name in
                    name != metric && system.runs.allSatisfy { $0.statistic(name) != nil }
                }
        }
        let all = bootstrap.resampled(
            zip(ordered, names).flatMap { system, names in
                names.map { name in system.runs.compactMap { $0.statistic(name) } }
            }
        )
        var rows: [Row] = []
        var qualities: [Bootstrap.Distribution] = []
        var first = 0
        for (system, names) in zip(ordered, names) {
            let own = Array(all[first..<first + names.count])
            first += names.count
            let quality = own[0].mean
            qualities.append(quality)
            let isTeacher = system.kind == .teacher
            let difference =
                isTeacher ? nil : Self.difference(system, quality, teacher, qualities[0], metric, bootstrap)
            func numbers(_ distributions: [Bootstrap.Distribution]) -> [(name: String, interval: Interval)] {
                Array(zip(names, distributions.map { Self.interval($0, examples) }))
            }
            func kept(_ distribution: Bootstrap.Distribution) -> Interval? {
                isTeacher ? nil : distribution.divided(by: qualities[0]).interval().withDoubt(examples: examples)
            }
            rows.append(
                Row(
                    system: system,
                    metrics: numbers(own.map(\.mean)),
                    quality: Self.interval(quality, examples),
                    difference: difference,
                    kept: kept(quality),
                    runs: system.runs.indices.map { run in
                        RunNumbers(metrics: numbers(own.map { $0.runs[run] }), kept: kept(own[0].runs[run]))
                    }
                )
            )
        }
        if let student = ordered.firstIndex(where: { $0.kind == .student }),
            let without = ordered.firstIndex(where: { $0.kind == .undistilled })
        {
            gain = (
                ordered[student].name, ordered[without].name,
                Self.difference(
                    ordered[student],
                    qualities[student],
                    ordered[without],
                    qualities[without],
                    metric,
                    bootstrap
                )
            )
        } else {
            gain = nil
        }
        self.title = title
        self.task = task
        self.metric = metric
        self.examples = examples
        self.labels = labels
        self.seed = seed
        self.resamples = resamples
        self.setting = setting
        self.missing = missing
        self.warnings = warnings
        self.texts = texts
        self.leastKept = leastKept
        self.rows = rows
    }

    /// Run by run where both were made with the same seeds.
    private static func difference(
        _ system: SystemResult,
        _ quality: Bootstrap.Distribution,
        _ other: SystemResult,
        _ otherQuality: Bootstrap.Distribution,
        _ metric: String,
        _ bootstrap: Bootstrap
    ) -> Interval {
        let seeds = system.runs.compactMap(\.seed)
        guard seeds.count > 1, seeds.count == system.runs.count, seeds == other.runs.map(\.seed) else {
            return quality.minus(otherQuality).interval()
        }
        return bootstrap.difference(
            system.runs.compactMap { $0.statistic(metric) },
            other.runs.compactMap { $0.statistic(metric) }
        ).interval()
    }

    /// A metric that is a fraction stays one, and one that is 1 is no proof that the model never errs.
    private static func interval(_ distribution: Bootstrap.Distribution, _ examples: Int) -> Interval {
        let interval = distribution.interval()
        guard (-1...1).contains(interval.estimate) else { return interval }
        let cut = interval.clamped(to: interval.estimate < 0 ? -1...1 : 0...1)
        return interval.estimate == 1 ? cut.withDoubt(examples: examples) : cut
    }

    // MARK: - What to serve

    /// What the numbers say.
    enum Recommendation {
        /// The fastest system that is shown to keep enough.
        case serve(Row)
        /// None is; the one that keeps most, if there is any other.
        case keepTeacher(best: Row?)
    }

    var teacher: Row { rows[0] }

    var recommendation: Recommendation {
        let others = rows.dropFirst()
        let enough = others.filter { ($0.kept?.lower ?? 0) >= leastKept }
        // The faster; where speed was not measured, or is the same, the smaller.
        let best = enough.max { left, right in
            let (a, b) = (left.system.requestsPerSecond ?? 0, right.system.requestsPerSecond ?? 0)
            return a != b ? a < b : (left.system.bytes ?? .max) > (right.system.bytes ?? .max)
        }
        if let best { return .serve(best) }
        return .keepTeacher(best: others.max { $0.quality.estimate < $1.quality.estimate })
    }

    /// "Serve X, because …"
    package var headline: String {
        switch recommendation {
        case .serve(let row):
            var reason = "it keeps \(Words.percent(row.kept)) of the teacher’s \(metricName)"
            let gains = [
                ratio(of: row, \.requestsPerSecond).map { "\(Words.factor($0)) times the requests per second" },
                size(of: row),
            ]
            let said = gains.compactMap { $0 }
            if !said.isEmpty { reason += ", with " + said.joined(separator: " and ") }
            return "Serve \(row.system.name), because \(reason)."
        case .keepTeacher(let best?):
            return "Serve \(teacher.system.name), the teacher, because no other system is shown to keep "
                + "\(Words.percent(leastKept)) of its \(metricName): the best, \(best.system.name), keeps "
                + "\(Words.percent(best.kept))."
        case .keepTeacher(nil):
            return "Serve \(teacher.system.name), because nothing else was compared with it."
        }
    }

    /// What the distillation itself brought, in a sentence; nil where it was not measured.
    package var gainSentence: String? {
        gain.map { gain in
            let numbers = Words.points(gain.difference)
            return switch Verdict(gain.difference) {
            case .better: "Distillation helps: \(gain.student) is better than \(gain.without): \(numbers)."
            case .worse: "Distillation harms here: \(gain.student) is worse than \(gain.without): \(numbers)."
            case .noGain:
                "Distillation shows no gain here: \(gain.student) and \(gain.without) differ by \(numbers), an interval "
                    + "that includes 0."
            }
        }
    }

    private func ratio(of row: Row, _ value: (SystemResult) -> Double?) -> Double? {
        guard let own = value(row.system), let base = value(teacher.system), base > 0 else { return nil }
        return own / base
    }

    private func size(of row: Row) -> String? {
        ratio(of: row) { $0.bytes.map(Double.init) }.map { "\(Words.percent($0)) of the bytes" }
    }

    var metricName: String { Words.metric(metric) }
}
