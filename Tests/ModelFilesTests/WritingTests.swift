import Glibc
import ModelFiles
import TestSupport
import Testing

@Suite struct WritingTests {
    private func write(
        _ values: [Float],
        _ type: ElementType,
        to path: String
    ) throws(ModelFilesError) {
        let result = values.withUnsafeBufferPointer { values in
            Result { () throws(ModelFilesError) in
                let tensor = CheckpointWriter.Tensor(name: "a\"b", shape: [values.count], values: values.baseAddress!)
                try CheckpointWriter.write([tensor], as: type, to: path)
            }
        }
        try result.get()
    }

    @Test(
        arguments: [
            // 1 + half a step stays, 1 + one and a half goes up to the even number
            (
                ElementType.float16, [1, 1.000_488_3, 1.001_464_8, -65_519, 5.96e-8],
                [1, 1, 1.001_953_1, -65_504, 0x1p-24]
            ),
            (
                .bfloat16, [1, 1.003_906_25, 1.011_718_75, -3.0e38, 0.1],
                [1, 1, 1.015_625, -0x1.C4p127, 0.100_097_656]
            ),
            (.float32, [1, 0.1, -3.4e38, 0x1p-149, -0.0], [1, 0.1, -3.4e38, 0x1p-149, -0.0]),
        ] as [(ElementType, [Float], [Float])]
    )
    func valuesAreRoundedToNearestEven(_ type: ElementType, _ values: [Float], _ expected: [Float]) throws {
        let folder = try TemporaryFolder()
        try write(values, type, to: folder("model.safetensors"))
        let tensor = try #require(try Checkpoint(directory: folder.path).tensor("a\"b"))
        #expect(tensor.dtype == type && tensor.shape == [values.count])
        #expect(tensor.floats().map(\.bitPattern) == expected.map(\.bitPattern))
    }

    @Test(arguments: [
        (ElementType.float32, Float.nan, "the value 1 of the tensor \"a\\\"b\" is nan, which is no finite F32"),
        (.bfloat16, .greatestFiniteMagnitude, "which is no finite BF16"),
        (.float16, 65_520, "is 65520.0, which is no finite F16; write BF16 or F32"),
    ])
    func whatIsNotFiniteIsNotWritten(_ type: ElementType, _ value: Float, _ reason: String) throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: ModelFilesError.self) {
            try write([0, value], type, to: folder("model.safetensors"))
        }
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        #expect(error?.file == folder("model.safetensors"))
        #expect(try folder.contents().isEmpty)
    }

    /// More than any disk has: the values are not looked at.
    @Test func aFullDiskIsNamedAndLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: ModelFilesError.self) {
            try NewFolder.write(to: folder("model"), replacing: false) { inner throws(ModelFilesError) in
                var value: Float = 0
                let result = withUnsafePointer(to: &value) { pointer in
                    Result { () throws(ModelFilesError) in
                        let tensor = CheckpointWriter.Tensor(name: "a", shape: [1 << 30, 1 << 20], values: pointer)
                        try CheckpointWriter.write([tensor], as: .float32, to: "\(inner)/model.safetensors")
                    }
                }
                try result.get()
            }
        }
        #expect(error?.code == .unwritableFile && error?.file.hasSuffix("model.safetensors") == true)
        #expect(try folder.contents().isEmpty)
    }

    private func text(_ path: String) throws(ModelFilesError) -> String {
        let file = try MappedFile(path: path)
        return withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
    }

    private func make(_ path: String, _ content: String, replacing: Bool) throws(ModelFilesError) {
        try NewFolder.write(to: path, replacing: replacing) { folder throws(ModelFilesError) in
            try SmallFile(name: "config.json", text: content).write(to: folder)
        }
    }

    @Test func aFolderIsReplacedWholeAndOnlyIfAsked() throws {
        let folder = try TemporaryFolder()
        try make(folder("model") + "/", "one", replacing: false)
        try folder.write("model/old/deep/file", "old")
        let error = #expect(throws: ModelFilesError.self) {
            try make(folder("model"), "two", replacing: false)
        }
        #expect(error?.code == .existingFolder && error?.file == folder("model"))
        #expect(try text(folder("model/config.json")) == "one")
        try make(folder("model"), "two", replacing: true)
        #expect(try text(folder("model/config.json")) == "two")
        #expect(throws: ModelFilesError.self) { try MappedFile(path: folder("model/old/deep/file")) }
        #expect(try folder.contents() == ["model"])
    }

    @Test func aFolderThatIsNoModelIsNeverReplaced() throws {
        let folder = try TemporaryFolder()
        try folder.write("home/letter.txt", "dear")
        try folder.makeFolder("empty")
        let error = #expect(throws: ModelFilesError.self) { try make(folder("home"), "", replacing: true) }
        #expect(error?.code == .existingFolder)
        try make(folder("empty"), "new", replacing: true)
        #expect(try folder.contents() == ["empty", "home"])
        _ = try MappedFile(path: folder("home/letter.txt"))
    }

    /// What a process left that was killed while it wrote is removed; what one still writes, and what is another's, is not.
    @Test func whatAKilledProcessLeftIsRemoved() throws {
        let folder = try TemporaryFolder()
        for left in [".model.31.0.new", ".model.32.7.new", ".model.x.0.new", ".other.31.0.new"] {
            try folder.write("\(left)/1_Pooling/config.json", "{}")
        }
        let descriptor = open(folder(".model.32.7.new"), O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        try NewFolder.write(to: folder("model"), replacing: false) { inner throws(ModelFilesError) in
            // Another one of the same name that begins meanwhile leaves it alone.
            try make(folder("model"), "two", replacing: false)
            try SmallFile(name: "config.json", text: "one").write(to: inner)
            #expect(throws: ModelFilesError.self) { try make(folder("model"), "three", replacing: false) }
            #expect(unlink(folder("model/config.json")) == 0 && rmdir(folder("model")) == 0)
        }
        #expect(try text(folder("model/config.json")) == "one")
        #expect(try folder.contents() == [".model.32.7.new", ".model.x.0.new", ".other.31.0.new", "model"])
    }

    @Test func whatFailsInsideLeavesWhatWasThere() throws {
        let folder = try TemporaryFolder()
        try make(folder("model"), "one", replacing: false)
        #expect(throws: ModelFilesError.self) {
            try NewFolder.write(to: folder("model"), replacing: true) { inner throws(ModelFilesError) in
                try SmallFile(name: "config.json", text: "two").write(to: inner)
                throw ModelFilesError(.missingFile, file: inner, "stop")
            }
        }
        #expect(try text(folder("model/config.json")) == "one")
        #expect(try folder.contents() == ["model"])
    }

    @Test func theConfigurationIsReadBack() throws {
        let folder = try TemporaryFolder()
        for family in ModelConfiguration.Family.allCases {
            for activation in ModelConfiguration.Activation.allCases {
                var configuration = ModelConfiguration(
                    family: family,
                    architecture: family == .bert ? "BertForTokenClassification" : "DistilBertForTokenClassification",
                    hiddenSize: 24,
                    layers: 3,
                    heads: 4,
                    intermediateSize: 50,
                    activation: activation,
                    vocabularySize: 77,
                    maxPositions: 40,
                    typeVocabularySize: family == .bert ? 3 : 0,
                    layerNormEpsilon: family == .bert ? 1e-5 : 1e-12,
                    padTokenID: activation == .relu ? nil : 7,
                    labels: ["B-\"x\"", "é", "e\u{301}"],
                    problemType: nil
                )
                configuration.dropouts.hidden = 0
                configuration.dropouts.attention = 0.25
                configuration.dropouts.classifier = activation == .gelu ? nil : 0.5
                configuration.dropouts.answer = family == .bert ? nil : 0.3
                configuration.initializerRange = 0.01
                configuration.tiesWordEmbeddings = activation != .silu
                let file = configuration.file(architecture: configuration.architecture, elementType: .bfloat16)
                try folder.write(file.name, file.contents)
                #expect(try ModelConfiguration(directory: folder.path) == configuration)
            }
        }
    }
}
