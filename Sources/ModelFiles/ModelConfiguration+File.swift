import JSON

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
        // What a head alone uses may be anything where another stands.
        let classifies = self.architecture.hasSuffix("ForSequenceClassification")
        labels = classifies || self.architecture.hasSuffix("ForTokenClassification") ? try Self.labels(file) : []
        if classifies {
            problemType = try Self.problemType(file)
            crossEncoderActivation = try Self.crossEncoderActivation(file)
        } else if self.architecture == keys.defaultArchitecture, let names = Self.namedLabels(file) {
            labels = names
            problemType = try? Self.problemType(file)
        }
        tiesWordEmbeddings = try file.member("tie_word_embeddings")?.bool() ?? true
        dropouts.hidden = try Self.dropout(file, keys.hiddenDropout) ?? dropouts.hidden
        dropouts.attention = try Self.dropout(file, keys.attentionDropout) ?? dropouts.attention
        dropouts.classifier = try Self.dropout(file, keys.classifierDropout)
        if family == .distilBERT { dropouts.answer = try Self.dropout(file, "qa_dropout") }
        if let node = try file.member("initializer_range") {
            initializerRange = try node.number()
            guard initializerRange >= 0 else { throw node.mismatch("a number of at least 0") }
        }
    }

    private static func problemType(_ file: JSONNode) throws(ModelFilesError) -> ProblemType? {
        guard let node = try file.member("problem_type") else { return nil }
        guard let type = ProblemType(rawValue: try node.string()) else {
            throw node.mismatch("one of " + ProblemType.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return type
    }

    private static func dropout(_ file: JSONNode, _ key: String) throws(ModelFilesError) -> Double? {
        guard let node = try file.member(key) else { return nil }
        let share = try node.number()
        guard (0...1).contains(share) else { throw node.mismatch("a number from 0 to 1") }
        return share
    }

    /// sentence-transformers writes the activation's class under `sentence_transformers.activation_fn`, before version 4
    /// under `sbert_ce_default_activation_function`.
    private static func crossEncoderActivation(_ file: JSONNode) throws(ModelFilesError) -> ModuleActivation? {
        let older = try file.member("sbert_ce_default_activation_function")
        guard let node = try file.member("sentence_transformers")?.member("activation_fn") ?? older else { return nil }
        return try ModuleActivation(ofCrossEncoder: node)
    }

    private static let limits = JSONLimits(bytes: 16 << 20, depth: 16, values: 1_000_000, allowsNotFinite: true)
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
        // Negative ones count from the end, as PyTorch's embedding takes them.
        if let node = try file.member(key) {
            let id = try node.integer(in: -vocabularySize...vocabularySize - 1)
            return id < 0 ? id + vocabularySize : id
        }
        return try file.members().contains { $0.key == key } ? nil : 0
    }

    /// The classes' names: `id2label`, or as many as `num_labels` says, or two. `label2id` says nothing of its own.
    ///
    /// Where the two disagree in number, `transformers` 4 goes by `id2label` and 5 by `num_labels`, with other names; with
    /// gaps in the ids both fail when they name an answer.
    private static func labels(_ file: JSONNode) throws(ModelFilesError) -> [String] {
        let count = try file.member("num_labels")?.integer(in: 0...mostLabels)
        guard let map = try file.member("id2label") else { return (0..<(count ?? 2)).map { "LABEL_\($0)" } }
        let members = try map.members()
        if let count, count != members.count {
            throw ModelFilesError(
                .invalidConfiguration,
                file: file.file,
                "`num_labels` is \(count), and `id2label` has \(members.count); remove `num_labels`, or name all labels"
            )
        }
        guard members.count <= mostLabels else { throw map.mismatch("an object of at most \(mostLabels) labels") }
        var labels = [String?](repeating: nil, count: members.count)
        for (key, node) in members {
            guard let index = Int(key), labels.indices.contains(index), labels[index] == nil else {
                throw map.mismatch(
                    "an object with the keys \"0\" to \"\(members.count - 1)\", each once, as the classifier needs them; "
                        + "\(quoted(key)) is not"
                )
            }
            labels[index] = try label(node)
        }
        return labels.compactMap { $0 }
    }

    /// The labels of a file whose network has no head, if it names them and they are not the standard ones; such a file may
    /// say anything there, so that what cannot be read is none.
    private static func namedLabels(_ file: JSONNode) -> [String]? {
        guard let names = try? labels(file) else { return nil }
        return names.enumerated().allSatisfy { $1 == "LABEL_\($0)" } ? nil : names
    }

    /// A class's name as Python writes the value: numbers may be names.
    private static func label(_ node: JSONNode) throws(ModelFilesError) -> String {
        switch node.value {
        case .string(let name): return name
        case .integer(let number): return "\(number)"
        case .number(let number): return "\(number)"
        case .bool(let flag): return flag ? "True" : "False"
        default: throw node.mismatch("a name, or a number")
        }
    }
}

/// How the keys of `config.json` are called in a family, the family's own name first, and their defaults.
struct Keys {
    let hiddenSize, layers, heads, intermediateSize: [String]
    let activation: String
    let hiddenDropout, attentionDropout, classifierDropout: String
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
            hiddenDropout = "hidden_dropout_prob"
            attentionDropout = "attention_probs_dropout_prob"
            classifierDropout = "classifier_dropout"
            defaultLayers = 12
            defaultArchitecture = "BertModel"
        case .distilBERT:
            hiddenSize = ["dim", "hidden_size"]
            layers = ["n_layers", "num_hidden_layers"]
            heads = ["n_heads", "num_attention_heads"]
            intermediateSize = ["hidden_dim"]
            activation = "activation"
            hiddenDropout = "dropout"
            attentionDropout = "attention_dropout"
            classifierDropout = "seq_classif_dropout"
            defaultLayers = 6
            defaultArchitecture = "DistilBertModel"
        }
    }
}
