import ModelFiles
import TestSupport
import Testing

@Suite struct SentenceTransformersTests {
    private typealias Modules = SentenceTransformersModules

    /// A `modules.json` of (type, path).
    private func chain(_ modules: (type: String, path: String)...) -> String {
        let entries = modules.enumerated().map {
            "{\"idx\": \($0.offset), \"name\": \"\($0.offset)\", \"path\": \"\($0.element.path)\", "
                + "\"type\": \"sentence_transformers.models.\($0.element.type)\"}"
        }
        return "[\(entries.joined(separator: ", "))]"
    }

    private func modules(_ folder: TemporaryFolder) throws -> Modules {
        try #require(try Modules.load(directory: folder.path))
    }

    @Test func readsTheUsualChain() throws {
        let folder = try TemporaryFolder()
        try SeededCheckpoint(family: .bert).write(to: folder.path)
        try folder.write(
            "modules.json",
            chain(("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize"))
        )
        try folder.write(
            "1_Pooling/config.json",
            """
            {"word_embedding_dimension": 64, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true,
             "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false}
            """
        )
        try folder.write("sentence_bert_config.json", "{\"max_seq_length\": 256, \"do_lower_case\": false}")
        let model = try ModelFolder(directory: folder.path)
        let modules = try #require(model.modules)
        let pooling = try #require(modules.pooling)
        #expect(pooling.dimension == 64 && pooling.modes == [.mean] && pooling.includesPrompt)
        #expect(modules.steps == [.normalize] && modules.maxSequenceLength == 256 && !modules.lowercases)
        #expect(modules.purpose == .embedding)
        #expect(modules.outputDimension == 64 && modules.defaultPrompt == nil)
        #expect(model.transformerDirectory == folder.path)
        #expect(model.embeddingLimit(try model.tokenizer()) == 256)
        #expect(try model.checkpoint().names.count == 5 + 2 * 16 + 2)
    }

    @Test func readsNestedTransformerDenseAndNewKeys() throws {
        let folder = try TemporaryFolder()
        try SeededCheckpoint(family: .distilBERT).write(to: folder("0_Transformer"))
        try folder.write(
            "modules.json",
            """
            [{"path": "0_Transformer", "type": "sentence_transformers.base.modules.transformer.Transformer"},
             {"path": "1_Pooling", "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"},
             {"path": "2_Dense", "type": "sentence_transformers.models.Dense"},
             {"path": "3_Dropout", "type": "sentence_transformers.models.Dropout"},
             {"path": "4_Normalize", "type": "sentence_transformers.models.Normalize"}]
            """
        )
        try folder.write(
            "1_Pooling/config.json",
            "{\"embedding_dimension\": 64, \"pooling_mode\": [\"lasttoken\", \"mean_sqrt_len_tokens\"], "
                + "\"include_prompt\": false}"
        )
        try folder.write(
            "2_Dense/config.json",
            "{\"in_features\": 128, \"out_features\": 2, \"bias\": false, "
                + "\"activation_function\": \"torch.nn.modules.linear.Identity\"}"
        )
        try SafetensorsWriter.write(
            [
                .init(name: "linear.weight", dtype: .float32, shape: [2, 128]) {
                    $0.initializeMemory(as: UInt8.self, repeating: 0)
                }
            ],
            to: folder("2_Dense/model.safetensors")
        )
        try folder.write("0_Transformer/sentence_distilbert_config.json", "{\"do_lower_case\": true}")
        try folder.write(
            "config_sentence_transformers.json",
            "{\"prompts\": {\"query\": \"query: \", \"document\": null, \"x\": \"\"}, \"default_prompt_name\": \"query\"}"
        )
        let model = try ModelFolder(directory: folder.path)
        let modules = try #require(model.modules)
        let pooling = try #require(modules.pooling)
        #expect(pooling.modes == [.lastToken, .meanSqrtLengthTokens] && !pooling.includesPrompt)
        #expect(modules.outputDimension == 2 && modules.lowercases && modules.defaultPrompt == "query: ")
        #expect(modules.prompts.map(\.name) == ["query", "x"] && modules.prompts.map(\.text) == ["query: ", ""])
        #expect(model.configuration.family == .distilBERT)
        #expect(try model.embeddingLimit(model.tokenizer()) == 512)
        guard case .dense(let dense)? = modules.steps.first, modules.steps.count == 2 else {
            Issue.record("\(modules.steps)")
            return
        }
        #expect(dense.activation == .identity && !dense.hasBias && dense.inputs == 128)
        #expect(try dense.checkpoint().weight("linear.weight", shape: [2, 128]).count == 256)
    }

    @Test(
        arguments: [
            ("\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true", [.cls, .mean]),
            ("\"pooling_mode_mean_tokens\": false", [.mean]),
            ("\"pooling_mode_weightedmean_tokens\": true, \"pooling_mode_max_tokens\": true", [.max, .weightedMean]),
            ("\"pooling_mode\": \"cls\", \"pooling_mode_mean_tokens\": true", [.cls]),
            ("\"include_prompt\": true", [.mean]),
        ] as [(String, [SentenceTransformersModules.PoolingMode])]
    )
    func readsPoolingModes(keys: String, modes: [SentenceTransformersModules.PoolingMode]) throws {
        let folder = try TemporaryFolder()
        try folder.write("modules.json", chain(("Transformer", ""), ("Pooling", "1_Pooling")))
        try folder.write("1_Pooling/config.json", "{\"word_embedding_dimension\": 8, \(keys)}")
        #expect(try self.modules(folder).pooling?.modes == modes)
    }

    @Test func refusesWhatItCannotCompute() throws {
        let pooling = ("Pooling", "1_Pooling")
        let cases: [(modules: String, pooling: String, reason: String)] = [
            (chain(("Transformer", "")), "{}", "needs a Transformer and a Pooling"),
            (chain(pooling, ("Transformer", "")), "{}", "each in its place"),
            (chain(("Transformer", ""), pooling, pooling), "{\"word_embedding_dimension\": 8}", "each in its place"),
            (chain(("Transformer", ""), ("LSTM", "1_Pooling")), "{}", "models.LSTM"),
            (chain(("Transformer", "../other"), pooling), "{}", "inside the model's"),
            (chain(("Transformer", "/etc"), pooling), "{}", "inside the model's"),
            (chain(("Transformer", "a//b"), pooling), "{}", "inside the model's"),
            (chain(("Transformer", ""), pooling), "{}", "word_embedding_dimension"),
            (
                chain(("Transformer", ""), pooling), "{\"word_embedding_dimension\": 8, \"pooling_mode\": \"median\"}",
                "weightedmean"
            ),
            (
                chain(("Transformer", ""), pooling), "{\"word_embedding_dimension\": 8, \"pooling_mode\": []}",
                "1 to 6 modes"
            ),
            (chain(("Transformer", ""), pooling, ("Dense", "2_Dense")), "{\"word_embedding_dimension\": 8}", "gives 8"),
            ("{}", "{}", "must be an array"),
        ]
        for (modules, pooling, reason) in cases {
            let folder = try TemporaryFolder()
            try folder.write("modules.json", modules)
            try folder.write("1_Pooling/config.json", pooling)
            try folder.write("2_Dense/config.json", "{\"in_features\": 9, \"out_features\": 2}")
            let error = #expect(throws: ModelFilesError.self) { try Modules.load(directory: folder.path) }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        }
    }

    @Test func foldersWithoutModulesHaveNone() throws {
        let folder = try TemporaryFolder()
        try SeededCheckpoint(family: .bert).write(to: folder.path)
        let model = try ModelFolder(directory: folder.path)
        #expect(model.modules == nil && model.configuration.architecture == "BertModel")
        #expect(model.embeddingLimit(try model.tokenizer()) == 512)
        let missing = #expect(throws: ModelFilesError.self) { try ModelFolder(directory: folder("none")) }
        #expect(missing?.code == .missingFile && missing?.file == folder("none"))
    }

    @Test func transformerMustGiveHiddenStates() throws {
        let folder = try TemporaryFolder()
        try folder.write("modules.json", chain(("Transformer", ""), ("Pooling", "1_Pooling")))
        try folder.write("1_Pooling/config.json", "{\"embedding_dimension\": 8}")
        try folder.write("sentence_bert_config.json", "{\"transformer_task\": \"fill-mask\"}")
        let error = #expect(throws: ModelFilesError.self) { try modules(folder) }
        #expect(error?.description.contains("`transformer_task` must be \"feature-extraction\"") == true)
    }

    @Test func poolingMustFitTheModel() throws {
        let folder = try TemporaryFolder()
        try SeededCheckpoint(family: .bert).write(to: folder.path)
        try folder.write("modules.json", chain(("Transformer", ""), ("Pooling", "1_Pooling")))
        try folder.write("1_Pooling/config.json", "{\"word_embedding_dimension\": 65}")
        let error = #expect(throws: ModelFilesError.self) { try ModelFolder(directory: folder.path) }
        #expect(error?.description.contains("65") == true && error?.description.contains("64") == true)
    }
}
