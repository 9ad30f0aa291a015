import JSON

extension SentenceTransformersModules {
    /// Reads the modules of a folder; nil if it has no `modules.json`, as a plain `transformers` folder has none.
    package static func load(directory: String, files: FolderFiles = .disk) throws(ModelFilesError)
        -> SentenceTransformersModules?
    {
        let path = join(directory, fileName)
        return files.exists(path)
            ? try SentenceTransformersModules(path: path, directory: directory, files: files) : nil
    }

    private init(path: String, directory: String, files: FolderFiles) throws(ModelFilesError) {
        let file = try JSONNode(readingFile: path, from: files)
        let settings = try Self.settings(directory, files)
        var isCrossEncoder = try Self.isCrossEncoder(settings)
        var transformer: String?
        var pooling: Pooling?
        var steps: [Step] = []
        let elements = try file.elements()
        for (index, module) in elements.enumerated() {
            let makesScores = isCrossEncoder && index + 1 == elements.count
            let type = try module.required("type")
            let folder = try Self.folder(try module.member("path"), in: directory)
            switch (try Self.kind(type), transformer, pooling) {
            case ("Transformer", nil, nil), ("BERT", nil, nil), ("DistilBERT", nil, nil):
                transformer = folder
            case ("Pooling", .some, nil):
                pooling = try Self.pooling(join(folder, ModelConfiguration.fileName), files)
            case ("Dense", .some, .some):
                steps.append(.dense(try Self.dense(folder, files, makesScores: makesScores)))
            case (_, _, .some) where makesScores:
                throw type.mismatch("a Dense module, the last one of a CrossEncoder")
            case ("LayerNorm", .some, .some):
                steps.append(.layerNorm(try Self.layerNorm(folder, files)))
            case ("Normalize", .some, .some):
                try Self.checkNormalize(folder, files)
                steps.append(.normalize)
            case ("Dropout", .some, .some):
                break
            default:
                throw type.mismatch(
                    "part of the chain Transformer, Pooling, then any of Dense, LayerNorm, Normalize and Dropout, each in its "
                        + "place"
                )
            }
        }
        let limits = try Self.transformerSettings(transformer ?? directory, files)
        // A classifier in the Transformer module makes the scores itself.
        let task = try limits?.member("transformer_task")
        let classifies = try task?.string() == "sequence-classification"
        if classifies, pooling == nil { isCrossEncoder = true }
        guard let transformer, pooling != nil || isCrossEncoder else {
            throw ModelFilesError(
                .invalidConfiguration,
                file: path,
                "the chain needs a Transformer and a Pooling module"
            )
        }
        if let task, pooling != nil, try task.string() != "feature-extraction" {
            throw task.mismatch("\"feature-extraction\"")
        }
        if pooling == nil ? !classifies : isCrossEncoder && steps.isEmpty {
            throw ModelFilesError(
                .invalidConfiguration,
                file: path,
                "the chain of a CrossEncoder is a Transformer with the `transformer_task` \"sequence-classification\", or a "
                    + "Transformer, a Pooling and a Dense module"
            )
        }
        try Self.checkTransformer(limits, classifies: classifies)
        if let pooling { try Self.checkWidths(pooling, steps) }
        transformerDirectory = transformer
        self.pooling = pooling
        self.steps = steps
        purpose =
            isCrossEncoder
            ? .scores(
                activation: try settings?.member("activation_fn").flatMap { node throws(ModelFilesError) in
                    try ModuleActivation(ofCrossEncoder: node)
                }
            ) : .embedding
        maxSequenceLength = try Self.maxSequenceLength(limits)
        lowercases = try limits?.member("do_lower_case")?.bool() ?? false
        keptDimensions =
            isCrossEncoder ? nil : try settings?.member("truncate_dim")?.integer(in: 1...1_048_576)
        (prompts, defaultPrompt) = try Self.prompts(settings, isCrossEncoder: isCrossEncoder)
        if isCrossEncoder, defaultPrompt != nil, pooling?.includesPrompt == false {
            throw ModelFilesError(
                .invalidConfiguration,
                file: path,
                "a CrossEncoder with a default prompt that its Pooling module leaves out (`include_prompt` false) is not "
                    + "implemented"
            )
        }
    }

    /// The class of a module without its path, which differs from release to release: "sentence_transformers.models.Pooling"
    /// up to version 5, later "sentence_transformers.sentence_transformer.modules.pooling.Pooling", for example. Classes of
    /// other packages are code that came with the model.
    private static func kind(_ type: JSONNode) throws(ModelFilesError) -> String {
        let parts = try type.string().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, parts[0] == "sentence_transformers", let last = parts.last else {
            throw type.mismatch("a class of sentence_transformers; code of other packages is not run")
        }
        return String(last)
    }

    /// The settings of the whole; nil where there is none, as before version 2.
    private static func settings(_ directory: String, _ files: FolderFiles) throws(ModelFilesError) -> JSONNode? {
        let path = join(directory, settingsFileName)
        return files.exists(path) ? try JSONNode(readingFile: path, from: files) : nil
    }

    private static func isCrossEncoder(_ settings: JSONNode?) throws(ModelFilesError) -> Bool {
        guard let node = try settings?.member("model_type") else { return false }
        switch try node.string() {
        case "SentenceTransformer": return false
        case "CrossEncoder": return true
        default: throw node.mismatch("\"SentenceTransformer\" or \"CrossEncoder\"")
        }
    }

    /// The folder of a module, which must lie in the model's.
    private static func folder(_ node: JSONNode?, in directory: String) throws(ModelFilesError) -> String {
        guard let node, case let path = try node.string(), !path.isEmpty, path != "." else { return directory }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard !path.utf8.contains(0), parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
            throw node.mismatch("the path of a folder inside the model's")
        }
        return join(directory, path)
    }

    // MARK: - Modules

    /// Reads both forms: a boolean for each mode, and in newer versions `pooling_mode`, a name or an array of names.
    private static func pooling(_ path: String, _ files: FolderFiles) throws(ModelFilesError) -> Pooling {
        let file = try JSONNode(readingFile: path, from: files)
        let newKey = "embedding_dimension"
        let width = try file.required(file.member(newKey) == nil ? "word_embedding_dimension" : newKey)
        var modes: [PoolingMode] = []
        if let node = try file.member("pooling_mode") {
            if case .array = node.value {
                for element in try node.elements() { modes.append(try mode(element)) }
            } else {
                modes.append(try mode(node))
            }
            guard !modes.isEmpty, modes.count <= PoolingMode.allCases.count else {
                throw node.mismatch("1 to \(PoolingMode.allCases.count) modes")
            }
        } else {
            for (key, mode) in poolingKeys {
                if try file.member(key)?.bool() == true { modes.append(mode) }
            }
            if modes.isEmpty { modes = [.mean] }
        }
        return Pooling(
            dimension: try width.integer(in: 1...65_536),
            modes: modes,
            includesPrompt: try file.member("include_prompt")?.bool() ?? true
        )
    }

    /// The keys of the older form, in the order in which their results are laid one after the other.
    static let poolingKeys: [(String, PoolingMode)] = [
        ("pooling_mode_cls_token", .cls), ("pooling_mode_max_tokens", .max), ("pooling_mode_mean_tokens", .mean),
        ("pooling_mode_mean_sqrt_len_tokens", .meanSqrtLengthTokens),
        ("pooling_mode_weightedmean_tokens", .weightedMean), ("pooling_mode_lasttoken", .lastToken),
    ]

    private static func mode(_ node: JSONNode) throws(ModelFilesError) -> PoolingMode {
        guard let mode = PoolingMode(rawValue: try node.string()) else {
            throw node.mismatch("one of " + PoolingMode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return mode
    }

    private static func dense(
        _ directory: String,
        _ files: FolderFiles,
        makesScores: Bool
    ) throws(ModelFilesError) -> Dense {
        let file = try JSONNode(readingFile: join(directory, ModelConfiguration.fileName), from: files)
        try checkNames(file, output: makesScores ? "scores" : embeddingName)
        let inputs = try file.required("in_features").integer(in: 1...1_048_576)
        let outputs = try file.required("out_features").integer(in: 1...1_048_576)
        var residual = Dense.Residual.none
        if try file.member("use_residual")?.bool() == true { residual = inputs == outputs ? .input : .projected }
        return Dense(
            inputs: inputs,
            outputs: outputs,
            hasBias: try file.member("bias")?.bool() ?? true,
            activation: try file.member("activation_function").map { node throws(ModelFilesError) in
                try ModuleActivation(ofDense: node)
            } ?? .tanh,
            residual: residual,
            directory: directory
        )
    }

    private static func layerNorm(_ directory: String, _ files: FolderFiles) throws(ModelFilesError) -> LayerNorm {
        let file = try JSONNode(readingFile: join(directory, ModelConfiguration.fileName), from: files)
        return LayerNorm(dimension: try file.required("dimension").integer(in: 1...1_048_576), directory: directory)
    }

    /// Up to version 5 the module has no file.
    private static func checkNormalize(_ directory: String, _ files: FolderFiles) throws(ModelFilesError) {
        let path = join(directory, ModelConfiguration.fileName)
        guard files.exists(path) else { return }
        try checkNames(try JSONNode(readingFile: path, from: files), output: embeddingName)
    }

    /// What modules call the vector that they hand on.
    private static let embeddingName = "sentence_embedding"

    /// Refuses modules that do not take the vector of the one before, or whose result the next one does not take.
    private static func checkNames(_ file: JSONNode, output: String) throws(ModelFilesError) {
        if output != embeddingName { _ = try file.required("module_output_name") }
        for (key, known) in [("module_input_name", embeddingName), ("module_output_name", output)] {
            if let node = try file.member(key), try node.string() != known { throw node.mismatch(quoted(known)) }
        }
    }

    private static func checkWidths(_ pooling: Pooling, _ steps: [Step]) throws(ModelFilesError) {
        var width = pooling.dimension * pooling.modes.count
        func check(_ key: String, _ taken: Int, _ directory: String) throws(ModelFilesError) {
            guard taken == width else {
                throw ModelFilesError(
                    .invalidConfiguration,
                    file: join(directory, ModelConfiguration.fileName),
                    "`\(key)` is \(taken), and the module before gives \(width)"
                )
            }
        }
        for step in steps {
            switch step {
            case .dense(let dense):
                try check("in_features", dense.inputs, dense.directory)
                width = dense.outputs
            case .layerNorm(let norm): try check("dimension", norm.dimension, norm.directory)
            case .normalize: break
            }
        }
    }

    // MARK: - Settings

    /// The Transformer module's settings, under any of the names that sentence-transformers has given the file.
    private static func transformerSettings(_ directory: String, _ files: FolderFiles) throws(ModelFilesError)
        -> JSONNode?
    {
        for name in ["bert", "distilbert", "roberta", "camembert", "albert", "xlm-roberta", "xlnet"] {
            let path = join(directory, "sentence_\(name)_config.json")
            if files.exists(path) { return try JSONNode(readingFile: path, from: files) }
        }
        return nil
    }

    /// Refuses a Transformer module that hands on something else than its hidden states, or its classifier's logits.
    private static func checkTransformer(_ file: JSONNode?, classifies: Bool) throws(ModelFilesError) {
        guard let file else { return }
        let output = classifies ? "logits" : "last_hidden_state"
        let name = classifies ? "scores" : "token_embeddings"
        if let node = try file.member("module_output_name"), try node.string() != name {
            throw node.mismatch(quoted(name))
        }
        if let text = try file.member("modality_config")?.required("text") {
            for (key, known) in [("method", "forward"), ("method_output_name", output)] {
                let node = try text.required(key)
                if try node.string() != known { throw node.mismatch(quoted(known)) }
            }
        }
        for key in ["query_length", "document_length", "query_expansion"] {
            if let node = try file.member(key) { throw node.mismatch("null; it is not implemented") }
        }
        // How the reference is to load the parts. What does not change an answer may stand there.
        let harmless: Set<String> = [
            "trust_remote_code", "dtype", "torch_dtype", "attn_implementation", "use_fast", "low_cpu_mem_usage",
            "local_files_only", "revision", "subfolder", "token", "cache_dir", "use_safetensors", "add_pooling_layer",
            "model_max_length",
        ]
        for key in ["model_args", "tokenizer_args", "config_args", "model_kwargs", "processor_kwargs", "config_kwargs"]
        {
            for (name, node) in try file.member(key)?.members() ?? [] where !harmless.contains(name) {
                throw node.mismatch("absent; it is not implemented")
            }
        }
        if let node = try file.member("processing_kwargs"), try !node.members().isEmpty {
            throw node.mismatch("empty; it is not implemented")
        }
    }

    /// `max_seq_length`, or the tokenizer's `model_max_length` where that is set for the module.
    private static func maxSequenceLength(_ file: JSONNode?) throws(ModelFilesError) -> Int? {
        for key in ["processor_kwargs", "tokenizer_args"] {
            if let node = try file?.member(key)?.member("model_max_length") {
                return try node.integer(in: 1...Int(Int32.max))
            }
        }
        return try file?.member("max_seq_length")?.integer(in: 1...Int(Int32.max))
    }

    /// All prompts, and the text of the default one.
    private static func prompts(
        _ file: JSONNode?,
        isCrossEncoder: Bool
    ) throws(ModelFilesError) -> ([Prompt], String?) {
        guard let file else { return ([], nil) }
        var prompts: [Prompt] = []
        for (name, node) in try file.member("prompts")?.members() ?? [] {
            // "document": null stands for none.
            guard case .string(let text) = node.value else {
                guard case .null = node.value else { throw node.mismatch("a string") }
                continue
            }
            prompts.append(Prompt(name: name, text: text))
        }
        guard let node = try file.member("default_prompt_name") else { return (prompts, nil) }
        let name = try node.string()
        if let prompt = prompts.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
            return (prompts, prompt.text.isEmpty ? nil : prompt.text)
        }
        // Since version 5 every SentenceTransformer has these two, empty unless the folder says otherwise.
        let isKnown = try file.member("prompts")?.members().contains { $0.key.utf8.elementsEqual(name.utf8) } ?? false
        guard isKnown || (!isCrossEncoder && ["query", "document"].contains(name)) else {
            throw node.mismatch("the name of one of the `prompts`")
        }
        return (prompts, nil)
    }
}
