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
        var transformer: String?
        var pooling: Pooling?
        var steps: [Step] = []
        for module in try file.elements() {
            let type = try module.required("type")
            let folder = try Self.folder(try module.member("path"), in: directory)
            // "sentence_transformers.models.Pooling", and in newer versions "….modules.pooling.Pooling".
            let kind = try type.string().split(separator: ".").last.map(String.init) ?? ""
            switch (kind, transformer, pooling) {
            case ("Transformer", nil, nil), ("BERT", nil, nil), ("DistilBERT", nil, nil):
                transformer = folder
            case ("Pooling", .some, nil):
                pooling = try Self.pooling(join(folder, ModelConfiguration.fileName), files)
            case ("Dense", .some, .some):
                steps.append(.dense(try Self.dense(folder, files)))
            case ("Normalize", .some, .some):
                steps.append(.normalize)
            case ("Dropout", .some, .some):
                break
            default:
                throw type.mismatch(
                    "part of the chain Transformer, Pooling, then any of Dense, Normalize and Dropout, each in its place"
                )
            }
        }
        guard let transformer, let pooling else {
            throw ModelFilesError(
                .invalidConfiguration,
                file: path,
                "the chain needs a Transformer and a Pooling module"
            )
        }
        try Self.checkWidths(pooling, steps)
        transformerDirectory = transformer
        self.pooling = pooling
        self.steps = steps
        let limits = try Self.transformerSettings(transformer, files)
        if let task = try limits?.member("transformer_task"), try task.string() != "feature-extraction" {
            throw task.mismatch("\"feature-extraction\"")
        }
        maxSequenceLength = try limits?.member("max_seq_length")?.integer(in: 1...Int(Int32.max))
        lowercases = try limits?.member("do_lower_case")?.bool() ?? false
        (prompts, defaultPrompt) = try Self.prompts(join(directory, "config_sentence_transformers.json"), files)
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
            let keys: [(String, PoolingMode)] = [
                ("pooling_mode_cls_token", .cls), ("pooling_mode_max_tokens", .max),
                ("pooling_mode_mean_tokens", .mean),
                ("pooling_mode_mean_sqrt_len_tokens", .meanSqrtLengthTokens),
                ("pooling_mode_weightedmean_tokens", .weightedMean), ("pooling_mode_lasttoken", .lastToken),
            ]
            for (key, mode) in keys {
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

    private static func mode(_ node: JSONNode) throws(ModelFilesError) -> PoolingMode {
        guard let mode = PoolingMode(rawValue: try node.string()) else {
            throw node.mismatch("one of " + PoolingMode.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return mode
    }

    private static func dense(_ directory: String, _ files: FolderFiles) throws(ModelFilesError) -> Dense {
        let file = try JSONNode(readingFile: join(directory, ModelConfiguration.fileName), from: files)
        var activation = Dense.Activation.tanh
        if let node = try file.member("activation_function") {
            let name = try node.string().split(separator: ".").last.map(String.init) ?? ""
            guard let known = Dense.Activation(rawValue: name) else {
                throw node.mismatch("one of " + Dense.Activation.allCases.map(\.rawValue).joined(separator: ", "))
            }
            activation = known
        }
        return Dense(
            inputs: try file.required("in_features").integer(in: 1...1_048_576),
            outputs: try file.required("out_features").integer(in: 1...1_048_576),
            hasBias: try file.member("bias")?.bool() ?? true,
            activation: activation,
            directory: directory
        )
    }

    private static func checkWidths(_ pooling: Pooling, _ steps: [Step]) throws(ModelFilesError) {
        var width = pooling.dimension * pooling.modes.count
        for case .dense(let dense) in steps {
            guard dense.inputs == width else {
                throw ModelFilesError(
                    .invalidConfiguration,
                    file: join(dense.directory, ModelConfiguration.fileName),
                    "`in_features` is \(dense.inputs), and the module before gives \(width)"
                )
            }
            width = dense.outputs
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

    /// All prompts, and the text of the default one.
    private static func prompts(_ path: String, _ files: FolderFiles) throws(ModelFilesError) -> ([Prompt], String?) {
        guard files.exists(path) else { return ([], nil) }
        let file = try JSONNode(readingFile: path, from: files)
        var prompts: [Prompt] = []
        for (name, node) in try file.member("prompts")?.members() ?? [] {
            // "document": null stands for none.
            guard case .string(let text) = node.value else {
                guard case .null = node.value else { throw node.mismatch("a string") }
                continue
            }
            prompts.append(Prompt(name: name, text: text))
        }
        guard let name = try file.member("default_prompt_name")?.string() else { return (prompts, nil) }
        let prompt = try file.required("prompts").required(name).string()
        return (prompts, prompt.isEmpty ? nil : prompt)
    }
}
