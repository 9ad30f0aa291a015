extension ModelConfiguration {
    /// Reads `config.json` in `directory`. Keys that are absent have the defaults of `transformers`; whatever would make the
    /// model compute something else than what is implemented is refused by name.
    package init(directory: String, files: FolderFiles = .disk) throws(ModelFilesError) {
        let path = join(directory, Self.fileName)
        guard files.exists(path) else {
            throw ModelFilesError(
                .missingFile,
                file: path,
                "the model's configuration is missing; a model folder holds config.json, model.safetensors and vocab.txt or "
                    + "tokenizer.json, as downloaded from Hugging Face"
            )
        }
        try self.init(try JSONNode(readingFile: path, from: files, limits: Self.limits))
    }

    /// Reads the parsed contents of a `config.json`.
    package init(_ file: JSONNode) throws(ModelFilesError) {
        let architecture = try file.member("architectures")?.elements().first?.string()
        family = try Self.family(file, architecture: architecture)
        try Self.refuseVariants(file)
        let keys = Keys(family)
        self.architecture = architecture ?? keys.defaultArchitecture

        func size(_ names: [String], default standard: Int, _ range: ClosedRange<Int>) throws(ModelFilesError) -> Int {
            for name in names {
                if let node = try file.member(name) { return try node.integer(in: range) }
            }
            return standard
        }
        hiddenSize = try size(keys.hiddenSize, default: 768, 1...65_536)
        layers = try size(keys.layers, default: keys.defaultLayers, 1...1_024)
        heads = try size(keys.heads, default: 12, 1...1_024)
        intermediateSize = try size(keys.intermediateSize, default: 3_072, 1...262_144)
        vocabularySize = try size(["vocab_size"], default: 30_522, 1...16_777_216)
        maxPositions = try size(["max_position_embeddings"], default: 512, 1...1_048_576)
        typeVocabularySize = family == .bert ? try size(["type_vocab_size"], default: 2, 1...1_024) : 0
        guard hiddenSize % heads == 0 else {
            throw ModelFilesError(
                .invalidConfiguration,
                file: file.file,
                "the hidden size \(hiddenSize) is not a multiple of the \(heads) attention heads"
            )
        }
        activation =
            try file.member(keys.activation).map { node throws(ModelFilesError) in try Self.activation(node) } ?? .gelu
        layerNormEpsilon = 1e-12
        if family == .bert, let node = try file.member("layer_norm_eps") {
            layerNormEpsilon = try node.number()
            guard layerNormEpsilon > 0, layerNormEpsilon < 1 else { throw node.mismatch("a number between 0 and 1") }
        }
        padTokenID = try Self.padTokenID(file, vocabularySize: vocabularySize)
        labels = try Self.labels(file)
        problemType = try file.member("problem_type").map { node throws(ModelFilesError) in
            guard let type = ProblemType(rawValue: try node.string()) else {
                throw node.mismatch("one of " + ProblemType.allCases.map(\.rawValue).joined(separator: ", "))
            }
            return type
        }
        tiesWordEmbeddings = try file.member("tie_word_embeddings")?.bool() ?? true
        crossEncoderActivation = try Self.crossEncoderActivation(file)
    }

    /// sentence-transformers writes the activation's class, "torch.nn.modules.linear.Identity" for example, under
    /// `sentence_transformers.activation_fn`, before version 4 under `sbert_ce_default_activation_function`. It falls back
    /// to its default for classes of other libraries than PyTorch.
    private static func crossEncoderActivation(_ file: JSONNode) throws(ModelFilesError) -> CrossEncoderActivation? {
        let older = try file.member("sbert_ce_default_activation_function")
        guard let node = try file.member("sentence_transformers")?.member("activation_fn") ?? older else { return nil }
        let name = try node.string()
        guard name.hasPrefix("torch.") else { return nil }
        guard
            let activation = CrossEncoderActivation(rawValue: name.split(separator: ".").last.map(String.init) ?? "")
        else { throw node.mismatch("torch.nn.Identity or torch.nn.Sigmoid") }
        return activation
    }

    private static let limits = JSONLimits(bytes: 16 << 20, depth: 16, values: 1_000_000)
    private static let mostLabels = 100_000

    // MARK: - The family

    private static func family(_ file: JSONNode, architecture: String?) throws(ModelFilesError) -> Family {
        if let type = try file.member("model_type")?.string() {
            if let family = Family(rawValue: type) { return family }
            throw unsupported(file, "the model is of the family \(familyName(type)) (`model_type` \(quoted(type)))")
        }
        switch architecture {
        case let name? where name.hasPrefix("Bert"): return .bert
        case let name? where name.hasPrefix("DistilBert"): return .distilBERT
        case let name?: throw unsupported(file, "the model is a \(quoted(name))")
        case nil: throw unsupported(file, "neither `model_type` nor `architectures` says which family the model is of")
        }
    }

    private static func unsupported(_ file: JSONNode, _ finding: String) -> ModelFilesError {
        ModelFilesError(
            .unsupportedModel,
            file: file.file,
            finding + "; supported are BERT (`bert`) and DistilBERT (`distilbert`)"
        )
    }

    /// The name by which people know a family, from its `model_type`.
    private static func familyName(_ type: String) -> String {
        let names = [
            "albert": "ALBERT", "bart": "BART", "camembert": "CamemBERT", "deberta": "DeBERTa",
            "deberta-v2": "DeBERTa v2",
            "electra": "ELECTRA", "gpt2": "GPT-2", "llama": "Llama", "longformer": "Longformer", "mbart": "mBART",
            "mobilebert": "MobileBERT", "modernbert": "ModernBERT", "mpnet": "MPNet", "nomic_bert": "Nomic BERT",
            "roberta": "RoBERTa", "squeezebert": "SqueezeBERT", "t5": "T5", "xlm": "XLM", "xlm-roberta": "XLM-RoBERTa",
            "xlnet": "XLNet",
        ]
        return names[type] ?? quoted(type)
    }

    /// Refuses the variants of a supported family that compute something else.
    private static func refuseVariants(_ file: JSONNode) throws(ModelFilesError) {
        if let node = try file.member("position_embedding_type"), try node.string() != "absolute" {
            throw unsupported(
                file,
                "`position_embedding_type` is \(node.value.kind), and only \"absolute\" is implemented"
            )
        }
        for key in ["is_decoder", "add_cross_attention", "is_encoder_decoder"] {
            if try file.member(key)?.bool() == true {
                throw unsupported(file, "`\(key)` is true, and only encoders are implemented")
            }
        }
        if try file.member("quantization_config") != nil {
            throw unsupported(file, "the checkpoint is quantised (`quantization_config`); use the one it was made from")
        }
        if let node = try file.member("pruned_heads"), try !node.members().isEmpty {
            throw unsupported(file, "`pruned_heads` is not empty, and pruned attention is not implemented")
        }
    }

    private static func activation(_ node: JSONNode) throws(ModelFilesError) -> Activation {
        switch try node.string() {
        case "gelu", "gelu_python": return .gelu
        case "gelu_new", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast": return .geluNew
        case "relu": return .relu
        case "silu", "swish": return .silu
        default: throw node.mismatch("one of gelu, gelu_new, gelu_pytorch_tanh, gelu_fast, relu, silu, swish")
        }
    }

    // MARK: - Labels and tokens

    private static func padTokenID(_ file: JSONNode, vocabularySize: Int) throws(ModelFilesError) -> Int? {
        let key = "pad_token_id"
        if let node = try file.member(key) { return try node.integer(in: 0...vocabularySize - 1) }
        return try file.members().contains { $0.key == key } ? nil : 0
    }

    private static func labels(_ file: JSONNode) throws(ModelFilesError) -> [String] {
        guard let map = try file.member("id2label") else {
            let count = try file.member("num_labels")?.integer(in: 0...mostLabels) ?? 2
            return (0..<count).map { "LABEL_\($0)" }
        }
        let members = try map.members()
        guard members.count <= mostLabels else { throw map.mismatch("an object of at most \(mostLabels) labels") }
        var labels = [String?](repeating: nil, count: members.count)
        for (key, node) in members {
            guard let index = Int(key), labels.indices.contains(index), labels[index] == nil else {
                throw map.mismatch(
                    "an object with the keys \"0\" to \"\(members.count - 1)\", each once; \(quoted(key)) is not"
                )
            }
            labels[index] = try node.string()
        }
        return labels.compactMap { $0 }
    }
}

/// How the keys of `config.json` are called in a family, the family's own name first, and their defaults.
private struct Keys {
    let hiddenSize, layers, heads, intermediateSize: [String]
    let activation: String
    let defaultLayers: Int
    let defaultArchitecture: String

    init(_ family: ModelConfiguration.Family) {
        switch family {
        case .bert:
            hiddenSize = ["hidden_size"]
            layers = ["num_hidden_layers"]
            heads = ["num_attention_heads"]
            intermediateSize = ["intermediate_size"]
            activation = "hidden_act"
            defaultLayers = 12
            defaultArchitecture = "BertModel"
        case .distilBERT:
            hiddenSize = ["dim", "hidden_size"]
            layers = ["n_layers", "num_hidden_layers"]
            heads = ["n_heads", "num_attention_heads"]
            intermediateSize = ["hidden_dim"]
            activation = "activation"
            defaultLayers = 6
            defaultArchitecture = "DistilBertModel"
        }
    }
}
