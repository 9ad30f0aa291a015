import Foundation
import ModelFiles
import Tasks
import Tensors
import TestSupport
import Testing

/// A pack's bytes belong to the version of its format: with other bytes under an old version, a cache would hand out packs
/// that the software reads differently.
@Suite struct PackBytesTests {
    /// A hash of the packs of both families, every head and every module of sentence-transformers, by precision, without
    /// known answers, whose last bits may be the C library's. When it changes, raise `PackFormat.version` and record what the
    /// test prints.
    private static let recorded: (version: UInt32, hashes: [WeightFormat: String]) = (
        6, [.float32: "50f51bc432936e25", .bfloat16: "292f94d91c9ccb7e", .int8: "c164551039b1aff"]
    )

    @Test(arguments: WeightFormat.allCases) func theFormatsVersionNamesTheBytes(_ precision: WeightFormat) throws {
        let path = GoldenModels.golden.appendingPathComponent("folders.json").path
        let nodes = try JSONNode(readingFile: path).required("models").elements()
        let folders = try nodes.map { node in try GoldenModels.Description(node) }
        let models = GoldenModels.models.values.sorted { $0.name < $1.name } + folders
        #expect(models.count > 40)
        var hash: UInt64 = 0
        for model in models {
            let folder = try TemporaryFolder()
            try model.write(to: folder.path)
            let pack = try Model.pack(folder.path, variant: precision.rawValue)
            hash = contentHash(pack.bytes, seed: hash)
        }
        #expect(PackFile.version == Self.recorded.version)
        #expect(String(hash, radix: 16) == Self.recorded.hashes[precision])
    }
}
