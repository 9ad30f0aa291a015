import ArgumentParser

@main
struct Benchmarks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measurements of the engine, by itself and beside its peers.",
        subcommands: [
            EngineBenchmark.self, KernelBenchmark.self,
            EngineContender.self, TrainingContender.self, DistillationContender.self, TokenizerContender.self,
            CallContender.self, StartContender.self,
        ]
    )
}
