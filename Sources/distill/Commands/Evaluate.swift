import ArgumentParser
import Distillation
import Tensors

/// What evaluate and label have in common.
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The model's folder.", valueName: "dir"))
    var model: String

    @Option(help: "What the weights are stored as: fp32, bf16 or int8.")
    var variant = "fp32"

    @Option(help: ArgumentHelp("Threads to compute with. (default: one per CPU)", valueName: "n"))
    var threads: Int?

    func open() throws -> ServedModel {
        guard let format = WeightFormat(rawValue: variant) else {
            let known = WeightFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw DistillationError.usage("--variant: expected \(known), found '\(variant)'")
        }
        return try ServedModel(directory: model, variant: format, threads: threads ?? availableThreads())
    }
}

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says how good a model is on labelled examples, as it will be served."
    )

    @OptionGroup var model: ModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("Write what the model says of each example, as JSON lines.", valueName: "file"))
    var predictions: String?

    @Flag(help: "Print the metrics as one JSON object.")
    var json = false

    func run() throws {
        let source = try ModelSource(model.model)
        let examples = try data.read(data.files, use: .required, labels: source.labels, task: source.task)
        let evaluation = try evaluate(model: try model.open(), data: examples)
        if let predictions { try JSONLines.write(evaluation.predictions, to: predictions) }
        Console.result(evaluation.metrics.members, json: json)
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

    @Flag(help: "Replace a file that is there.")
    var force = false

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        try JSONLines.check(output, replacing: force)
        let source = try ModelSource(model.model)
        let examples = try data.read(data.files, use: .ignored, labels: source.labels, task: source.task)
        try JSONLines.write(try predict(model: try model.open(), data: examples), to: output)
        Console.result([("output", output), ("task", examples.task.rawValue), ("n", examples.count)], json: json)
    }
}
