import ArgumentParser

@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measurements of the engine, by itself and beside its peers.",
        subcommands: [EngineBenchmark.self]
    )
}
