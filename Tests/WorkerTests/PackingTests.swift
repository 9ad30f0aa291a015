import Foundation
import LinuxSystem
import Messages
import ModelFiles
import TestSupport
import Testing
import Worker

/// What becomes of a pack whose checkpoint changes between the moment at which its key is named and the end.
@Suite struct PackingTests {
    private let folder: TemporaryFolder
    private let weights: String

    init() throws {
        folder = try TemporaryFolder()
        weights = folder("model.safetensors")
        try SeededCheckpoint(family: .distilBERT).write(to: folder.path)
    }

    /// Packs the folder; `change` runs when the key is named, and everything is mapped and nothing written.
    private func pack(variant: String, change: () throws -> Void) throws -> (bytes: [UInt8], key: String) {
        let file = try MemoryFile.create(name: "pack", size: 0)
        var key = ""
        let request = ToWorker.Pack(modelDirectory: folder.path, variant: variant, minCosine: 0.5, minAgreement: 0.5)
        _ = try ModelLoader().pack(request, into: file) { proposed in
            key = proposed
            try change()
        } progress: {
        }
        let pack = try PackFile(descriptor: file.rawValue)
        #expect(pack.verify())
        var bytes = [UInt8](repeating: 0, count: pack.byteCount)
        #expect(pread(file.rawValue, &bytes, bytes.count, 0) == bytes.count)
        return (bytes, key)
    }

    private func write(_ byte: UInt8, at offset: UInt64) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: weights))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data([byte]))
        try file.close()
    }

    @Test(arguments: ["fp32", "int8"]) func aFileThatIsWrittenToIsNamed(variant: String) throws {
        let whole = try Data(contentsOf: URL(fileURLWithPath: weights))
        let middle = whole.count - 1000
        // Written to; and written to and restored, with the time of change that it had.
        for isRestored in [false, true] {
            let failure = #expect(throws: LoadFailure.self, "restored: \(isRestored)") {
                let attributes = try FileManager.default.attributesOfItem(atPath: weights)
                _ = try pack(variant: variant) {
                    try write(whole[middle] ^ 1, at: UInt64(middle))
                    guard isRestored else { return }
                    try write(whole[middle], at: UInt64(middle))
                }
                try FileManager.default.setAttributes(attributes, ofItemAtPath: weights)
            }
            #expect(failure?.kind == .resource)
            #expect(failure?.message.contains("model.safetensors: the file was written to while") == true)
            try whole.write(to: URL(fileURLWithPath: weights))
        }
    }

    /// Where the time of change says nothing, as of a file that is written to through a mapping, the contents do.
    @Test func contentsAreComparedToo() throws {
        let failure = #expect(throws: LoadFailure.self) {
            _ = try pack(variant: "fp32") {
                var status = stat()
                #expect(stat(weights, &status) == 0)
                let size = Int(status.st_size)
                try write(0xFF, at: UInt64(size - 1000))
                var times = [status.st_atim, status.st_mtim]
                #expect(utimensat(AT_FDCWD, weights, &times, 0) == 0)
            }
        }
        #expect(failure?.kind == .resource)
        #expect(failure?.message.contains("written to") == true)
    }

    /// The files that were opened are what is packed, under their own key.
    @Test func aFileThatIsReplacedIsPackedAsItWas() throws {
        let before = try pack(variant: "fp32") {}
        let other = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(family: .distilBERT)
        checkpoint.seed = 2
        try checkpoint.write(to: other.path)
        let after = try pack(variant: "fp32") {
            #expect(rename(other("model.safetensors"), weights) == 0)
        }
        #expect(after.key == before.key)
        #expect(after.bytes == before.bytes)
        #expect(try pack(variant: "fp32") {}.key != before.key)
    }
}
