import DistilBERT
import Glibc
import LinuxSystem
import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite struct PackTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try SeededCheckpoint(family: .distilBERT, hidden: 32, layers: 1, heads: 2, intermediate: 40, vocabulary: 200)
            .write(to: folder.path)
    }

    private func packer(
        files: [(name: String, contents: String)] = [],
        directory: String? = nil
    ) throws -> ModelPacker {
        let directory = directory ?? folder.path
        let scratch = try TemporaryFolder()
        let files = try files.map { file in
            let path = "\(scratch.path)/\(file.name)"
            try SafetensorsWriter.write(text: file.contents, to: path)
            return (name: file.name, file: try MappedFile(path: path))
        }
        return try ModelPacker(
            try ModelConfiguration(directory: directory),
            checkpoint: try Checkpoint(directory: directory),
            files: files,
            variant: "fp32"
        )
    }

    /// Writes a pack and lends its descriptor.
    private func withPack<R>(_ packer: ModelPacker, _ body: (CInt) throws -> R) throws -> R {
        let file = try MemoryFile.create(name: "pack", size: 0)
        try packer.write(to: file.rawValue)
        return try body(file.rawValue)
    }

    @Test func holdsTheFilesAndKnowsItself() throws {
        let packer = try packer(files: [("config.json", "{}"), ("empty", "")])
        try withPack(packer) { descriptor in
            let pack = try PackFile(descriptor: descriptor)
            #expect(pack.key == packer.key && pack.byteCount == packer.byteCount)
            #expect(pack.verify())
            #expect(pack.bytes(of: "file:config.json").map(Array.init) == Array("{}".utf8))
            #expect(pack.bytes(of: "file:empty")?.isEmpty == true)
            #expect(pack.bytes(of: "file:missing") == nil)
        }
    }

    @Test func theKeyNamesTheContents() throws {
        let key = try packer().key
        #expect(try packer().key == key)
        #expect(try packer(files: [("config.json", "1")]).key != key)
        #expect(try packer(files: [("config.json", "2")]).key != packer(files: [("config.json", "1")]).key)
        let other = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(
            family: .distilBERT,
            hidden: 32,
            layers: 1,
            heads: 2,
            intermediate: 40,
            vocabulary: 200
        )
        checkpoint.seed = 2
        try checkpoint.write(to: other.path)
        #expect(try packer(directory: other.path).key != key)
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
        try SeededCheckpoint(family: .distilBERT, hidden: 32, layers: 2, heads: 2, intermediate: 40, vocabulary: 200)
            .write(to: other.path)
        let checkpoint = try Checkpoint(directory: folder.path)
        let configuration = try ModelConfiguration(directory: other.path)
        do throws(EngineError) {
            _ = try ModelPacker(configuration, checkpoint: checkpoint, files: [], variant: "fp32")
            Issue.record("a checkpoint of one layer was packed as two")
        } catch {
            #expect(error.description.contains("transformer.layer.1."))
        }
    }
}
