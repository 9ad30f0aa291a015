import ArgumentParser
import Distillation

/// Which data, and how it is laid out.
struct DataOptions: ParsableArguments {
    @Option(name: .customLong("data"), help: ArgumentHelp("A data file; several are joined.", valueName: "file"))
    var files: [String] = []

    @Option(help: "What the model does: auto, classify, multi-label, regression, tag, answer or embed.")
    var task = "auto"

    @Option(
        help: ArgumentHelp("glue:TASK or squad, for their own files; else by the file's name.", valueName: "format")
    )
    var format: String?

    @Option(name: .customLong("text-column"), help: "The column of the text. (default: text)")
    var textColumn: String?

    @Option(name: .customLong("pair-column"), help: "The column of the second text. (default: text_pair)")
    var pairColumn: String?

    @Option(name: .customLong("label-column"), help: "The column of the label. (default: label)")
    var labelColumn: String?

    /// - Parameters:
    ///   - labels: the model's own, where it has them.
    ///   - task: the model's, where the data need not say it.
    func read(
        _ paths: [String],
        use: DatasetOptions.LabelUse,
        labels: [String]? = nil,
        task: TrainingTask? = nil
    ) throws -> Dataset {
        guard !paths.isEmpty else { throw DistillationError.usage("--data is missing: which file holds the examples?") }
        let options = DatasetOptions(
            task: try chosenTask ?? task,
            format: try format.map { try DatasetOptions.Format(parsing: $0) } ?? .byName,
            textColumn: textColumn,
            pairColumn: pairColumn,
            labelColumn: labelColumn,
            labels: labels,
            labelUse: use
        )
        let dataset = try DatasetReader(options).read(paths)
        for notice in dataset.notices { Console.report(.notice(notice)) }
        for warning in dataset.warnings { Console.report(.warning(warning)) }
        return dataset
    }

    /// What --task says; nil: the data is to say.
    var chosenTask: TrainingTask? {
        get throws {
            if task == "auto" { return nil }
            guard let task = TrainingTask(rawValue: task) else {
                let known = TrainingTask.allCases.map(\.rawValue).joined(separator: ", ")
                throw DistillationError.usage("--task: expected auto, \(known), found '\(self.task)'")
            }
            return task
        }
    }
}

/// Labels of data to test on that a classifier was not taught.
struct ScopeOption: ParsableArguments {
    @Option(
        name: .customLong("out-of-scope"),
        help: ArgumentHelp(
            "A label of the data that the model does not know, to see whether it says so; may be repeated.",
            valueName: "label"
        )
    )
    var outOfScope: [String] = []

    /// Those that the data may have.
    func labels(_ model: ModelSource) -> [String]? { model.labels.map { $0 + outOfScope } }
}
