import JSON

extension ModelConfiguration {
    /// The config.json that says this configuration, in the family's vocabulary, as `transformers` writes it.
    ///
    /// - Parameters:
    ///   - architecture: the class that reads all of the weights.
    ///   - elementType: of the weights: F32, F16 or BF16.
    package func file(architecture: String, elementType: ElementType) -> SmallFile {
        let keys = Keys(family)
        let type =
            switch elementType {
            case .float16: "float16"
            case .bfloat16: "bfloat16"
            default: "float32"
            }
        var members: [(key: String, value: JSONValue)] = [
            ("architectures", .array([.string(architecture)])),
            ("model_type", .string(family.rawValue)),
            // Releases before 4.56 know the longer name alone.
            ("dtype", .string(type)), ("torch_dtype", .string(type)),
            (keys.hiddenSize[0], .integer(hiddenSize)),
            (keys.layers[0], .integer(layers)),
            (keys.heads[0], .integer(heads)),
            (keys.intermediateSize[0], .integer(intermediateSize)),
            (keys.activation, .string(activation.configurationName)),
            (keys.hiddenDropout, .number(dropouts.hidden)),
            (keys.attentionDropout, .number(dropouts.attention)),
            ("initializer_range", .number(initializerRange)),
            ("vocab_size", .integer(vocabularySize)),
            ("max_position_embeddings", .integer(maxPositions)),
            ("pad_token_id", padTokenID.map { .integer($0) } ?? .null),
            ("tie_word_embeddings", .bool(tiesWordEmbeddings)),
        ]
        switch family {
        case .bert:
            members += [
                ("type_vocab_size", .integer(typeVocabularySize)),
                ("layer_norm_eps", .number(layerNormEpsilon)),
                (keys.classifierDropout, dropouts.classifier.map { .number($0) } ?? .null),
            ]
        case .distilBERT:
            members.append(("sinusoidal_pos_embds", .bool(false)))
            if let share = dropouts.classifier { members.append((keys.classifierDropout, .number(share))) }
            if let share = dropouts.answer { members.append(("qa_dropout", .number(share))) }
        }
        if !labels.isEmpty {
            let named = labels.enumerated().map { ("\($0.offset)", JSONValue.string($0.element)) }
            members.append(("id2label", .object(JSONObject(named))))
            // A name that several classes have is the last one's, as in a dictionary of Python.
            let identifiers = Dictionary(labels.enumerated().map { (ExactString($1), $0) }) { $1 }
            let byName = identifiers.sorted { $0.value < $1.value }.map { ($0.key.string, JSONValue.integer($0.value)) }
            members.append(("label2id", .object(JSONObject(byName))))
        }
        if let problemType { members.append(("problem_type", .string(problemType.rawValue))) }
        if let crossEncoderActivation {
            let path: JSONObject = ["activation_fn": .string(crossEncoderActivation.path)]
            members.append(("sentence_transformers", .object(path)))
        }
        let sorted = JSONObject(members.sorted { $0.key < $1.key })
        return SmallFile(name: Self.fileName, text: JSONValue.object(sorted).fileText)
    }
}

extension ModelConfiguration.Activation {
    /// What `transformers` calls it.
    fileprivate var configurationName: String {
        switch self {
        case .gelu: "gelu"
        case .geluNew: "gelu_new"
        case .relu: "relu"
        case .silu: "silu"
        }
    }
}
