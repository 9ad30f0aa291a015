import ArgumentParser
import Distillation

struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Distils a teacher into a smaller model."
    )

    @Option(help: ArgumentHelp("The model to learn from.", valueName: "dir"))
    var teacher: String

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("Raw text; labels in it are not looked at. Several are joined.", valueName: "file"))
    var unlabelled: [String] = []

    @Option(help: "What the student learns: distilbert, pkd, minilmv2 or embedding. (default: distilbert)")
    var preset: String?

    @Option(help: .setting(.layers, default: "half of the teacher's")) var layers: String?
    @Option(help: .setting(.width, default: "the teacher's")) var width: String?
    @Option(help: .setting(.vocabulary, default: "the teacher's")) var vocabulary: String?

    @OptionGroup var training: TrainingOptions

    func run() throws {
        let chosen: Recipe.Preset?
        if let preset {
            guard let known = Recipe.Preset(rawValue: preset) else {
                let all = Recipe.Preset.allCases.map(\.rawValue).joined(separator: ", ")
                throw DistillationError.usage("--preset: expected \(all), found '\(preset)'")
            }
            chosen = known
        } else {
            // A file that says weights says all of them.
            chosen = training.config == nil ? .distilbert : nil
        }
        let options = training.run()
        try options.checkOutput()
        let settings = try training.settings([(.layers, layers), (.width, width), (.vocabulary, vocabulary)])
        let source = try ModelSource(teacher)
        let labels = source.labels
        let examples =
            data.files.isEmpty && !unlabelled.isEmpty
            ? Dataset(task: try data.chosenTask ?? source.task, labels: labels ?? [])
            : try data.read(data.files, use: .optional, labels: labels, task: source.task)
        let raw = unlabelled.isEmpty ? nil : try data.read(unlabelled, use: .ignored, task: examples.task)
        let made = try Distilling(
            teacher: source,
            data: examples,
            unlabelled: raw,
            recipe: Recipe(settings, preset: chosen),
            options: options,
            command: [
                ("command", "train"), ("teacher", teacher), ("teacher_hash", try ServedModel.contents(of: teacher)),
                ("data", data.files.joined(separator: " ")),
                ("unlabelled", unlabelled.joined(separator: " ")), ("task", examples.task.rawValue),
                ("preset", chosen?.rawValue ?? ""),
            ]
        ).run()
        training.show(made)
    }
}
