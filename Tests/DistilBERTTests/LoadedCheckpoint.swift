import DistilBERT
import LinuxSystem
import ModelFiles
import Tensors

/// A checkpoint folder packed into memory and loaded, as a worker has it.
struct LoadedCheckpoint {
    let configuration: ModelConfiguration
    let pack: PackFile
    let encoder: Encoder
    let head: HeadLayers?

    init(
        directory: String,
        threads: Int = 1,
        instructionSet: InstructionSet = .best,
        variant: String = "fp32",
        exceptions: [String: WeightFormat] = [:]
    ) throws {
        configuration = try ModelConfiguration(directory: directory)
        let packer = try ModelPacker(directory: directory, variant: variant, exceptions: exceptions)
        let file = try MemoryFile.create(name: "pack", size: 0)
        try packer.write(to: file.rawValue)
        pack = try PackFile(descriptor: file.rawValue)
        let team = try ComputeTeam(
            cpus: Array(repeating: nil, count: threads),
            instructionSet: instructionSet
        )
        let plan = NetworkPlan(configuration, pack: pack)
        encoder = try Encoder(plan, pack: pack, team: team)
        head = try HeadLayers(plan.head, pack: pack, team: team)
    }

    /// The last hidden states of each sequence, [rows × H].
    func hidden(_ sequences: [TokenSequence]) throws -> [[Float]] {
        guard let output = try encoder.forward(sequences) else { return [] }
        return sequences.indices.map { index in output.bounds[index].flatMap { Array(output.hidden[$0]) } }
    }

    /// The logits of each sequence's first token, [n][labels].
    func logits(_ sequences: [TokenSequence]) throws -> [[Float]] {
        try first(sequences) { head, states, rows, take in try head.logits(states, rows: rows, take) }
    }

    /// What the pooling layer makes of each sequence's first token, [n][H].
    func pooled(_ sequences: [TokenSequence]) throws -> [[Float]] {
        try first(sequences) { head, states, rows, take in try head.pooled(states, rows: rows, take) }
    }

    private func first(
        _ sequences: [TokenSequence],
        _ body: (HeadLayers, Matrix, [Int], (Int, Matrix) -> Void) throws -> Void
    ) throws -> [[Float]] {
        let output = try encoder.forward(
            sequences.map { TokenSequence(ids: $0.ids, types: $0.types, rows: .first) }
        )
        var result: [[Float]] = []
        guard let output, let head else { return result }
        try body(head, output.hidden, Array(sequences.indices)) { _, values in
            result += (0..<values.rows).map { Array(values[$0]) }
        }
        return result
    }
}
