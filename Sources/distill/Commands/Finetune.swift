import ArgumentParser
import Distillation

struct Finetune: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Trains a model for a task on labelled examples."
    )

    @Option(help: ArgumentHelp("The model to begin with: a folder as downloaded.", valueName: "dir"))
    var model: String

    @OptionGroup var data: DataOptions

    @Option(help: ArgumentHelp("Examples to watch the training by; they are not learnt.", valueName: "file"))
    var validation: String?

    @Option(help: "full: all weights; few-shot: a head on sentence embeddings, chosen by cross-validation.")
    var method = "full"

    @OptionGroup var training: TrainingOptions

    func run() throws {
        guard let method = Recipe.Method(rawValue: method) else {
            throw DistillationError.usage("--method: expected full or few-shot, found '\(self.method)'")
        }
        let options = training.run()
        try options.checkOutput()
        let recipe = Recipe(try training.settings())
        let examples = try data.read(data.files, use: .required)
        let held = try validation.map {
            try data.read(
                [$0],
                use: .required,
                labels: examples.labels.isEmpty ? nil : examples.labels,
                task: examples.task
            )
        }
        if let held, let leak = DatasetChecks.leaks(train: examples.examples, test: held) {
            Console.report(.warning(leak))
        }
        let made = try Finetuning(
            source: try ModelSource(model),
            data: examples,
            validation: held,
            method: method,
            recipe: recipe,
            options: options,
            command: [
                ("command", "finetune"), ("model", model), ("data", data.files.joined(separator: " ")),
                ("task", examples.task.rawValue), ("method", method.rawValue),
            ]
        ).run()
        training.show(made)
    }
}
