import DistilBERT
package import JSON
import ModelFiles
import Tensors
import Training

/// What a command of training has made.
package struct TrainedModel: Sendable {
    package var output: String
    package var task: TrainingTask
    package var summary: TrainingSummary
    /// What else is worth saying, by its name in `--json`.
    package var facts: [(key: String, value: Double)] = []
    /// The method that cross-validation chose among those for few labels.
    package var winner: String?

    /// By their names in `--json`.
    package var members: [(key: String, value: any JSONWritable)] {
        var members: [(key: String, value: any JSONWritable)] = [
            ("output", output), ("task", task.rawValue), ("steps", summary.steps), ("tokens", summary.tokens),
            ("seconds", summary.seconds), ("tokens_per_second", summary.tokensPerSecond), ("loss", summary.loss),
        ]
        if let winner { members.append(("winner", winner)) }
        for (key, value) in facts { members.append((key, value)) }
        return members
    }
}

/// `distill finetune`: a model and labelled examples make a model for a task.
package struct Finetuning {
    package let source: ModelSource
    package let data: Dataset
    package let validation: Dataset?
    package let method: Recipe.Method
    package let recipe: Recipe
    package let options: RunOptions
    /// What the recipe's file says of the command.
    package let command: [(key: String, value: String)]

    package init(
        source: ModelSource,
        data: Dataset,
        validation: Dataset? = nil,
        method: Recipe.Method = .full,
        recipe: Recipe,
        options: RunOptions,
        command: [(key: String, value: String)] = []
    ) {
        self.source = source
        self.data = data
        self.validation = validation
        self.method = method
        self.recipe = recipe
        self.options = options
        self.command = command
    }

    package func run() throws -> TrainedModel {
        try options.checkOutput()
        if method == .fewShot {
            return try FewShot(
                source: source,
                data: data,
                recipe: recipe,
                options: options,
                command: command
            ).run()
        }
        let configuration = source.configuration.adapted(to: data.task, labels: data.labels)
        let plan = NetworkPlan(configuration) { _ in source.plan.head.first != nil }
        let encoder = ExampleEncoder(source.tokenizer, configuration, maxLength: recipe.integer(.maxLength))
        let (examples, truncated) = try encoder.encode(data)
        report(truncated: truncated, of: data.count, limit: encoder.maxLength, options)
        let initialisation = try studentInitialisation(from: source.plan, to: plan)
        let old = try source.values()
        let run = try TrainingRun(
            plan,
            projection: nil,
            recipe: recipe,
            options: options,
            teacher: nil,
            longest: encoder.maxLength,
            team: try options.team()
        ) { parameter, destination in
            initialisation.fill(parameter, destination, seed: recipe.seed) { UnsafePointer(old[$0]) }
        }
        let validate = try validator(run, encoder)
        let summary = try run.train(
            examples,
            objective: .task,
            settings: recipe.loop,
            key: runKey(recipe, examples, [source.contents], plan),
            validate: validate
        )
        try run.write(tokenizer: try source.tokenizerFiles(), files: [recipeFile(recipe, command)])
        return TrainedModel(output: options.output, task: data.task, summary: summary)
    }

    private func validator(_ run: TrainingRun, _ encoder: ExampleEncoder) throws -> ((Int) throws -> Void)? {
        guard let validation, validation.task == .classify else { return nil }
        let sequences = try encoder.encode(validation).examples.map(\.sequence)
        let outputs = validation.labels.count
        return { epoch in
            let logits = try run.model.logits(of: sequences)
            let probabilities = sequences.indices.map { row in
                softmax(Array(logits[row * outputs..<(row + 1) * outputs]))
            }
            let evaluation = try Evaluation(probabilities: probabilities, data: validation)
            options.report(.validation(epoch: epoch, evaluation.metrics))
        }
    }
}

/// What a run is of: the recipe, the models and every token and goal. Another of any of these is another run.
func runKey(_ recipe: Recipe, _ examples: [EncodedExample], _ models: [UInt64], _ plan: NetworkPlan) -> String {
    var hash: UInt64 = 1
    func add(_ text: String) { hash = Array(text.utf8).withUnsafeBytes { contentHash($0, seed: hash) } }
    for key in RecipeKey.allCases { add("\(key.rawValue)=\(recipe.settings.text(key) ?? "")\n") }
    for model in models { add("\(model)\n") }
    add("\(plan.configuration)")
    for example in examples {
        hash = example.sequence.ids.withUnsafeBytes { contentHash($0, seed: hash) }
        hash = (example.other?.ids ?? []).withUnsafeBytes { contentHash($0, seed: hash) }
        add("\(example.goal)")
    }
    return String(hash, radix: 16)
}

func recipeFile(_ recipe: Recipe, _ command: [(key: String, value: String)]) -> SmallFile {
    var file = RecipeFile()
    file.settings = recipe.settings
    file.command = command
    return file.file
}

func report(truncated: Int, of count: Int, limit: Int, _ options: RunOptions) {
    guard truncated > 0 else { return }
    options.report(
        .warning("\(truncated) of \(count) examples have more than \(limit) tokens and are cut (`max_length`)")
    )
}

func studentInitialisation(
    from teacher: NetworkPlan,
    to student: NetworkPlan,
    layers: [Int]? = nil,
    words: [Int]? = nil
) throws(DistillationError) -> StudentInitialisation {
    do throws(StudentError) {
        return try StudentInitialisation(from: teacher, to: student, layers: layers, words: words)
    } catch {
        throw .usage("\(error)")
    }
}
