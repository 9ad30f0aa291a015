import ModelFiles
import Tensors

/// Makes a report: evaluates a teacher, its students and what else would do on the same examples.
package struct Comparison {
    package struct Folders: Sendable {
        package let teacher: String
        /// At least one; those of one recipe are its seeds.
        package let students: [String]
        /// Students that were trained without a teacher.
        package let baselines: [String]

        package init(teacher: String, students: [String], baselines: [String] = []) {
            self.teacher = teacher
            self.students = students
            self.baselines = baselines
        }
    }

    private let folders: Folders
    private let training: Dataset?
    private let unlabelled: Dataset?
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
    ///   - training: for the baselines that are trained here; nil: these are left out. Its labels are the test data's.
    ///   - data: to test on, in which some labels may be out of the model's scope.
    ///   - outOfScope: the names of these labels.
    ///   - metric: that decides; nil: the usual one of the task.
    ///   - rounds: how often each system answers the texts that are timed.
    package init(
        _ folders: Folders,
        training: Dataset? = nil,
        unlabelled: Dataset? = nil,
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
            let recipes = directories.map { (directory: $0, recipe: recipeText($0)) }
            return try SystemGroup.groups(recipes, taken: systems.map(\.result.name))
        }
        let teacher = SystemGroup(
            name: SystemGroup.folderName(folders.teacher),
            members: [.init(directory: folders.teacher, seed: nil)]
        )
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
        for member in group.members {
            let seed = member.seed.map { ", seed \($0)" } ?? ""
            notify(.notice("evaluating \(group.name)\(seed) on \(counted(scope.inside.count, "example"))"))
            let model = try ServedModel(directory: member.directory, variant: variant, threads: threads)
            let evaluation = try evaluate(model: model, data: scope.inside)
            result.runs.append(.init(seed: member.seed, contents: model.contents, evaluation))
            if result.runs.count == 1 {
                result.bytes = model.packBytes
                result.parameters = model.parameters
                result.confusion = evaluation.confusion
                result.calibration = evaluation.calibration
                result.outOfScope = try outOfScope(evaluation) { (texts) throws(DistillationError) in
                    let columns = try model.columns(of: scope.inside.labels)
                    return try model.logits(of: texts).map { row in
                        let all = softmax(row)
                        return columns.map { all[$0] }
                    }
                }
            } else {
                if let confusion = evaluation.confusion { result.confusion?.add(confusion) }
                if let calibration = evaluation.calibration { result.calibration?.add(calibration) }
            }
        }
        return Measured(result: result, speed: .folder(group.members[0].directory, variant))
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
        guard let training else { return leaveOut("there is no --train file to fit it to") }
        let source = try ModelSource(folders.teacher)
        let depth = source.configuration.layers
        var depths = [depth]
        for student in students {
            let layers = try ModelSource(student.members[0].directory).configuration.layers
            if layers < depth, !depths.contains(layers) { depths.append(layers) }
        }
        let team = try RunOptions(output: folder, threads: threads).team()
        for layers in depths {
            let encoder = FrozenEncoder(source: source, layers: layers)
            let name = "frozen \(systems[0].result.name), \(counted(layers, "layer"))"
            notify(.notice("fitting a head to the \(name)"))
            let path = "\(folder)/frozen-\(layers)"
            let c = try encoder.write(to: path, training: training, seed: seed, team: team)
            let group = SystemGroup(name: name, members: [.init(directory: path, seed: nil)])
            var measured = try evaluated(group, .frozenEncoder)
            let chosen = encoder.chosen.map { "\($0)" }.joined(separator: ", ")
            measured.result.notes = ["the teacher’s layers \(chosen) as they are; C = \(c)"]
            systems.append(measured)
        }
        notify(.notice("fitting \(linear)"))
        let classifier = try TfIdfClassifier(training: training, seed: seed)
        let probabilities = classifier.probabilities(of: scope.inside.examples)
        let evaluation = try Evaluation(probabilities: probabilities, data: scope.inside)
        var result = SystemResult(
            name: linear,
            kind: .linear,
            runs: [.init(seed: nil, contents: nil, evaluation)]
        )
        result.parameters = classifier.parameters
        result.notes = ["C = \(classifier.c)"]
        result.confusion = evaluation.confusion
        result.calibration = evaluation.calibration
        result.outOfScope = try outOfScope(evaluation) { classifier.probabilities(of: $0) }
        systems.append(Measured(result: result, speed: .tfIdf(classifier)))
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

    /// - Parameter probabilities: of each label for each of some texts.
    private func outOfScope(
        _ evaluation: Evaluation,
        _ probabilities: ([Example]) throws(DistillationError) -> [[Double]]
    ) throws(DistillationError) -> SystemResult.OutOfScope? {
        guard !scope.outside.isEmpty else { return nil }
        let inside = zip(scope.inside.examples, evaluation.predictions).map { example, prediction in
            let best = argmax(prediction.probabilities.map(\.probability))
            return Abstention.InScope(
                confidence: prediction.probabilities[best].probability,
                isCorrect: example.target.rightLabel == best
            )
        }
        let outside = try probabilities(scope.outside).map { $0.max() ?? 0 }
        // Chosen on one half and judged on the other.
        let halves = try scope.inside.folds(k: 2, seed: seed)[0]
        let (heldOut, test) = (halves.test.map { inside[$0] }, halves.train.map { inside[$0] })
        let accuracy = Double(heldOut.count { $0.isCorrect }) / Double(heldOut.count)
        let abstention = Abstention(heldOut: heldOut, budget: .accuracy(accuracy * Self.leastKept))
        return SystemResult.OutOfScope(
            outcome: abstention.outcome(inScope: test, outOfScope: outside),
            areaUnderCurve: Abstention.areaUnderCurve(inScope: test.map(\.confidence), outOfScope: outside),
            curve: Abstention.curve(inScope: test, outOfScope: outside)
        )
    }

    /// Texts to test on that a model may have learnt.
    private func leaks() -> [String] {
        let found = [training, unlabelled].compactMap { data in
            data.flatMap { DatasetChecks.leaks(train: $0, test: scope.inside) }
        }
        for leak in found { notify(.warning(leak)) }
        return found
    }

    private func recipeText(_ directory: String) -> String? {
        try? readText("\(directory)/\(RecipeFile.name)")
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

/// The examples to test on, by whether one of the model's labels fits them.
struct Scope {
    let inside: Dataset
    let outside: [Example]

    init(_ data: Dataset, outOfScope: [String]) throws(DistillationError) {
        guard !outOfScope.isEmpty else {
            (inside, outside) = (data, [])
            return
        }
        guard data.task == .classify else {
            throw .usage("--out-of-scope is for classifiers, and the task is \(data.task.rawValue)")
        }
        var strange: Set<Int> = []
        for name in outOfScope {
            guard let label = data.labels.firstIndex(of: name),
                data.examples.contains(where: { $0.target.rightLabel == label })
            else { throw .usage("--out-of-scope \(name): no example of the data has that label") }
            strange.insert(label)
        }
        let kept = data.labels.indices.filter { !strange.contains($0) }
        let numbers = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
        var examples: [Example] = []
        var outside: [Example] = []
        for example in data.examples {
            guard let number = example.target.rightLabel.flatMap({ numbers[$0] }) else {
                outside.append(example)
                continue
            }
            var known = example
            known.target = .label(number)
            examples.append(known)
        }
        guard examples.count > 1 else { throw .usage("the data has no example in scope") }
        inside = Dataset(task: data.task, labels: kept.map { data.labels[$0] }, examples: examples)
        self.outside = outside
    }
}
