import ArgumentParser
import Distillation
import LinuxSystem

/// What finetune and train have in common.
struct TrainingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The folder of the model that is made.", valueName: "dir"))
    var output: String

    @Flag(help: "Replace a model that is there.")
    var force = false

    @Option(help: ArgumentHelp("A recipe: one setting per line, such as `epochs: 3`.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("How often each example is seen. (default: \(Self.usual(.epochs)))", valueName: "n"))
    var epochs: String?

    @Option(help: ArgumentHelp("The highest learning rate. (default: \(Self.usual(.learningRate)))", valueName: "x"))
    var learningRate: String?

    @Option(help: ArgumentHelp("Examples of a step. (default: \(Self.usual(.batchSize)))", valueName: "n"))
    var batchSize: String?

    @Option(
        help: ArgumentHelp(
            "Tokens of a text; a longer one is cut. (default: \(Self.usual(.maxLength)))",
            valueName: "n"
        )
    )
    var maxLength: String?

    @Option(
        help: "What products are computed in: fp32, or bf16 with fp32 weights. (default: \(Self.usual(.precision)))"
    )
    var precision: String?

    @Option(help: ArgumentHelp("Of everything that is drawn. (default: \(Self.usual(.seed)))", valueName: "n"))
    var seed: String?

    @Option(help: ArgumentHelp("Threads to compute with. (default: one per CPU)", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("Seconds between two saved states of the run.", valueName: "s"))
    var saveInterval = 60.0

    @Flag(help: "Print the result as one JSON object, as the last line.")
    var json = false

    private static func usual(_ key: RecipeKey) -> String { Recipe.standard.text(key) ?? "" }

    /// What the user says, flags over the file.
    ///
    /// - Parameter more: flags of one command.
    func settings(_ more: [(key: RecipeKey, value: String?)] = []) throws -> RecipeSettings {
        var settings = RecipeSettings()
        if let config { settings = try RecipeFile(reading: config).settings }
        let flags: [(key: RecipeKey, value: String?)] = [
            (.epochs, epochs), (.learningRate, learningRate), (.batchSize, batchSize), (.maxLength, maxLength),
            (.precision, precision), (.seed, seed),
        ]
        for (key, value) in flags + more {
            guard let value else { continue }
            try settings.set(key, value, source: "--\(key.rawValue.replacing("_", with: "-"))")
        }
        return settings
    }

    func run() -> RunOptions {
        Interrupts.watch()
        return RunOptions(
            output: output,
            replacing: force,
            threads: threads ?? availableThreads(),
            saveInterval: saveInterval,
            report: { Console.report($0) },
            shouldStop: { Interrupts.wasAsked }
        )
    }

    func show(_ model: TrainedModel) {
        Console.result(model.members, json: json)
    }
}

/// The CPUs that this process may use.
func availableThreads() -> Int {
    let mask = (try? ThreadAffinity.current()) ?? [1]
    return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount })
}
