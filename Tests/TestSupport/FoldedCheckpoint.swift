import Glibc
import ModelFiles

/// Rewrites a BERT encoder as the DistilBERT checkpoint that computes the same.
///
/// DistilBERT is BERT without token types and pooler. A text of one segment adds row 0 of BERT's token-type table to every
/// position, so adding that row to the position table once gives an equal model, but for the order of one addition.
package enum FoldedCheckpoint {
    /// Writes to `target` the DistilBERT form of the BERT folder `source`, in F32, with the vocabulary and the
    /// sentence-transformers files that the source has.
    package static func write(from source: String, to target: String) throws {
        let bert = try ModelConfiguration(directory: source)
        let checkpoint = try Checkpoint(directory: source)
        // DistilBERT's layer norms always have ε = 1e-12, so a model with another one has no equal.
        precondition(bert.family == .bert && bert.layerNormEpsilon == 1e-12)
        let hidden = bert.hiddenSize
        let types = try checkpoint.weight(
            "embeddings.token_type_embeddings.weight",
            shape: [bert.typeVocabularySize, hidden]
        ).floats()
        let positions = "embeddings.position_embeddings.weight"
        var tensors: [SafetensorsWriter.Tensor] = []
        for (old, new) in names(layers: bert.layers) {
            guard let tensor = checkpoint.tensor(old) else {
                throw ModelFilesError(.missingTensor, file: source, "the tensor \"\(old)\" is missing")
            }
            let stored = SafetensorsWriter.Tensor(name: new, dtype: .float32, shape: tensor.shape) { bytes in
                let floats = bytes.bindMemory(to: Float.self)
                tensor.copyFloats(to: floats)
                guard old == positions else { return }
                for index in floats.indices { floats[index] += types[index % hidden] }
            }
            tensors.append(stored)
        }
        try SafetensorsWriter.makeFolder(target)
        try SafetensorsWriter.write(tensors, to: "\(target)/model.safetensors")
        try SafetensorsWriter.write(text: configuration(bert), to: "\(target)/config.json")
        for folder in ["", "1_Pooling", "2_Normalize"] where access("\(source)/\(folder)", F_OK) == 0 {
            try SafetensorsWriter.makeFolder("\(target)/\(folder)")
        }
        for file in copiedFiles where access("\(source)/\(file)", F_OK) == 0 {
            let bytes = try MappedFile(path: "\(source)/\(file)")
            let text = String(decoding: bytes.bytes, as: UTF8.self)
            try SafetensorsWriter.write(text: text, to: "\(target)/\(file)")
        }
    }

    private static let copiedFiles = [
        "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json",
    ]

    /// BERT's and DistilBERT's names of each tensor that both have.
    private static func names(layers: Int) -> [(bert: String, distilBERT: String)] {
        let embeddings = ["word_embeddings.weight", "position_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias"]
        var names = embeddings.map { ("embeddings.\($0)", "embeddings.\($0)") }
        let parts = [
            ("attention.self.query", "attention.q_lin"), ("attention.self.key", "attention.k_lin"),
            ("attention.self.value", "attention.v_lin"), ("attention.output.dense", "attention.out_lin"),
            ("attention.output.LayerNorm", "sa_layer_norm"), ("intermediate.dense", "ffn.lin1"),
            ("output.dense", "ffn.lin2"), ("output.LayerNorm", "output_layer_norm"),
        ]
        for layer in 0..<layers {
            for (bert, distilBERT) in parts {
                for suffix in ["weight", "bias"] {
                    let name = "encoder.layer.\(layer).\(bert).\(suffix)"
                    names.append((name, "transformer.layer.\(layer).\(distilBERT).\(suffix)"))
                }
            }
        }
        return names
    }

    private static func configuration(_ bert: ModelConfiguration) -> String {
        let activation =
            switch bert.activation {
            case .gelu: "gelu"
            case .geluNew: "gelu_new"
            case .relu: "relu"
            case .silu: "silu"
            }
        return """
            {
              "architectures": ["DistilBertModel"],
              "model_type": "distilbert",
              "dim": \(bert.hiddenSize),
              "n_layers": \(bert.layers),
              "n_heads": \(bert.heads),
              "hidden_dim": \(bert.intermediateSize),
              "activation": "\(activation)",
              "vocab_size": \(bert.vocabularySize),
              "max_position_embeddings": \(bert.maxPositions),
              "pad_token_id": \(bert.padTokenID ?? 0)
            }

            """
    }
}
