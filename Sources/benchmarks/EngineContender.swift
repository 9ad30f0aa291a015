import ArgumentParser
import DistilBERT
import Foundation
import Tasks
import Tensors

/// The engine as a contender of `ops/bench/run`: `run WORKLOAD` computes all its batches to logits and answers the
/// milliseconds; `answer WORKLOAD` the logits; `operations WORKLOAD` what a pass takes; `peak` the rate of multiply-adds on
/// registers of its threads at once.
struct EngineContender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine-contender",
        abstract: "The engine's side of ops/bench/run, driven by lines on standard input."
    )

    @Argument(help: "A Hugging Face folder with a classifier.")
    var model: String

    @Argument(help: "A JSON file: by name, a list of batches, each a list of sequences of token ids.")
    var workloads: String

    @Option(help: "The precision of the weights.")
    var variant = "fp32"

    @Option(help: "Compute threads.")
    var threads = 1

    func run() async throws {
        let engine = try LoadedEngine(directory: model, variant: variant, threads: threads)
        let file = try Data(contentsOf: URL(filePath: workloads))
        let work = try JSONDecoder().decode([String: [[[Int32]]]].self, from: file).mapValues { batches in
            batches.map { batch in batch.map { TokenSequence(ids: $0, rows: .first) } }
        }
        await LineProtocol.serve { command, name in
            // as long as a pass, so that the machine's other guests meet both alike
            if command == "peak" {
                return String(engine.team.measurePeak(WeightFormat(rawValue: variant) ?? .float32, seconds: 0.1))
            }
            guard let batches = work[name] else { throw LineProtocol.Unknown(description: "no workload \(name)") }
            switch command {
            case "run":
                return try await LineProtocol.milliseconds {
                    for batch in batches { _ = try engine.logits(batch) }
                }
            case "answer":
                let logits = try batches.flatMap { try engine.logits($0) }
                return String(decoding: try JSONEncoder().encode(logits), as: UTF8.self)
            case "operations":
                let sum = batches.reduce(0.0) { $0 + floatingPointOperations(of: $1, engine.model.configuration) }
                return String(sum)
            default: throw LineProtocol.Unknown(description: "no command \(command)")
            }
        }
    }
}
