import JSON
import ModelFiles
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    private func read(_ text: String) throws -> ModelConfiguration {
        try Array(text.utf8).withUnsafeBytes {
            try ModelConfiguration(try JSONNode(parsing: $0, file: "config.json", limits: .savedByPython))
        }
    }

    private func classifier(
        _ settings: String,
        _ architecture: String = "BertForSequenceClassification"
    ) throws -> ModelConfiguration {
        try read("{\"model_type\": \"bert\", \"architectures\": [\"\(architecture)\"], \(settings)}")
    }

    @Test func defaultsAreThoseOfTransformers() throws {
        let bert = try read("{\"model_type\": \"bert\"}")
        #expect(
            bert
                == ModelConfiguration(
                    family: .bert,
                    architecture: "BertModel",
                    hiddenSize: 768,
                    layers: 12,
                    heads: 12,
                    intermediateSize: 3072,
                    activation: .gelu,
                    vocabularySize: 30522,
                    maxPositions: 512,
                    typeVocabularySize: 2,
                    layerNormEpsilon: 1e-12,
                    padTokenID: 0,
                    labels: [],
                    problemType: nil
                )
        )
        var distilBERT = bert
        distilBERT.family = .distilBERT
        distilBERT.architecture = "DistilBertModel"
        distilBERT.layers = 6
        distilBERT.typeVocabularySize = 0
        #expect(try read("{\"model_type\": \"distilbert\", \"layer_norm_eps\": 1e-5}") == distilBERT)
    }

    @Test func readsWhatHeadsNeed() throws {
        func model(_ members: String) throws -> ModelConfiguration { try classifier("\"x\": 1\(members)") }
        #expect(try model("").tiesWordEmbeddings && model("").crossEncoderActivation == nil)
        #expect(try !model(", \"tie_word_embeddings\": false").tiesWordEmbeddings)
        let older = ", \"sbert_ce_default_activation_function\": \"torch.nn.modules.linear.Identity\""
        #expect(try model(older).crossEncoderActivation == .identity)
        let newer = ", \"sentence_transformers\": {\"activation_fn\": \"torch.nn.modules.activation.Sigmoid\"}"
        #expect(try model(older + newer).crossEncoderActivation == .sigmoid)
        let foreign = ", \"sentence_transformers\": {\"activation_fn\": \"mine.Identity\", \"version\": \"5.0\"}"
        #expect(try model(foreign).crossEncoderActivation == nil)
        let unknown = ", \"sbert_ce_default_activation_function\": \"torch.nn.Hardtanh\""
        let error = #expect(throws: ModelFilesError.self) { try model(unknown) }
        #expect(error?.description.contains("\"torch.nn.Hardtanh\"") == true)
        #expect(try read("{\"model_type\": \"bert\"\(unknown)}").crossEncoderActivation == nil)
    }

    /// What the configurations of `transformers` 4.30, 4.57 and 5.24 make of these: names are looked at where a head has
    /// them; numbers are names, as Python writes them; `label2id` counts for nothing.
    @Test func readsLabelsAsTransformers() throws {
        let odd = [
            "\"id2label\": {\"1\": \"A\", \"2\": \"B\"}", "\"id2label\": {\"0\": [], \"1\": null}",
            "\"id2label\": [\"a\"]",
            "\"num_labels\": -3", "\"num_labels\": 3, \"id2label\": {\"0\": \"a\"}", "\"problem_type\": \"ranking\"",
        ]
        for settings in odd {
            for architecture in ["BertModel", "BertForMaskedLM", "BertForQuestionAnswering", "BertForMultipleChoice"] {
                #expect(try classifier(settings, architecture).labels.isEmpty, "\(settings)")
            }
            #expect(throws: ModelFilesError.self, "\(settings)") { try classifier(settings) }
        }
        let named: [(settings: String, labels: [String])] = [
            ("\"id2label\": {\"0\": 1, \"1\": 2, \"2\": 3}", ["1", "2", "3"]),
            ("\"id2label\": {\"1\": 1.0, \"0\": 0.5}", ["0.5", "1.0"]),
            ("\"id2label\": {\"0\": false, \"1\": true}", ["False", "True"]),
            ("\"num_labels\": 3", ["LABEL_0", "LABEL_1", "LABEL_2"]),
            ("\"num_labels\": 1, \"id2label\": null", ["LABEL_0"]),
            ("\"num_labels\": 2, \"id2label\": {\"0\": \"a\", \"1\": \"b\"}", ["a", "b"]),
            ("\"label2id\": {\"x\": 0, \"y\": 1, \"z\": 2}", ["LABEL_0", "LABEL_1"]),
            ("\"label2id\": null, \"id2label\": {\"0\": \"a\", \"1\": \"a\"}", ["a", "a"]),
        ]
        for (settings, labels) in named {
            #expect(try classifier(settings).labels == labels, "\(settings)")
            #expect(try classifier(settings, "BertForTokenClassification").labels == labels, "\(settings)")
        }
        let refused = [
            ("\"id2label\": {\"1\": \"a\"}", "keys \"0\" to \"0\""),
            ("\"id2label\": {\"0\": \"a\", \"00\": \"b\"}", "keys \"0\" to \"1\""),
            ("\"id2label\": {\"0\": null}", "`id2label.0` must be a name, or a number"),
            ("\"id2label\": [\"a\"]", "`id2label` must be an object"), ("\"num_labels\": -1", "`num_labels`"),
            ("\"num_labels\": 3, \"id2label\": {\"0\": \"a\"}", "`num_labels` is 3, and `id2label` has 1"),
            ("\"problem_type\": \"ranking\"", "regression"), ("\"id2label\": {\"0\": NaN}", "it is NaN (line 1)"),
        ]
        for (settings, reason) in refused {
            let error = #expect(throws: ModelFilesError.self) { try classifier(settings) }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        }
    }

    /// Python writes them and reads them.
    @Test func numbersThatAreNotFiniteMatterWhereTheyAreUsed() throws {
        let unused = "\"a\": NaN, \"b\": [0.0, Infinity], \"c\": {\"d\": -Infinity}, \"e\": 1e999, \"f\": -1e999"
        #expect(try read("{\"model_type\": \"bert\", \(unused)}") == read("{\"model_type\": \"bert\"}"))
        for (settings, reason) in [
            ("\"layer_norm_eps\":\n NaN", "`layer_norm_eps` must be a number, and it is NaN (line 4)"),
            (
                "\"hidden_size\": Infinity",
                "`hidden_size` must be an integer from 1 to 65536, and it is Infinity (line 3)"
            ),
            (
                "\"vocab_size\": -1e999",
                "`vocab_size` must be an integer from 1 to 16777216, and it is -Infinity (line 3)"
            ),
        ] {
            let error = #expect(throws: ModelFilesError.self) {
                try read("{\"model_type\": \"bert\",\n\"x\": NaN,\n\(settings)}")
            }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        }
    }

    @Test func readsBothFamiliesKeys() throws {
        let bert = try read(
            """
            {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": 64,
             "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 200, "hidden_act": "gelu_pytorch_tanh",
             "vocab_size": 1000, "max_position_embeddings": 128, "type_vocab_size": 3, "layer_norm_eps": 1e-5,
             "pad_token_id": 7, "id2label": {"1": "b", "0": "a", "2": "c"}, "problem_type": "multi_label_classification",
             "position_embedding_type": "absolute", "is_decoder": false, "pruned_heads": {}}
            """
        )
        #expect(bert.hiddenSize == 64 && bert.layers == 3 && bert.heads == 4 && bert.intermediateSize == 200)
        #expect(bert.activation == .geluNew && bert.vocabularySize == 1000 && bert.maxPositions == 128)
        #expect(bert.typeVocabularySize == 3 && bert.layerNormEpsilon == 1e-5 && bert.padTokenID == 7)
        #expect(bert.labels == ["a", "b", "c"] && bert.problemType == .multiLabelClassification && bert.headSize == 16)
        #expect(bert.architecture == "BertForSequenceClassification")
        let distilBERT = try read(
            """
            {"model_type": "distilbert", "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 60, "activation": "swish",
             "architectures": ["DistilBertForTokenClassification"], "num_labels": 4, "pad_token_id": null,
             "type_vocab_size": 2}
            """
        )
        #expect(distilBERT.hiddenSize == 32 && distilBERT.layers == 2 && distilBERT.heads == 2)
        #expect(distilBERT.intermediateSize == 60 && distilBERT.activation == .silu && distilBERT.padTokenID == nil)
        #expect(distilBERT.labels == ["LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3"])
        #expect(distilBERT.typeVocabularySize == 0)
        #expect(try read("{\"architectures\": [\"DistilBertForMaskedLM\"]}").family == .distilBERT)
    }

    @Test(arguments: [
        ("bart", "BART"), ("roberta", "RoBERTa"), ("xlm-roberta", "XLM-RoBERTa"), ("albert", "ALBERT"), ("t5", "T5"),
        ("modernbert", "ModernBERT"), ("something-new", "something-new"),
    ])
    func refusesOtherFamiliesByName(type: String, name: String) {
        let error = #expect(throws: ModelFilesError.self) { try read("{\"model_type\": \"\(type)\"}") }
        #expect(error?.code == .unsupportedModel)
        #expect(error?.description.contains(name) == true)
        #expect(error?.description.contains("supported are BERT (`bert`) and DistilBERT (`distilbert`)") == true)
    }

    /// Settings that must be refused in a BERT configuration, and words of the reason.
    private static let refused: [(settings: String, reason: String)] = [
        ("\"position_embedding_type\": \"relative_key\"", "relative_key"),
        ("\"is_decoder\": true", "`is_decoder`"),
        ("\"add_cross_attention\": true", "`add_cross_attention`"),
        ("\"quantization_config\": {}", "quantised"),
        ("\"pruned_heads\": {\"0\": [1]}", "`pruned_heads`"),
        ("\"hidden_size\": 770", "not a multiple of the 12"),
        ("\"hidden_size\": -768", "`hidden_size` must be an integer"),
        ("\"hidden_size\": 768.0", "`hidden_size` must be an integer"),
        ("\"hidden_size\": \"768\"", "and it is \"768\""),
        ("\"hidden_size\": 768000000", "`hidden_size`"),
        ("\"num_hidden_layers\": 0", "`num_hidden_layers`"),
        ("\"num_attention_heads\": 0", "`num_attention_heads`"),
        ("\"intermediate_size\": 99999999999999999999", "`intermediate_size`"),
        ("\"vocab_size\": 0", "`vocab_size`"),
        ("\"pad_token_id\": 30522", "`pad_token_id`"),
        ("\"type_vocab_size\": 0", "`type_vocab_size`"),
        ("\"layer_norm_eps\": 0", "`layer_norm_eps`"),
        ("\"layer_norm_eps\": \"1e-12\"", "`layer_norm_eps`"),
        ("\"hidden_act\": \"mish\"", "gelu_new"),
        ("\"architectures\": \"BertModel\"", "`architectures` must be an array"),
        ("\"model_type\": \"bert\"", "appears twice"),
    ]

    @Test(arguments: refused.indices)
    func refuses(_ index: Int) {
        let (settings, reason) = Self.refused[index]
        let error = #expect(throws: ModelFilesError.self) { try read("{\"model_type\": \"bert\", \(settings)}") }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        #expect(error?.file == "config.json")
    }

    @Test func missingFileSaysWhatAFolderHolds() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: ModelFilesError.self) { try ModelConfiguration(directory: folder.path) }
        #expect(error?.code == .missingFile && error?.file == folder("config.json"))
        #expect(error?.description.contains("model.safetensors") == true)
    }
}
