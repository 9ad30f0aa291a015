import Foundation
import ModelFiles
import TestSupport
import Testing

@Suite struct CheckpointTests {
    /// One F32 tensor of two elements under the given name.
    private func oneTensor(_ name: String) -> [UInt8] {
        safetensors("{\"\(name)\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", data: 8)
    }

    private func index(_ map: String) -> String { "{\"metadata\": {\"total_size\": 8}, \"weight_map\": {\(map)}}" }

    @Test func findsTensorsUnderAllTheirNames() throws {
        let spellings = [
            ("bert.embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"),
            ("embeddings.LayerNorm.beta", "bert.embeddings.LayerNorm.bias"),
            ("distilbert.embeddings.word_embeddings.weight", "embeddings.word_embeddings.weight"),
            ("transformer.layer.0.ffn.lin1.bias", "distilbert.transformer.layer.0.ffn.lin1.bias"),
            ("cls.predictions.decoder.bias", "cls.predictions.bias"),
            ("classifier.weight", "classifier.weight"),
        ]
        for (stored, wanted) in spellings {
            let folder = try TemporaryFolder()
            try folder.write("model.safetensors", oneTensor(stored))
            let checkpoint = try Checkpoint(directory: folder.path)
            #expect(checkpoint.names == [stored])
            #expect(try checkpoint.weight(wanted, shape: [2]).name == stored)
            #expect(checkpoint.tensor("other") == nil)
            #expect(checkpoint.files == [folder("model.safetensors")])
        }
    }

    @Test func weightErrorsNameTensorAndShapes() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "model.safetensors",
            safetensors(
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                    + "\"embeddings.position_ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]},"
                    + "\"x.beta\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[16,20]},"
                    + "\"bert.x.bias\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[20,24]}}",
                data: 24
            )
        )
        let checkpoint = try Checkpoint(directory: folder.path)
        func failure(_ name: String, _ shape: [Int]) -> ModelFilesError? {
            #expect(throws: ModelFilesError.self) { try checkpoint.weight(name, shape: shape) }
        }
        let missing = failure("bert.pooler.dense.weight", [4, 4])
        #expect(missing?.code == .missingTensor)
        #expect(missing?.description.contains("\"bert.pooler.dense.weight\" is missing; expected shape [4, 4]") == true)
        let wrong = failure("w", [2, 1])
        #expect(wrong?.code == .unexpectedTensor)
        #expect(wrong?.description.contains("\"w\" has the shape [2]; config.json calls for [2, 1]") == true)
        let integers = failure("bert.embeddings.position_ids", [1])
        #expect(integers?.code == .unexpectedTensor && integers?.description.contains("I64") == true)
        let ambiguous = failure("x.bias", [])
        #expect(ambiguous?.description.contains("several names") == true)
        #expect(try checkpoint.weight("bert.x.bias", shape: []).name == "bert.x.bias")
    }

    @Test func convertsElementsExactly() throws {
        let halves: [UInt16] = [0x0000, 0x8000, 0x3C00, 0xC500, 0x0001, 0x7BFF, 0x7C00]
        let brains: [UInt16] = [0x0000, 0x3F80, 0xC0A0, 0x0001, 0x7F7F, 0xFF80]
        let singles: [Float] = [0, -1.5, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        let header =
            "{\"h\":{\"dtype\":\"F16\",\"shape\":[7],\"data_offsets\":[0,14]},"
            + "\"b\":{\"dtype\":\"BF16\",\"shape\":[6],\"data_offsets\":[14,26]},"
            + "\"f\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[26,42]}}"
        var file = safetensors(header, data: 0)
        for bits in halves + brains { withUnsafeBytes(of: bits.littleEndian) { file.append(contentsOf: $0) } }
        for single in singles { withUnsafeBytes(of: single.bitPattern.littleEndian) { file.append(contentsOf: $0) } }
        let folder = try TemporaryFolder()
        try folder.write("model.safetensors", file)
        let checkpoint = try Checkpoint(directory: folder.path)
        let h = try checkpoint.weight("h", shape: [7]).floats()
        #expect(h == [0, 0, 1, -5, 5.9604645e-08, 65504, .infinity] && h[1].sign == .minus)
        let b = try checkpoint.weight("b", shape: [6]).floats()
        #expect(b == [0, 1, -5, Float(bitPattern: 0x10000), 3.3895314e38, -.infinity])
        let f = try checkpoint.weight("f", shape: [4])
        #expect(f.floats() == singles && f.count == 4)
        var part = [Float](repeating: 0, count: 2)
        part.withUnsafeMutableBufferPointer { f.copyFloats(from: 1, to: $0) }
        #expect(part == [-1.5, .leastNonzeroMagnitude])
    }

    // MARK: - Shards

    @Test func readsShards() throws {
        let folder = try TemporaryFolder()
        try folder.write("model-00002-of-00002.safetensors", oneTensor("a"))
        try folder.write("model-00001-of-00002.safetensors", oneTensor("b"))
        try folder.write(
            "model.safetensors.index.json",
            index("\"a\": \"model-00002-of-00002.safetensors\", \"b\": \"model-00001-of-00002.safetensors\"")
        )
        let checkpoint = try Checkpoint(directory: folder.path + "/")
        #expect(checkpoint.names == ["a", "b"])
        #expect(
            checkpoint.files.map { ($0 as NSString).lastPathComponent } == [
                "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            ]
        )
        #expect(try checkpoint.weight("a", shape: [2]).file.path == folder("model-00002-of-00002.safetensors"))
    }

    @Test(arguments: [
        "../m.safetensors", "/etc/m.safetensors", "..", ".", "", "sub/m.safetensors", ".hidden.safetensors", "m.bin",
        "m\\u0000.safetensors", "\\u002e\\u002e/m.safetensors",
    ])
    func refusesShardNamesThatLeaveTheFolder(_ name: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("m.safetensors", oneTensor("a"))
        try folder.write("inner/model.safetensors.index.json", index("\"a\": \"\(name)\""))
        try folder.write("inner/sub/m.safetensors", oneTensor("a"))
        let error = #expect(throws: ModelFilesError.self) { try Checkpoint(directory: folder("inner")) }
        #expect(error?.code == .malformedCheckpoint && error?.description.contains("plain name") == true)
    }

    @Test func refusesShardsThatContradictTheirIndex() throws {
        let folder = try TemporaryFolder()
        try folder.write("1.safetensors", oneTensor("a"))
        try folder.write("2.safetensors", oneTensor("a"))
        let cases = [
            ("\"a\": \"1.safetensors\", \"b\": \"2.safetensors\"", "is in \(folder("1.safetensors")) too"),
            ("\"a\": \"1.safetensors\", \"b\": \"1.safetensors\"", "\"b\" is not in 1.safetensors"),
            ("\"a\": \"3.safetensors\"", "cannot be opened"),
            ("", "names 0 files"),
            ("\"a\": 1", "`weight_map.a` must be a string"),
        ]
        for (map, reason) in cases {
            try folder.write("model.safetensors.index.json", index(map))
            let error = #expect(throws: ModelFilesError.self) { try Checkpoint(directory: folder.path) }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
        }
    }

    // MARK: - Folders without weights

    @Test func refusesPicklesAndSaysHowToConvert() throws {
        let folder = try TemporaryFolder()
        try folder.write("pytorch_model.bin", [0x80, 2])
        let error = #expect(throws: ModelFilesError.self) { try Checkpoint(directory: folder.path) }
        #expect(error?.code == .unsupportedFormat && error?.file == folder("pytorch_model.bin"))
        #expect(error?.description.contains("s.save_file(") == true)
    }

    @Test func refusesWhatIsNoRegularFile() throws {
        let folder = try TemporaryFolder()
        #expect(throws: ModelFilesError.self) { try Checkpoint(directory: folder.path) }
        #expect(mkfifo(folder("model.safetensors"), 0o600) == 0)
        let pipe = #expect(throws: ModelFilesError.self) { try Checkpoint(directory: folder.path) }
        #expect(pipe?.description.contains("not a regular file") == true)
        try FileManager.default.removeItem(atPath: folder("model.safetensors"))
        try folder.write("model.safetensors", [])
        let empty = #expect(throws: ModelFilesError.self) { try Checkpoint(directory: folder.path) }
        #expect(empty?.code == .malformedCheckpoint)
        let absent = #expect(throws: ModelFilesError.self) { try MappedFile(path: folder("none")) }
        #expect(absent?.code == .missingFile)
        #expect(throws: ModelFilesError.self) { try MappedFile(path: "/dev/null\u{0}x") }
    }
}
