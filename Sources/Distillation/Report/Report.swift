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

    /// What a student is compared with, besides its teacher.
    struct Alternative: Sendable {
        let system: SystemResult
        /// How much more the student's deciding metric is.
        let difference: Interval

        var verdict: Verdict { Verdict(difference) }
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
    /// The names of the draws of training data; empty where there is one.
    package let draws: [String]
    /// What a reader should know about the data, such as texts to test on that were trained on.
    package let warnings: [String]
    /// Some of the test's texts, to ask a published model.
    package let texts: [Example]
    /// The least part of the teacher's metric that a student has to be shown to keep.
    package let leastKept: Double
    /// The teacher first.
    let rows: [Row]
    /// How much better the first student is than each other system that is neither a teacher nor a student in fewer bits.
    let alternatives: [Alternative]

    /// - Parameters:
    ///   - systems: one teacher and what is compared with it.
    ///   - metric: the name of the metric that decides, which each run has a statistic of.
    ///   - examples: the number of test examples, the same for all runs.
    ///   - draws: the names of the draws of training data, which runs have the numbers of; empty where there is one.
    /// - Throws: where there is not one teacher, or a run lacks the metric, has other examples or a draw without a teacher.
    package init(
        title: String,
        task: TrainingTask,
        metric: String,
        examples: Int,
        labels: [String] = [],
        systems: [SystemResult],
        missing: [Missing] = [],
        draws: [String] = [],
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
                guard draws.isEmpty || teacher.runs.contains(where: { $0.draw == run.draw }) else {
                    throw .usage("\(system.name) was made of a draw of the data that the teacher was not made of")
                }
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
        var teachers: [Bootstrap.Distribution] = []
        func interval(_ distribution: Bootstrap.Distribution) -> Interval { Self.interval(distribution, examples) }
        var first = 0
        for (system, names) in zip(ordered, names) {
            let own = Array(all[first..<first + names.count])
            first += names.count
            qualities.append(own[0].mean)
            let isTeacher = system.kind == .teacher
            if isTeacher { teachers = own[0].runs }
            let compared = Self.compared((system, own[0].mean), (teacher, qualities[0]), metric, bootstrap)
            rows.append(
                Row(
                    system: system,
                    metrics: Array(zip(names, own.map { interval($0.mean) })),
                    quality: interval(own[0].mean),
                    difference: isTeacher ? nil : compared.difference.interval(),
                    kept: isTeacher ? nil : compared.kept.interval().withDoubt(examples: examples),
                    runs: system.runs.indices.map { run in
                        let place = teacher.runs.firstIndex { $0.draw == system.runs[run].draw } ?? 0
                        let kept = own[0].runs[run].divided(by: teachers[place]).interval()
                        return RunNumbers(
                            metrics: Array(zip(names, own.map { interval($0.runs[run]) })),
                            kept: isTeacher ? nil : kept.withDoubt(examples: examples)
                        )
                    }
                )
            )
        }
        var alternatives: [Alternative] = []
        if let student = ordered.firstIndex(where: { $0.kind == .student }) {
            for (place, (other, quality)) in zip(ordered, qualities).enumerated() where place != student {
                guard other.kind != .teacher, other.kind != .reducedPrecision else { continue }
                let compared = Self.compared(
                    (ordered[student], qualities[student]),
                    (other, quality),
                    metric,
                    bootstrap
                )
                alternatives.append(Alternative(system: other, difference: compared.difference.interval()))
            }
        }
        self.alternatives = alternatives
        self.draws = draws
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

    /// How much more one system's metric is than another's, and which part of it: model by model where both have models of the
    /// same draws, or else of the same seeds, so that what a draw or a seed does to both cancels.
    private static func compared(
        _ own: (system: SystemResult, quality: Bootstrap.Distribution),
        _ other: (system: SystemResult, quality: Bootstrap.Distribution),
        _ metric: String,
        _ bootstrap: Bootstrap
    ) -> (difference: Bootstrap.Distribution, kept: Bootstrap.Distribution) {
        var (difference, base) = (own.quality.minus(other.quality), other.quality)
        let pairs = pairs(own.system.runs, other.system.runs)
        if !pairs.isEmpty {
            let others = pairs.compactMap { $0.other.statistic(metric) }
            difference = bootstrap.difference(pairs.compactMap { $0.own.statistic(metric) }, others)
            // A model that is there for some of the draws is compared with what was made of these.
            if others.count < other.system.runs.count { base = bootstrap.distributions([others])[0] }
        }
        return (difference, difference.divided(by: base).plus(1))
    }

    /// The models of the same draws; where there is one draw, those of the same seeds, if both systems have the same ones.
    private static func pairs(
        _ runs: [SystemResult.Run],
        _ others: [SystemResult.Run]
    ) -> [(own: SystemResult.Run, other: SystemResult.Run)] {
        let seeds = runs.compactMap(\.seed)
        if runs.contains(where: { $0.draw != nil }) {
            return runs.compactMap { run in others.first { $0.draw == run.draw }.map { (run, $0) } }
        }
        guard seeds.count > 1, seeds.count == runs.count, seeds == others.map(\.seed) else { return [] }
        return Array(zip(runs, others))
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
        // Where draws of the data are compared, one of them shows nothing of a recipe.
        let enough = others.filter { ($0.kept?.lower ?? 0) >= leastKept && (draws.isEmpty || $0.system.draws > 1) }
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
            var reason = "it keeps \(Words.percent(row.kept)) of the teacher’s \(metricName)\(sample(of: row.system))"
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
                + "\(Words.percent(best.kept))\(sample(of: best.system))."
        case .keepTeacher(nil):
            return "Serve \(teacher.system.name), because nothing else was compared with it."
        }
    }

    /// The difference between a student and the same student without distillation, where there are both.
    var gain: (student: SystemResult, without: Alternative)? {
        guard let student = rows.first(where: { $0.system.kind == .student })?.system,
            let without = alternatives.first(where: { $0.system.kind == .undistilled })
        else { return nil }
        return (student, without)
    }

    /// What the distillation itself brought, in a sentence; nil where it was not measured.
    package var gainSentence: String? {
        gain.map { student, without in
            let (name, other) = (student.name, without.system.name)
            let numbers = Words.points(without.difference) + sample(of: student)
            return switch without.verdict {
            case .better: "Distillation helps: \(name) is better than \(other): \(numbers)."
            case .worse: "Distillation harms here: \(name) is worse than \(other): \(numbers)."
            case .noGain:
                "Distillation shows no gain here: \(name) and \(other) differ by \(numbers), an interval that includes 0."
            }
        }
    }

    /// " over 4 seeds on 4 draws"; nothing of one model.
    private func sample(of system: SystemResult) -> String { system.sample.map { " over \($0)" } ?? "" }

    private func ratio(of row: Row, _ value: (SystemResult) -> Double?) -> Double? {
        guard let own = value(row.system), let base = value(teacher.system), base > 0 else { return nil }
        return own / base
    }

    private func size(of row: Row) -> String? {
        ratio(of: row) { $0.bytes.map(Double.init) }.map { "\(Words.percent($0)) of the bytes" }
    }

    var metricName: String { Words.metric(metric) }
}
