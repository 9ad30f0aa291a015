import ArgumentParser
import Distillation
import Tensors

/// What evaluate and label have in common.
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The model's folder.", valueName: "dir"))
    var model: String

    @Option(help: "What the weights are stored as: fp32, bf16 or int8.")
    var variant = "fp32"

    func open(threads: Int) throws -> ServedModel {
        guard let format = WeightFormat(rawValue: variant) else {
            let known = WeightFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw DistillationError.usage("--variant: expected \(known), found '\(variant)'")
        }
        return try ServedModel(directory: model, variant: format, threads: threads)
    }
}

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says how good a model is on labelled examples, as it will be served."
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions
    @OptionGroup var common: CommonOptions

    @OptionGroup var unknown: ScopeOption

    @Option(help: ArgumentHelp("Write what the model says of each example, as JSON lines.", valueName: "file"))
    var predictions: String?

    func run() throws {
        let source = try ModelSource(model.model)
        let examples = try data.read(data.files, use: .required, labels: unknown.labels(source), task: source.task)
        let scope = try Scope(examples, outOfScope: unknown.outOfScope)
        let served = try model.open(threads: common.threadCount)
        let evaluation = try evaluate(model: served, data: scope.inside)
        if let predictions { try JSONLines.write(evaluation.predictions, to: predictions) }
        var members = evaluation.metrics.members
        if let outside = try scope.outOfScope(served, evaluation, seed: common.seed ?? 1) {
            members.append(("out_of_scope", outside.json))
        }
        Console.result(members, json: common.json)
    }
}

struct Label: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes what a model says of raw text: labels and probabilities, as JSON lines."
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String

    @OptionGroup var replacing: ReplacingOption
    @OptionGroup var common: CommonOptions

    func run() throws {
        try JSONLines.check(output, replacing: replacing.force)
        let source = try ModelSource(model.model)
        let examples = try data.read(data.files, use: .ignored, labels: source.labels, task: source.task)
        let answers = try predict(model: try model.open(threads: common.threadCount), data: examples)
        try JSONLines.write(answers, to: output)
        Console.result(
            [("output", output), ("task", examples.task.rawValue), ("n", examples.count)],
            json: common.json
        )
    }
}
