import DistilBERT
import LinuxSystem
import Messages
import ModelFiles
import Tasks
import Tensors
import TestSupport

extension Model {
    /// A folder packed into memory and loaded, as a worker has it.
    convenience init(directory: String, threads: Int = 1) throws {
        try self.init(pack: try Self.pack(directory), threads: threads)
    }

    convenience init(pack: PackFile, threads: Int, instructionSet: InstructionSet = .best) throws {
        try self.init(
            pack: pack,
            team: try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: instructionSet)
        )
    }

    static func pack(_ directory: String, variant: String = "fp32", proven: Bool = false) throws -> PackFile {
        let file = try MemoryFile.create(name: "pack", size: 0)
        try ModelPacker(directory: directory, variant: variant, proven: proven).write(to: file.rawValue)
        return try PackFile(descriptor: file.rawValue)
    }

    /// Answers requests in one batch.
    func answer(_ requests: [InferenceRequest], stepTokens: Int = 512) throws -> [InferenceResponse] {
        var answers: [UInt64: InferenceResponse] = [:]
        var run = BatchRun(model: self, maxStepTokens: stepTokens)
        for (index, request) in requests.enumerated() {
            let task = try prepare(request)
            if let immediate = task.immediate {
                answers[UInt64(index)] = immediate
            } else {
                run.add(task, id: UInt64(index))
            }
        }
        while let step = run.nextStep(keep: { _ in true }) {
            for (id, result) in run.perform(step) { answers[id] = try result.get() }
        }
        return requests.indices.compactMap { answers[UInt64($0)] }
    }
}

/// A small classifier with a tokenizer, on disk.
final class SeededModel {
    let folder: TemporaryFolder
    let model: Model

    init(labels: Int = 3, threads: Int = 1) throws {
        folder = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(
            family: .bert,
            hidden: 64,
            layers: 2,
            heads: 4,
            intermediate: 200,
            vocabulary: 600
        )
        checkpoint.positions = 64
        checkpoint.labels = labels
        checkpoint.spread = 0.25
        try checkpoint.write(to: folder.path)
        model = try Model(directory: folder.path, threads: threads)
    }
}
