import ArgumentParser
import DistilBERT
import Foundation
import ModelFiles
import Tensors
import Training

/// Fine-tuning as a contender of `ops/bench/training`: `run WORKLOAD` makes a step of each batch, with dropout, and answers the
/// milliseconds; `losses WORKLOAD` the losses of a pass from the model's weights without dropout, as `training_peer.py` has it.
struct TrainingContender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training-contender",
        abstract: "Our side of ops/bench/training, driven by lines on standard input."
    )

    @Argument(help: "A Hugging Face folder with a classifier.")
    var model: String

    @Argument(
        help: "A folder of files NAME.jsonl, a batch per line: token ids of its sequences, 'ids', and their 'labels'."
    )
    var workloads: String

    @Option(help: "What products are computed in: fp32 or bf16.")
    var precision = "fp32"

    @Option(help: "Compute threads.")
    var threads = 1

    func run() async throws {
        guard let format = WeightFormat(rawValue: precision), format != .int8 else {
            throw ValidationError("--precision \(precision): fp32 or bf16 is needed")
        }
        let trainer = try Trainer(directory: model, format: format, threads: threads)
        var loaded: [String: [LabelledBatch]] = [:]
        await LineProtocol.serve { command, name in
            let work = try loaded[name] ?? LabelledBatch.list(in: workloads + "/\(name).jsonl")
            loaded[name] = work
            switch command {
            case "run":
                return try await LineProtocol.milliseconds {
                    for batch in work { _ = try trainer.step(batch, drops: true) }
                }
            case "losses":
                trainer.reset()
                let losses = try work.map { try trainer.step($0, drops: false) }
                trainer.reset()
                return String(decoding: try JSONEncoder().encode(losses), as: UTF8.self)
            default: throw LineProtocol.Unknown(description: "no command \(command)")
            }
        }
    }
}

private struct LabelledBatch {
    let batch: Batch
    let labels: [Int]

    static func list(in path: String) throws -> [LabelledBatch] {
        struct Line: Decodable {
            let ids: [[Int32]]
            let labels: [Int]
        }
        return try Data(contentsOf: URL(filePath: path)).split(separator: UInt8(ascii: "\n")).map { line in
            let line = try JSONDecoder().decode(Line.self, from: line)
            return LabelledBatch(
                batch: Batch(line.ids.map { TokenSequence(ids: $0, rows: .first) }),
                labels: line.labels
            )
        }
    }
}

/// A model that learns, step by step.
private final class Trainer {
    private let network: LearningNetwork
    private let team: ComputeTeam
    private var optimizer: Optimizer
    /// Steps that were made, which decide what is dropped.
    private var steps = 0

    init(directory: String, format: WeightFormat, threads: Int) throws {
        team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: .best)
        network = try LearningNetwork(directory, format: format, drops: true, team: team)
        optimizer = Self.optimizer(network.model, team)
    }

    func reset() {
        network.reset()
        optimizer = Self.optimizer(network.model, team)
    }

    /// - Returns: the loss before the step.
    func step(_ work: LabelledBatch, drops: Bool) throws -> Double {
        let randomness = drops ? Randomness(seed: 1, batch: steps) : nil
        steps += 1
        optimizer.reach(work.batch.ids)
        let loss = try network.model.learn(work.batch, .labels(work.labels), .task, randomness: randomness).total
        _ = optimizer.step(rate: 2e-5, rows: work.batch.ids)
        network.model.refresh()
        return loss
    }

    private static func optimizer(_ model: TrainableModel, _ team: ComputeTeam) -> Optimizer {
        guard let gradients = model.gradients else { preconditionFailure("the model is not trained") }
        return Optimizer(
            Optimizer.Settings(decay: 0.01, mostNorm: 1),
            values: model.values,
            gradients: gradients,
            table: model.plan.embeddings.word,
            team: team
        )
    }
}
