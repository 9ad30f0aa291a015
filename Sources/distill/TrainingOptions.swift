import ArgumentParser
import Distillation

/// What finetune and train have in common.
struct TrainingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of the model that is made.", valueName: "dir"))
    var output: String

    @OptionGroup var replacing: ReplacingOption

    @Option(help: ArgumentHelp("A recipe: one setting per line, such as `epochs: 3`.", valueName: "file"))
    var config: String?

    @Option(help: .setting(.epochs)) var epochs: String?
    @Option(help: .setting(.learningRate)) var learningRate: String?
    @Option(help: .setting(.batchSize)) var batchSize: String?
    @Option(help: .setting(.maxLength)) var maxLength: String?
    @Option(help: .setting(.precision)) var precision: String?

    @Option(help: ArgumentHelp("Seconds between two saved states of the run.", valueName: "s"))
    var saveInterval = 60.0

    @OptionGroup var common: CommonOptions

    /// What the user says, flags over the file.
    ///
    /// - Parameter more: flags of one command.
    func settings(_ more: [(key: RecipeKey, value: String?)] = []) throws -> RecipeSettings {
        var settings = RecipeSettings()
        if let config { settings = try RecipeFile(reading: config).settings }
        let flags: [(key: RecipeKey, value: String?)] = [
            (.epochs, epochs), (.learningRate, learningRate), (.batchSize, batchSize), (.maxLength, maxLength),
            (.precision, precision), (.seed, common.seed.map { "\($0)" }),
        ]
        for (key, value) in flags + more {
            if let value { try settings.set(key, value, source: key.option) }
        }
        return settings
    }

    func run() -> RunOptions {
        Interrupts.watch()
        return RunOptions(
            output: output,
            replacing: replacing.force,
            threads: common.threadCount,
            saveInterval: saveInterval,
            report: { Console.report($0) },
            shouldStop: { Interrupts.wasAsked }
        )
    }

    func show(_ model: TrainedModel) {
        Console.result(model.members, json: common.json)
    }
}
