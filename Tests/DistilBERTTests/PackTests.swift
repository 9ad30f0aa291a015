import DistilBERT
import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

@Suite struct PackTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try Self.checkpoint.write(to: folder.path)
    }

    private static let checkpoint = SeededCheckpoint(
        family: .distilBERT,
        hidden: 32,
        layers: 1,
        heads: 2,
        intermediate: 40,
        vocabulary: 200
    )

    private func packer(
        _ directory: String? = nil,
        notes: [(name: String, bytes: [UInt8])] = []
    ) throws -> ModelPacker {
        try ModelPacker(directory: directory ?? folder.path, variant: "fp32", notes: notes)
    }

    /// Writes a pack and lends its descriptor.
    private func withPack<R>(_ packer: ModelPacker, _ body: (CInt) throws -> R) throws -> R {
        let file = try MemoryFile.create(name: "pack", size: 0)
        try packer.write(to: file.rawValue)
        return try body(file.rawValue)
    }

    @Test func holdsTheFilesAndKnowsItself() throws {
        let packer = try packer(notes: [("empty", [])])
        try withPack(packer) { descriptor in
            let pack = try PackFile(descriptor: descriptor)
            #expect(pack.key == packer.key && pack.byteCount == packer.byteCount)
            #expect(pack.verify())
            let file = try MappedFile(path: folder("config.json"))
            #expect(pack.bytes(of: "file:config.json").map(Array.init) == Array(file.bytes))
            #expect(pack.note("empty")?.isEmpty == true)
            #expect(pack.bytes(of: "file:missing") == nil)
        }
    }

    @Test func theKeyNamesTheContents() throws {
        let key = try packer().key
        #expect(try packer().key == key)
        var keys = [key]
        for length in [16, 32] {
            try folder.write("tokenizer_config.json", "{\"do_lower_case\": true, \"model_max_length\": \(length)}")
            keys.append(try packer().key)
        }
        let other = try TemporaryFolder()
        var checkpoint = Self.checkpoint
        checkpoint.seed = 2
        try checkpoint.write(to: other.path)
        keys.append(try packer(other.path).key)
        #expect(Set(keys).count == 4)
    }

    @Test func damageIsFoundWhereverItIs() throws {
        try withPack(try packer()) { descriptor in
            let size = Int(lseek(descriptor, 0, Int32(SEEK_END)))
            for offset in [0, 9, 13, 17, 25, 33, 41, 60, 200, size / 2, size - 1] {
                var byte: UInt8 = 0
                pread(descriptor, &byte, 1, off_t(offset))
                byte ^= 0x40
                pwrite(descriptor, &byte, 1, off_t(offset))
                let intact: Bool
                do {
                    intact = try PackFile(descriptor: descriptor).verify()
                } catch let error as ModelFilesError {
                    #expect(error.code == .malformedPack)
                    intact = false
                }
                #expect(!intact, "byte \(offset)")
                byte ^= 0x40
                pwrite(descriptor, &byte, 1, off_t(offset))
            }
            #expect(try PackFile(descriptor: descriptor).verify())
            for length in [0, 7, 39, 100, size / 2, size - 1].reversed() {
                ftruncate(descriptor, off_t(length))
                #expect(throws: ModelFilesError.self, "cut to \(length)") { try PackFile(descriptor: descriptor) }
            }
        }
    }

    @Test func aCheckpointThatDoesNotFitItsConfigurationIsNamed() throws {
        let other = try TemporaryFolder()
        var checkpoint = Self.checkpoint
        checkpoint.layers = 2
        try checkpoint.write(to: other.path)
        try folder.write("config.json", String(contentsOfFile: other("config.json"), encoding: .utf8))
        do throws(EngineError) {
            _ = try ModelPacker(directory: folder.path, variant: "fp32")
            Issue.record("a checkpoint of one layer was packed as two")
        } catch {
            #expect(error.description.contains("transformer.layer.1."))
        }
    }
}
