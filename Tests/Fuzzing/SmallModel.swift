/// The files of the smallest model that loads, as text: a BERT of one word vector of two numbers each.
enum SmallModel {
    static let configuration = """
        {"model_type": "bert", "architectures": ["BertForSequenceClassification"], "hidden_size": 2, "vocab_size": 12,
         "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 2, "max_position_embeddings": 16,
         "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "id2label": {"0": "no", "1": "yes"},
         "label2id": {"no": 0, "yes": 1}, "problem_type": "single_label_classification", "pad_token_id": 0}
        """
    static let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "\u{E9}", "b"]
    static let vocabulary = words.joined(separator: "\n") + "\n"
    static let tokenizerSettings = """
        {"tokenizer_class": "BertTokenizer", "do_lower_case": true, "strip_accents": null, "model_max_length": 16,
         "tokenize_chinese_chars": true, "cls_token": "[CLS]", "mask_token": {"content": "[MASK]", "lstrip": true},
         "additional_special_tokens": ["[NEW]"]}
        """
    static let specialTokens = #"{"unk_token": "[UNK]", "sep_token": {"content": "[SEP]", "rstrip": false}}"#
    static let addedTokens = #"{"<ent>": 10, "[NEW]": 9}"#
    static let serializedTokenizer: String = {
        let vocabulary = words.enumerated().map { "\"\($0.element)\": \($0.offset)" }.joined(separator: ", ")
        let template = #"{"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}"#
        let first = #"{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}"#
        return """
            {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [
              {"id": 9, "content": "<ent>", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true,
               "special": false}],
             "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
               "strip_accents": null, "lowercase": true},
             "pre_tokenizer": {"type": "BertPreTokenizer"},
             "post_processor": {"type": "TemplateProcessing",
               "single": [\(first), {"SpecialToken": {"id": "[SEP]", "type_id": 0}}], "pair": [\(first), \(template)],
               "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                                  "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
             "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
               "max_input_chars_per_word": 50, "vocab": {\(vocabulary)}}}
            """
    }()
    static let shardIndex =
        #"{"metadata": {"total_size": 16}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}"#
    static let modules = """
        [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
         {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
         {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]
        """
    static let pooling = """
        {"word_embedding_dimension": 2, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true,
         "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false, "include_prompt": true}
        """
    static let limits = #"{"max_seq_length": 8, "do_lower_case": false}"#

    /// What a folder of `transformers` holds.
    static let files = bytes([
        "config.json": configuration, "vocab.txt": vocabulary, "tokenizer_config.json": tokenizerSettings,
    ]).merging(["model.safetensors": tensor("a")]) { $1 }

    /// The same with its tensors in two files.
    static let sharded = bytes(["config.json": configuration, "vocab.txt": vocabulary])
        .merging(["1.safetensors": tensor("a"), "2.safetensors": tensor("b")]) { $1 }

    /// A folder of sentence-transformers.
    static let sentenceTransformer = files.merging(
        bytes(["modules.json": modules, "1_Pooling/config.json": pooling, "sentence_bert_config.json": limits])
    ) { $1 }

    private static func bytes(_ texts: [String: String]) -> [String: [UInt8]] { texts.mapValues { Array($0.utf8) } }

    /// A safetensors file of one tensor of two numbers.
    private static func tensor(_ name: String) -> [UInt8] {
        let header = #"{"\#(name)":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        return withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian, Array.init) + header.utf8
            + [UInt8](repeating: 0, count: 8)
    }
}
