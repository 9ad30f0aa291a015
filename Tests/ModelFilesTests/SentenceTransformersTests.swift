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
            ("[{\"type\": \"mine.Transformer\"}]", "{}", "\"mine.Transformer\""),
            ("[{\"type\": \"Transformer\"}]", "{}", "\"Transformer\""),
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

    /// The class paths of releases 2.2 to 6.2.
    @Test(arguments: [
        (
            "sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling",
            "sentence_transformers.models.Normalize"
        ),
        (
            "sentence_transformers.models.Transformer.Transformer", "sentence_transformers.models.Pooling.Pooling",
            "sentence_transformers.models.Normalize.Normalize"
        ),
        (
            "sentence_transformers.base.modules.transformer.Transformer",
            "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
            "sentence_transformers.sentence_transformer.modules.normalize.Normalize"
        ),
        (
            "sentence_transformers.sentence_transformer.modules.Transformer",
            "sentence_transformers.sentence_transformer.modules.Pooling",
            "sentence_transformers.base.modules.normalize.Normalize"
        ),
    ])
    func readsTheClassesOfAllReleases(transformer: String, pooling: String, normalize: String) throws {
        let folder = try TemporaryFolder()
        let modules = [(transformer, ""), (pooling, "1_Pooling"), (normalize, "2_Normalize")]
        try folder.write(
            "modules.json",
            "[" + modules.map { "{\"type\": \"\($0.0)\", \"path\": \"\($0.1)\"}" }.joined(separator: ",") + "]"
        )
        try folder.write("1_Pooling/config.json", "{\"word_embedding_dimension\": 8}")
        #expect(try self.modules(folder).steps == [.normalize])
    }

    /// A folder of a Transformer, a Pooling and a Dense module with these settings.
    private func dense(_ dense: String, settings: String = "{}", transformer: String = "{}") throws -> Modules {
        let folder = try TemporaryFolder()
        try folder.write("modules.json", chain(("Transformer", ""), ("Pooling", "1_Pooling"), ("Dense", "2_Dense")))
        try folder.write("1_Pooling/config.json", "{\"word_embedding_dimension\": 8}")
        try folder.write("2_Dense/config.json", "{\"in_features\": 8, \"out_features\": 2\(dense)}")
        try folder.write("config_sentence_transformers.json", settings)
        try folder.write("sentence_bert_config.json", transformer)
        return try modules(folder)
    }

    /// The classes of PyTorch alone are taken, by their whole paths.
    @Test func activationsAreKnownByTheirWholePath() throws {
        func activation(_ name: String) throws -> ModuleActivation? {
            let modules = try dense(", \"activation_function\": \"\(name)\"")
            guard case .dense(let dense)? = modules.steps.first else { return nil }
            return dense.activation
        }
        for known in ModuleActivation.allCases {
            let home = known == .identity ? "linear" : "activation"
            #expect(try activation("torch.nn.modules.\(home).\(known.rawValue)") == known)
            #expect(try activation("torch.nn.\(known.rawValue)") == known)
        }
        for foreign in [
            "mypackage.layers.Identity", "Identity", "Tanh", "torch.Tanh", "torch.nn.modules.linear.Tanh",
            "torch.nn.modules.activation.Identity",
            "torchx.nn.Tanh", "torch.nn.modules.activation.Hardtanh", "torch.nn.Linear",
            "torch.nn.modules.activation.Tanh.", "",
        ] {
            let error = #expect(throws: ModelFilesError.self, "\(foreign)") { try activation(foreign) }
            #expect(error?.description.contains("\"\(foreign)\"") == true, "\(String(describing: error))")
            #expect(error?.description.contains("`activation_function`") == true)
        }
        #expect(try dense("").outputDimension == 2)
    }

    @Test func readsCrossEncoders() throws {
        let scores = ", \"module_output_name\": \"scores\""
        let settings = "{\"model_type\": \"CrossEncoder\", \"activation_fn\": \"torch.nn.modules.activation.Tanh\"}"
        #expect(try dense(scores, settings: settings).purpose == .scores(activation: .tanh))
        let foreign = "{\"model_type\": \"CrossEncoder\", \"activation_fn\": \"mine.Tanh\"}"
        #expect(try dense(scores, settings: foreign).purpose == .scores(activation: nil))
        for (dense, settings, transformer, reason) in [
            ("", settings, "{}", "\"module_output_name\" is missing"),
            (scores, "{}", "{}", "`module_output_name` must be \"sentence_embedding\""),
            (scores, "{\"model_type\": \"SparseEncoder\"}", "{}", "it is \"SparseEncoder\""),
            (scores, settings, "{\"transformer_task\": \"sequence-classification\"}", "\"feature-extraction\""),
            (", \"module_input_name\": \"token_embeddings\"", "{}", "{}", "`module_input_name`"),
            (
                "", "{}", "{\"module_output_name\": \"sentence_embedding\"}",
                "`module_output_name` must be \"token_embeddings\""
            ),
            (
                "", "{}",
                "{\"modality_config\": {\"text\": {\"method\": \"forward\", \"method_output_name\": \"pooler_output\"}}}",
                "`modality_config.text.method_output_name` must be \"last_hidden_state\""
            ), ("", "{}", "{\"tokenizer_args\": {\"do_lower_case\": true}}", "`tokenizer_args.do_lower_case`"),
            ("", "{}", "{\"query_length\": 32}", "`query_length`"),
            (
                scores, "{\"model_type\": \"CrossEncoder\", \"default_prompt_name\": \"query\"}", "{}",
                "`default_prompt_name` must be the name of one"
            ), ("", "{\"default_prompt_name\": \"passage\"}", "{}", "`default_prompt_name` must be the name of one"),
        ] {
            let error = #expect(throws: ModelFilesError.self, "\(reason)") {
                try self.dense(dense, settings: settings, transformer: transformer)
            }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        }
        for settings in [
            "{\"default_prompt_name\": \"query\"}", "{\"prompts\": {\"x\": null}, \"default_prompt_name\": \"x\"}",
        ] {
            #expect(try dense("", settings: settings).defaultPrompt == nil)
        }
        let arguments =
            "{\"model_args\": {\"torch_dtype\": \"float16\"}, \"tokenizer_args\": {\"model_max_length\": 77}}"
        #expect(try dense("", transformer: arguments).maxSequenceLength == 77)
    }

    /// A Transformer with a classifier is the whole chain.
    @Test func aLoneTransformerNeedsAClassifier() throws {
        let folder = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(family: .bert)
        try checkpoint.write(to: folder.path)
        try folder.write("modules.json", chain(("Transformer", "")))
        try folder.write("sentence_bert_config.json", "{\"transformer_task\": \"sequence-classification\"}")
        let error = #expect(throws: ModelFilesError.self) { try ModelFolder(directory: folder.path) }
        #expect(error?.description.contains("expected one that ends in ForSequenceClassification") == true)
        checkpoint.labels = 1
        try checkpoint.write(to: folder.path)
        let modules = try ModelFolder(directory: folder.path).modules
        #expect(modules?.purpose == .scores(activation: nil) && modules?.pooling == nil)
        try folder.write("sentence_bert_config.json", "{}")
        try folder.write("config_sentence_transformers.json", "{\"model_type\": \"CrossEncoder\"}")
        let task = #expect(throws: ModelFilesError.self) { try ModelFolder(directory: folder.path) }
        #expect(task?.description.contains("\"sequence-classification\"") == true)
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
