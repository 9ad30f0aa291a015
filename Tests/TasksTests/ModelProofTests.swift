import DistilBERT
import Glibc
import LinuxSystem
import ModelFiles
import Tasks
import Tensors
import TestSupport
import Testing

/// What a worker proves before it is READY; `ProofTests` plants faults in real workers.
@Suite struct ModelProofTests {
    private func failure(_ model: Model, _ extent: ModelProof.Extent) -> String? {
        do throws(EngineError) {
            try model.prove(extent)
            return nil
        } catch {
            guard case .proof(let failure) = error else { return "another error: \(error)" }
            return failure.description
        }
    }

    /// Both families, every head and the modules of sentence-transformers.
    @Test(arguments: WeightFormat.allCases) func everyKindOfModelIsProven(_ precision: WeightFormat) throws {
        for (name, description) in GoldenModels.models {
            let folder = try TemporaryFolder()
            try description.write(to: folder.path)
            let pack = try Model.pack(folder.path, variant: precision.rawValue, proven: true)
            let model = try Model(pack: pack, threads: 2)
            #expect(failure(model, .full) == nil, "\(name)")
            #expect(failure(model, .short) == nil, "\(name)")
        }
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isSupported), WeightFormat.allCases)
    func everySetIsProven(_ set: InstructionSet, _ precision: WeightFormat) throws {
        let folder = try TemporaryFolder()
        try Self.checkpoint.write(to: folder.path)
        let pack = try Model.pack(folder.path, variant: precision.rawValue, proven: true)
        #expect(failure(try Model(pack: pack, threads: 1, instructionSet: set), .full) == nil)
    }

    private static var checkpoint: SeededCheckpoint {
        var checkpoint = SeededCheckpoint(family: .bert, hidden: 100, layers: 2, heads: 4, intermediate: 420)
        checkpoint.labels = 3
        return checkpoint
    }

    /// One bit of one weight of each kind, somewhere in the pack.
    @Test(arguments: [
        "layer.1.output.weight", "layer.0.qkv.bias", "embeddings.word.weight", "embeddings.position",
        "head.classifier.weight",
    ])
    func oneWrongWeightIsFound(_ section: String) throws {
        let folder = try TemporaryFolder()
        try Self.checkpoint.write(to: folder.path)
        let file = try MemoryFile.create(name: "pack", size: 0)
        try ModelPacker(directory: folder.path, variant: "fp32", proven: true).write(to: file.rawValue)
        let pack = try PackFile(descriptor: file.rawValue)
        let bytes = try #require(pack.bytes(of: section))
        #expect(failure(try Model(pack: pack, threads: 1), .full) == nil)
        // The exponent's lowest bit of a value in the middle: half of it, or twice as much.
        let place = bytes.count / 2 / 4 * 4 + 2
        let offset = try #require(bytes.baseAddress) - UnsafeRawPointer(try #require(pack.bytes.baseAddress)) + place
        let damaged = [bytes[place] ^ 0x80]
        #expect(damaged.withUnsafeBytes { pwrite(file.rawValue, $0.baseAddress, 1, off_t(offset)) } == 1)
        let message = failure(try Model(pack: pack, threads: 1), .full)
        let layer = section.replacing(".weight", with: "").replacing(".bias", with: "")
        #expect(message?.contains(layer) == true, "\(message ?? "it passed")")
    }

    @Test func aPackWithoutKnownAnswersIsMadeAgain() throws {
        let folder = try TemporaryFolder()
        try Self.checkpoint.write(to: folder.path)
        let model = try Model(pack: try Model.pack(folder.path), threads: 1)
        #expect { try model.prove(.short) } throws: { error in
            if case EngineError.pack(let reason) = error { reason.contains("known answers") } else { false }
        }
    }
}
