import DistilBERT
import ModelFiles
import Training

/// Few labels: two ways compete by cross-validation on the labels at hand, and the winner is named.
///
/// - `frozen`: the encoder stays as it is, and logistic regression is fitted to its sentence embeddings.
/// - `contrastive`: the encoder is tuned first, on pairs of texts of the same label and of different ones (Tunstall et al.,
///   arXiv 2209.11055).
///
/// The result is a folder of sentence-transformers: Transformer, Pooling, Normalize and a Dense layer to the labels.
struct FewShot {
    let source: ModelSource
    let data: Dataset
    let recipe: Recipe
    let options: RunOptions
    let command: [(key: String, value: String)]

    func run() throws -> TrainedModel {
        guard data.task == .classify || data.task == .multiLabel else {
            throw DistillationError.usage(
                "--method few-shot is there for classify and multi-label, not for \(data.task.rawValue)"
            )
        }
        let configuration = source.configuration.adapted(to: .embed, labels: [])
        let encoder = ExampleEncoder(source.tokenizer, configuration, maxLength: recipe.integer(.maxLength))
        let (examples, truncated) = try encoder.encode(data)
        report(truncated: truncated, of: data.count, limit: encoder.maxLength, options)
        let plan = NetworkPlan(configuration) { _ in false }
        let initialisation = try studentInitialisation(from: source.plan, to: plan)
        let old = try source.values()
        let run = try TrainingRun(
            plan,
            projection: nil,
            recipe: recipe,
            options: options,
            teacher: nil,
            longest: 2 * encoder.maxLength,
            team: try options.team()
        ) { parameter, destination in
            initialisation.fill(parameter, destination, seed: recipe.seed) { UnsafePointer(old[$0]) }
        }
        let untouched = ParameterBlock(run.model.values.layout)
        untouched.copy(from: run.model.values)
        let targets = try LinearTargets(data)
        let folds = try data.folds(k: recipe.integer(.folds), seed: recipe.seed)

        let sequences = examples.map(\.sequence)
        let width = configuration.hiddenSize
        let frozenRows = FeatureRows(dense: try run.model.embeddings(of: sequences), width: width)
        let frozen = try LogisticRegression.crossValidated(frozenRows, targets, folds: folds)
        let frozenRight = rightAnswers(frozen.heldOut, targets)
        let frozenScore = mean(frozenRight)
        options.report(
            .notice("frozen embeddings + logistic regression: \(percent(frozenScore)) held out, C = \(frozen.c)")
        )

        var summary = TrainingSummary()
        var tunedScore: Double?
        var wins = false
        if recipe.integer(.pairs) > 0 {
            let heldOut = try tunedPredictions(run, untouched, examples, targets, folds, c: frozen.c, &summary)
            let tunedRight = rightAnswers(heldOut, targets)
            let difference = zip(tunedRight, frozenRight).map { $0 - $1 }
            tunedScore = mean(tunedRight)
            wins = mean(difference) > standardError(difference)
            options.report(
                .notice(
                    "contrastive tuning + logistic regression: \(percent(mean(tunedRight))) held out, a difference of "
                        + "\(percent(mean(difference))) with a standard error of \(percent(standardError(difference)))"
                )
            )
        }
        options.report(
            .notice(
                wins
                    ? "contrastive tuning won"
                    : "frozen embeddings won: what is dearer has to be better by a standard error"
            )
        )

        restore(run, untouched)
        var stages = folds.indices.map { ".fold\($0)" }
        var head = frozen.model
        if wins {
            let part = try tune(run, examples, Array(examples.indices), stage: ".tuning")
            stages.append(".tuning")
            summary.steps += part.steps
            summary.tokens += part.tokens
            summary.seconds += part.seconds
            summary.loss = part.loss
            let rows = FeatureRows(dense: try run.model.embeddings(of: sequences), width: width)
            head = try LogisticRegression(c: frozen.c).fit(rows, targets)
        }
        summary.isComplete = true
        try write(run, head, stages)
        var result = TrainedModel(output: options.output, task: data.task, summary: summary)
        result.winner = wins ? "contrastive" : "frozen"
        result.facts = [("frozen_accuracy", frozenScore)]
        if let tunedScore { result.facts.append(("contrastive_accuracy", tunedScore)) }
        return result
    }

    /// Of each example by a model whose encoder was tuned on the other folds alone.
    private func tunedPredictions(
        _ run: TrainingRun,
        _ untouched: ParameterBlock,
        _ examples: [EncodedExample],
        _ targets: LinearTargets,
        _ folds: [Stratified.Fold],
        c: Double,
        _ summary: inout TrainingSummary
    ) throws -> [Double] {
        let sequences = examples.map(\.sequence)
        let width = run.plan.configuration.hiddenSize
        var heldOut = [Double](repeating: 0, count: examples.count * targets.outputs)
        for (number, fold) in folds.enumerated() {
            restore(run, untouched)
            let part = try tune(run, examples, fold.train, stage: ".fold\(number)")
            summary.steps += part.steps
            summary.tokens += part.tokens
            summary.seconds += part.seconds
            let rows = FeatureRows(dense: try run.model.embeddings(of: sequences), width: width)
            let model = try LogisticRegression(c: c).fit(rows.selecting(fold.train), targets.selecting(fold.train))
            let predictions = model.predictions(rows.selecting(fold.test))
            for (row, index) in fold.test.enumerated() {
                for output in 0..<targets.outputs {
                    heldOut[index * targets.outputs + output] = predictions[row * targets.outputs + output]
                }
            }
        }
        return heldOut
    }

    private func restore(_ run: TrainingRun, _ values: ParameterBlock) {
        run.model.values.copy(from: values)
        run.model.refresh()
    }

    /// One pass over `pairs` pairs of each of some texts with one of the same label, and as many with others.
    private func tune(
        _ run: TrainingRun,
        _ examples: [EncodedExample],
        _ members: [Int],
        stage: String
    ) throws -> TrainingSummary {
        var settings = recipe.loop
        settings.epochs = 1
        if recipe.settings.number(.learningRate) == Recipe.standard.number(.learningRate) {
            settings.learningRate = 2e-5
        }
        settings.batchSize = min(settings.batchSize, 16)
        let pairs = self.pairs(examples, members)
        return try run.train(
            pairs,
            objective: .task,
            settings: settings,
            key: runKey(recipe, pairs, [source.contents], run.plan),
            stage: stage
        )
    }

    private func pairs(_ examples: [EncodedExample], _ members: [Int]) -> [EncodedExample] {
        var generator = SeededGenerator(seed: recipe.seed, stream: 0x9A175)
        func labels(_ place: Int) -> Set<Int> {
            switch examples[place].goal {
            case .label(let label): [label]
            case .labelSet(let set): Set(set.indices.filter { set[$0] > 0.5 })
            default: []
            }
        }
        let sets = Dictionary(uniqueKeysWithValues: members.map { ($0, labels($0)) })
        var result: [EncodedExample] = []
        func add(_ first: Int, _ second: Int, _ value: Float) {
            result.append(
                EncodedExample(
                    sequence: examples[first].sequence,
                    other: examples[second].sequence,
                    goal: .similarity(value),
                    example: first
                )
            )
        }
        for place in members {
            let own = sets[place] ?? []
            let same = members.filter { $0 != place && !(sets[$0] ?? []).isDisjoint(with: own) }
            let others = members.filter { (sets[$0] ?? []).isDisjoint(with: own) }
            for _ in 0..<recipe.integer(.pairs) {
                if !same.isEmpty { add(place, same[generator.below(same.count)], 1) }
                if !others.isEmpty { add(place, others[generator.below(others.count)], 0) }
            }
        }
        return result
    }

    /// 1 for each example whose prediction is right, 0 for the others.
    private func rightAnswers(_ predictions: [Double], _ targets: LinearTargets) -> [Double] {
        let outputs = targets.outputs
        return (0..<targets.count).map { row in
            let range = row * outputs..<(row + 1) * outputs
            let isRight =
                targets.link == .softmax
                ? argmax(Array(predictions[range])) == argmax(Array(targets.values[range]))
                : zip(predictions[range], targets.values[range]).allSatisfy { ($0 > 0.5) == ($1 > 0.5) }
            return isRight ? 1 : 0
        }
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }

    private func standardError(_ values: [Double]) -> Double {
        let mean = mean(values)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(max(1, values.count - 1)) / Double(max(1, values.count))).squareRoot()
    }

    private func percent(_ fraction: Double) -> String { "\((fraction * 1000).rounded() / 10) %" }

    private func write(_ run: TrainingRun, _ head: LinearModel, _ stages: [String]) throws(DistillationError) {
        try EmbeddingClassifier(
            configuration: run.plan.configuration,
            task: data.task,
            labels: data.labels,
            head: head,
            maxLength: recipe.integer(.maxLength),
            elementType: recipe.elementType
        ).write(
            to: options.output,
            replacing: options.replacing,
            files: try source.tokenizerFiles() + [recipeFile(recipe, command)],
            values: run.model.values
        )
        for stage in stages { RunState(output: options.output + stage, key: "").remove() }
    }
}
