import DistilBERT
import LinuxSystem
import ModelFiles
import Tasks
import Tensors

/// A checkpoint packed into memory and loaded, with its classifier when it has one.
struct LoadedEngine {
    let team: ComputeTeam
    let model: Model
    private let head: HeadLayers?

    /// - Parameter variant: the precision: "fp32", "bf16" or "int8".
    init(directory: String, variant: String, threads: Int) throws {
        team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: .best)
        let packer = try ModelPacker(directory: directory, variant: variant)
        let file = try MemoryFile.create(name: "pack", size: 0)
        try packer.write(to: file.rawValue)
        let pack = try PackFile(descriptor: file.rawValue)
        model = try Model(pack: pack, team: team)
        head = try HeadLayers(model.plan.head, pack: pack, team: team)
    }

    /// The classifier's logits, one row per sequence; computed as a worker does, first tokens alone in the last layer.
    func logits(_ sequences: [TokenSequence]) throws -> [[Float]] {
        guard let head, let output = try model.forward(sequences) else { return [] }
        var result: [[Float]] = []
        try head.logits(output.hidden, rows: sequences.indices.map { output.bounds[$0].lowerBound }) { _, logits in
            result += (0..<logits.rows).map { Array(logits[$0]) }
        }
        return result
    }
}

/// Multiply-adds that a batch really takes, two operations each, attention by real lengths.
func floatingPointOperations(of batch: [TokenSequence], _ c: ModelConfiguration) -> Double {
    batch.reduce(0.0) { sum, sequence in
        let length = sequence.ids.count
        let layer = { (rows: Int) in
            2.0 * Double(length * 2 * c.hiddenSize * c.hiddenSize)
                + 2.0 * Double(rows * c.hiddenSize * (2 * c.hiddenSize + 2 * c.intermediateSize))
                + 4.0 * Double(rows * length * c.hiddenSize)
        }
        return sum + Double(c.layers - 1) * layer(length) + layer(sequence.rows == .all ? length : 1)
    }
}
