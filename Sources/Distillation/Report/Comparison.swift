import ModelFiles
import Tensors

/// Makes a report: evaluates a teacher, its students and what else would do on the same examples.
package struct Comparison {
    package struct Folders: Sendable {
        package let draws: Draws
        /// At least one; those of one recipe are its seeds, or what it made of the draws.
        package let students: [String]
        /// Students that were trained without a teacher.
        package let baselines: [String]

        package init(draws: Draws, students: [String], baselines: [String] = []) {
            self.draws = draws
            self.students = students
            self.baselines = baselines
        }
    }

    private let folders: Folders
    private let training: [Dataset]
    private let unlabelled: [Dataset]
    private let scope: Scope
    private let metric: String
    private let files: [ReportSetting.DataFile]
    private let seed: UInt64
    private let threads: Int
    private let rounds: Int
    private let resamples: Int
    private let notify: @Sendable (RunEvent) -> Void

    /// The least part of the teacher's metric that a student has to be shown to keep.
    private static let leastKept = 0.97
    /// How many texts are kept to ask a published model.
    private static let keptTexts = 32
    /// How many texts are timed: fewer of long ones, so that a round of a large model takes seconds.
    private static let timedTexts = 5...40
    private static let timedCharacters = 20_000

    /// - Parameters:
    ///   - training: of each draw, for the baselines that are trained here; empty: these are left out. Its labels are the
    ///     test data's.
    ///   - unlabelled: raw text that the models may have learnt from.
    ///   - data: to test on, in which some labels may be out of the model's scope.
    ///   - outOfScope: the names of these labels.
    ///   - metric: that decides; nil: the usual one of the task.
    ///   - rounds: how often each system answers the texts that are timed.
    package init(
        _ folders: Folders,
        training: [Dataset] = [],
        unlabelled: [Dataset] = [],
        data: Dataset,
        outOfScope: [String] = [],
        metric: String? = nil,
        files: [ReportSetting.DataFile],
        seed: UInt64 = 1,
        threads: Int,
        rounds: Int = 5,
        resamples: Int = 2000,
        report: @escaping @Sendable (RunEvent) -> Void = { _ in }
    ) throws(DistillationError) {
        guard !folders.students.isEmpty else { throw .usage("--student is missing: which model is to be judged?") }
        precondition(training.isEmpty || training.count == folders.draws.all.count, "training data of each draw")
        self.folders = folders
        self.training = training
        self.unlabelled = unlabelled
        scope = try Scope(data, outOfScope: outOfScope)
        self.metric = metric ?? Self.usualMetric(data.task)
        self.files = files
        self.seed = seed
        self.threads = threads
        self.rounds = rounds
        self.resamples = resamples
        notify = report
    }

    /// The metric that decides about a task.
    package static func usualMetric(_ task: TrainingTask, _ format: DatasetOptions.Format = .byName) -> String {
        switch (task, format) {
        case (_, .glue(.cola)): "matthews"
        case (_, .glue(.mrpc)), (_, .glue(.qqp)): "f1"
        case (.classify, _): "accuracy"
        case (.multiLabel, _): "micro_f1"
        case (.regression, _), (.embed, _): "spearman"
        case (.tag, _), (.answer, _): "f1"
        }
    }

    // MARK: - The report

    package func run() throws -> Report {
        var systems: [Measured] = []
        var missing: [Report.Missing] = []
        func groups(_ directories: [String]) throws -> [SystemGroup] {
            try SystemGroup.groups(directories, draws: folders.draws, taken: systems.map(\.result.name))
        }
        let teacher = try groups(folders.draws.all.map(\.teacher.directory))[0]
        systems.append(try evaluated(teacher, .teacher))
        let students = try groups(folders.students)
        for student in students { systems.append(try evaluated(student, .student)) }
        for student in students {
            for variant in [WeightFormat.bfloat16, .int8] {
                var group = student
                group.name += ", \(variant.rawValue)"
                systems.append(try evaluated(group, .reducedPrecision, variant))
            }
        }
        for plain in try groups(folders.baselines) { systems.append(try evaluated(plain, .undistilled)) }
        if folders.baselines.isEmpty {
            missing.append(.init(name: "student without distillation", reason: "there is no --baseline folder"))
        }
        let temporary = try TemporaryDirectory()
        try addTrained(&systems, &missing, students, temporary.path)
        return try withExtendedLifetime(temporary) {
            let timed = self.timed
            try measureRates(&systems, timed)
            return try Report(
                title: "\(students.map(\.name).joined(separator: ", ")) and \(teacher.name)",
                task: scope.inside.task,
                metric: metric,
                examples: scope.inside.count,
                labels: scope.inside.labels,
                systems: systems.map(\.result),
                missing: missing,
                draws: folders.draws.names,
                warnings: leaks(),
                texts: spread(scope.inside.examples, Self.keptTexts),
                setting: try ReportSetting(threads: threads, timed: timed, files: files),
                leastKept: Self.leastKept,
                seed: seed,
                resamples: resamples
            )
        }
    }

    /// A system and how its speed is measured.
    private struct Measured {
        var result: SystemResult
        let speed: Speed

        enum Speed {
            case folder(String, WeightFormat)
            case tfIdf(TfIdfClassifier)
        }
    }

    private func evaluated(
        _ group: SystemGroup,
        _ kind: SystemResult.Kind,
        _ variant: WeightFormat = .float32
    ) throws(DistillationError) -> Measured {
        var result = SystemResult(name: group.name, kind: kind, runs: [])
        for member in group.members { try add(member, variant, to: &result) }
        return Measured(result: result, speed: .folder(group.members[0].directory, variant))
    }

    private func add(
        _ member: SystemGroup.Member,
        _ variant: WeightFormat,
        to result: inout SystemResult
    ) throws(DistillationError) {
        let which = [member.seed.map { "seed \($0)" }, member.draw.map { "draw \($0)" }].compactMap { $0 }
        let name = ([result.name] + which).joined(separator: ", ")
        notify(.notice("evaluating \(name) on \(counted(scope.inside.count, "example"))"))
        let model = try ServedModel(directory: member.directory, variant: variant, threads: threads)
        let evaluation = try evaluate(model: model, data: scope.inside)
        if result.runs.isEmpty {
            result.bytes = model.packBytes
            result.parameters = model.parameters
        }
        let outside = try scope.outOfScope(model, evaluation, seed: seed)
        result.add(seed: member.seed, draw: member.draw, contents: model.contents, evaluation, outside)
    }

    // MARK: - Baselines that are trained here

    private func addTrained(
        _ systems: inout [Measured],
        _ missing: inout [Report.Missing],
        _ students: [SystemGroup],
        _ folder: String
    ) throws {
        let (frozen, linear) = ("frozen encoder + logistic regression", "tf-idf + logistic regression")
        func leaveOut(_ reason: String) {
            missing += [frozen, linear].map { Report.Missing(name: $0, reason: reason) }
        }
        guard scope.inside.task == .classify else {
            return leaveOut("it is there for classifiers, and the task is \(scope.inside.task.rawValue)")
        }
        guard !training.isEmpty else { return leaveOut("there is no --train file to fit it to") }
        let sources = try folders.draws.all.map { (draw) throws(DistillationError) in
            try ModelSource(draw.teacher.directory)
        }
        let depth = sources[0].configuration.layers
        var depths = [depth]
        if sources[0].folder.moduleLabels != nil {
            depths = []
            let name = "frozen \(systems[0].result.name), \(counted(depth, "layer"))"
            missing.append(.init(name: name, reason: "the teacher is that itself: a head on sentence embeddings"))
        }
        for student in students {
            let layers = try ModelSource(student.members[0].directory).configuration.layers
            if layers < depth, !depths.contains(layers) { depths.append(layers) }
        }
        let team = try RunOptions(output: folder, threads: threads).team()
        for layers in depths {
            let name = "frozen \(systems[0].result.name), \(counted(layers, "layer"))"
            notify(.notice("fitting a head to the \(name)"))
            var result = SystemResult(name: name, kind: .frozenEncoder, runs: [])
            var strengths: [Double] = []
            // The first one's speed is measured later; of the others the folder is used again.
            let paths = ["\(folder)/frozen-\(layers)", "\(folder)/frozen-\(layers)-next"]
            for (place, source) in sources.enumerated() {
                let encoder = FrozenEncoder(source: source, layers: layers)
                let path = paths[min(place, 1)]
                strengths.append(try encoder.write(to: path, training: training[place], seed: seed, team: team))
                try add(SystemGroup.Member(directory: path, seed: nil, draw: draw(place)), .float32, to: &result)
            }
            let chosen = FrozenEncoder(source: sources[0], layers: layers).chosen.map { "\($0)" }
            result.notes = [
                "the teacher’s layers \(chosen.joined(separator: ", ")) as they are; \(Self.strengths(strengths))"
            ]
            systems.append(Measured(result: result, speed: .folder(paths[0], .float32)))
        }
        notify(.notice("fitting \(linear)"))
        var result = SystemResult(name: linear, kind: .linear, runs: [])
        var classifiers: [TfIdfClassifier] = []
        for (place, training) in training.enumerated() {
            let classifier = try TfIdfClassifier(training: training, seed: seed)
            let probabilities = classifier.probabilities(of: scope.inside.examples)
            let evaluation = try Evaluation(probabilities: probabilities, data: scope.inside)
            let outside = try scope.outOfScope(evaluation, seed: seed) { classifier.probabilities(of: $0) }
            result.add(draw: draw(place), evaluation, outside)
            classifiers.append(classifier)
        }
        result.parameters = classifiers[0].parameters
        result.notes = [Self.strengths(classifiers.map(\.c))]
        systems.append(Measured(result: result, speed: .tfIdf(classifiers[0])))
    }

    private func draw(_ place: Int) -> Int? { folders.draws.areSeveral ? place + 1 : nil }

    /// What cross-validation chose.
    private static func strengths(_ values: [Double]) -> String {
        "logistic regression with C = " + values.map { "\($0)" }.joined(separator: ", ")
    }

    // MARK: - Speed, scope, leaks

    private func measureRates(_ systems: inout [Measured], _ texts: [Example]) throws {
        notify(.notice("measuring requests per second on one core, \(counted(rounds, "round"))"))
        var calls: [[Throughput.Call]] = []
        for system in systems {
            switch system.speed {
            case .folder(let directory, let variant):
                calls.append(try Throughput.calls(ServedModel(directory: directory, variant: variant), texts))
            case .tfIdf(let classifier):
                calls.append(texts.map { text in { _ = classifier.probabilities(of: [text]) } })
            }
        }
        for (place, rates) in try Throughput.measure(calls, rounds: rounds).enumerated() {
            systems[place].result.throughput = rates
        }
    }

    /// Texts to test on that a model may have learnt.
    private func leaks() -> [String] {
        let found = [training, unlabelled].compactMap { data in
            DatasetChecks.leaks(train: data.flatMap(\.examples), test: scope.inside)
        }
        for leak in found { notify(.warning(leak)) }
        return found
    }

    /// The texts whose requests are timed.
    private var timed: [Example] {
        let examples = scope.inside.examples
        let characters = examples.reduce(0) { $0 + $1.text.unicodeScalars.count + ($1.pair?.unicodeScalars.count ?? 0) }
        let fitting = Self.timedCharacters * examples.count / max(1, characters)
        return spread(examples, min(max(fitting, Self.timedTexts.lowerBound), Self.timedTexts.upperBound))
    }

    /// Some of them, evenly from all.
    private func spread(_ examples: [Example], _ most: Int) -> [Example] {
        let count = min(most, examples.count)
        return (0..<count).map { examples[$0 * examples.count / count] }
    }
}
