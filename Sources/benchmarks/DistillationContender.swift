import ArgumentParser
import DistilBERT
import Foundation
import ModelFiles
import Tensors
import Training

/// Masked-LM distillation as a contender of `ops/bench/distilbert`: `losses WORKLOAD` makes a step of each batch from the student's
/// weights, without dropout, and answers the losses before each step, as `distilbert_peer.py` has it.
struct DistillationContender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distillation-contender",
        abstract: "Our side of ops/bench/distilbert, driven by lines on standard input."
    )

    @Argument(help: "A Hugging Face folder of the teacher, a masked LM.")
    var teacher: String

    @Argument(help: "A Hugging Face folder of the student, a masked LM.")
    var student: String

    @Argument(help: "A folder of files NAME.jsonl, a batch per line: 'ids', masks included, 'rows' and their 'words'.")
    var workloads: String

    @Option(help: "Compute threads.")
    var threads = 1

    func run() async throws {
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: .best)
        let (teacher, student) = (
            try LearningNetwork(self.teacher, learns: false, team: team), try LearningNetwork(self.student, team: team)
        )
        await LineProtocol.serve { command, name in
            guard command == "losses" else { throw LineProtocol.Unknown(description: "no command \(command)") }
            let losses = try Self.losses(teacher, student, MaskedBatch.list(in: "\(workloads)/\(name).jsonl"), team)
            return String(decoding: try JSONEncoder().encode(losses), as: UTF8.self)
        }
    }

    /// DistilBERT's: 5 · soft targets at T = 2, 2 · masked words, 1 · cosine; AdamW with a rate that rises to 5e-4.
    private static func losses(
        _ teacher: LearningNetwork,
        _ student: LearningNetwork,
        _ work: [MaskedBatch],
        _ team: ComputeTeam
    )
        throws -> [Double]
    {
        guard let gradients = student.model.gradients, let head = teacher.model.head else { return [] }
        var objective = Objective()
        objective.task = 2
        objective.softTargets = 5
        objective.temperature = 2
        objective.cosine = 1
        student.reset()
        let optimizer = Optimizer(
            Optimizer.Settings(beta2: 0.98, epsilon: 1e-6),
            values: student.values,
            gradients: gradients,
            table: nil,
            team: team
        )
        return try work.enumerated().map { step, work in
            var outputs = TeacherOutputs()
            try teacher.model.encoder.forward(work.batch)
            outputs.hidden = teacher.model.encoder.lastHidden
            try head.forward(teacher.model.encoder.lastHidden, rows: work.rows)
            outputs.logits = head.logits
            let words = Supervision.words(rows: work.rows, ids: work.words)
            let loss = try student.model.learn(work.batch, words, objective, teacher: outputs)
            _ = optimizer.step(rate: 5e-4 * Double(step + 1) / 50, rows: work.batch.ids)
            student.model.refresh()
            return loss.total
        }
    }
}

private struct MaskedBatch {
    let batch: Batch
    let rows: [Int]
    let words: [Int]

    static func list(in path: String) throws -> [MaskedBatch] {
        struct Line: Decodable {
            let ids: [[Int32]]
            let rows: [Int]
            let words: [Int]
        }
        return try Data(contentsOf: URL(filePath: path)).split(separator: UInt8(ascii: "\n")).map { line in
            let line = try JSONDecoder().decode(Line.self, from: line)
            return MaskedBatch(
                batch: Batch(line.ids.map { TokenSequence(ids: $0, rows: .first) }),
                rows: line.rows,
                words: line.words
            )
        }
    }
}
