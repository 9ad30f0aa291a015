import ModelFiles

extension SeededCheckpoint {
    /// Writes the folder as a download would be: config.json, the weights, vocab.txt and tokenizer_config.json.
    package func write(to folder: String) throws(FileWriteError) {
        try SafetensorsWriter.makeFolder(folder)
        try SafetensorsWriter.write(text: objectText(configuration), to: "\(folder)/config.json")
        try SafetensorsWriter.write(text: vocabularyEntries.joined(separator: "\n") + "\n", to: "\(folder)/vocab.txt")
        try SafetensorsWriter.write(text: objectText(tokenizer), to: "\(folder)/tokenizer_config.json")
        let tensors = tensors.map(writable)
        guard shards > 1 else {
            return try SafetensorsWriter.write(tensors, to: "\(folder)/model.safetensors")
        }
        var placement: [String] = []
        for shard in 0..<shards {
            let part = tensors[shard * tensors.count / shards..<(shard + 1) * tensors.count / shards]
            let name = "model-\(padded(shard + 1))-of-\(padded(shards)).safetensors"
            try SafetensorsWriter.write(Array(part), to: "\(folder)/\(name)")
            placement += part.map { "\"\($0.name)\":\"\(name)\"" }
        }
        let total = tensors.reduce(0) { $0 + $1.byteCount }
        let index = [
            ("metadata", "{\"total_size\":\(total)}"), ("weight_map", "{\(placement.joined(separator: ","))}"),
        ]
        try SafetensorsWriter.write(text: objectText(index), to: "\(folder)/model.safetensors.index.json")
    }

    /// The tensor as it is stored.
    private func writable(canonical name: String, shape: [Int]) -> SafetensorsWriter.Tensor {
        let norm = name.hasSuffix("LayerNorm.weight") || name.hasSuffix("layer_norm.weight")
        let stream = SeededStream(seed: seed, name: name)
        let (dtype, spread) = (dtype, norm ? 0.25 : spread)
        return SafetensorsWriter.Tensor(name: fileName(name), dtype: dtype, shape: shape) { bytes in
            stream.fill(bytes, as: dtype, centre: norm ? 1 : 0, spread: spread)
        }
    }

    // MARK: - Tensors

    /// Canonical name and shape of every tensor, in the order of the file.
    private var tensors: [(canonical: String, shape: [Int])] {
        var list: [(canonical: String, shape: [Int])] = []
        func linear(_ name: String, _ rows: Int, _ columns: Int) {
            list += [(name + ".weight", [rows, columns]), (name + ".bias", [rows])]
        }
        func norm(_ name: String) {
            list += [(name + ".weight", [hidden]), (name + ".bias", [hidden])]
        }
        let bert = family == .bert
        list.append(("embeddings.word_embeddings.weight", [vocabulary, hidden]))
        list.append(("embeddings.position_embeddings.weight", [positions, hidden]))
        if bert { list.append(("embeddings.token_type_embeddings.weight", [tokenTypes, hidden])) }
        norm("embeddings.LayerNorm")
        for layer in 0..<layers {
            let prefix = bert ? "encoder.layer.\(layer)." : "transformer.layer.\(layer)."
            for part in bert ? ["self.query", "self.key", "self.value"] : ["q_lin", "k_lin", "v_lin"] {
                linear(prefix + "attention." + part, hidden, hidden)
            }
            linear(prefix + (bert ? "attention.output.dense" : "attention.out_lin"), hidden, hidden)
            norm(prefix + (bert ? "attention.output.LayerNorm" : "sa_layer_norm"))
            linear(prefix + (bert ? "intermediate.dense" : "ffn.lin1"), intermediate, hidden)
            linear(prefix + (bert ? "output.dense" : "ffn.lin2"), hidden, intermediate)
            norm(prefix + (bert ? "output.LayerNorm" : "output_layer_norm"))
        }
        switch effectiveHead {
        case nil: if bert { linear("pooler.dense", hidden, hidden) }
        case .sequence, .choice:
            linear(bert ? "pooler.dense" : "pre_classifier", hidden, hidden)
            linear("classifier", effectiveHead == .choice ? 1 : labels, hidden)
        case .token: linear("classifier", labels, hidden)
        case .answer: linear("qa_outputs", 2, hidden)
        case .maskedLM, .preTraining:
            if effectiveHead == .preTraining { linear("pooler.dense", hidden, hidden) }
            linear(bert ? "cls.predictions.transform.dense" : "vocab_transform", hidden, hidden)
            norm(bert ? "cls.predictions.transform.LayerNorm" : "vocab_layer_norm")
            if ownDecoder {
                list.append(
                    (bert ? "cls.predictions.decoder.weight" : "vocab_projector.weight", [vocabulary, hidden])
                )
            }
            list.append((bert ? "cls.predictions.bias" : "vocab_projector.bias", [vocabulary]))
            if effectiveHead == .preTraining { linear("cls.seq_relationship", 2, hidden) }
        }
        return list
    }

    /// Writes a linear layer to a folder of its own, as a Dense module of sentence-transformers has it.
    package func writeLinear(outputs: Int, inputs: Int, to folder: String) throws(FileWriteError) {
        try writeModule([("linear.weight", [outputs, inputs]), ("linear.bias", [outputs])], to: folder)
    }

    /// Writes the tensors of a module of sentence-transformers to a folder of its own.
    package func writeModule(_ tensors: [(name: String, shape: [Int])], to folder: String) throws(FileWriteError) {
        try SafetensorsWriter.makeFolder(folder)
        try SafetensorsWriter.write(tensors.map(writable), to: "\(folder)/model.safetensors")
    }

    /// The name that a tensor has in the file.
    private func fileName(_ canonical: String) -> String {
        var name = canonical
        if gammaBeta, name.hasSuffix("LayerNorm.weight") { name = name.dropLast(6) + "gamma" }
        if gammaBeta, name.hasSuffix("LayerNorm.bias") { name = name.dropLast(4) + "beta" }
        let heads = ["classifier", "pre_classifier", "qa_outputs", "cls.", "vocab_", "linear.", "residual.", "norm."]
        let inHead = heads.contains { name.hasPrefix($0) }
        return prefixed && !inHead ? "\(family.rawValue).\(name)" : name
    }

    // MARK: - Texts

    /// The members of config.json, as JSON.
    private var configuration: [(key: String, value: String)] {
        let name = family == .bert ? "Bert" : "DistilBert"
        var members = [
            ("architectures", "[\"\(name)\(architectureSuffix)\"]"),
            ("model_type", "\"\(family.rawValue)\""),
        ]
        switch family {
        case .bert:
            members += [
                ("hidden_size", "\(hidden)"), ("num_hidden_layers", "\(layers)"), ("num_attention_heads", "\(heads)"),
                ("intermediate_size", "\(intermediate)"), ("hidden_act", "\"\(activation)\""),
                ("type_vocab_size", "\(tokenTypes)"),
            ]
        case .distilBERT:
            members += [
                ("dim", "\(hidden)"), ("n_layers", "\(layers)"), ("n_heads", "\(heads)"),
                ("hidden_dim", "\(intermediate)"), ("activation", "\"\(activation)\""),
            ]
        }
        members += [
            ("vocab_size", "\(vocabulary)"), ("max_position_embeddings", "\(positions)"), ("pad_token_id", "0"),
        ]
        if labels > 0 {
            let names = labelNames.isEmpty ? (0..<labels).map { "LABEL_\($0)" } : labelNames
            let byID = names.enumerated().map { "\"\($0.offset)\":\"\($0.element)\"" }
            members.append(("id2label", "{\(byID.joined(separator: ","))}"))
            if !labelNames.isEmpty {
                let byName = names.enumerated().map { "\"\($0.element)\":\($0.offset)" }
                members.append(("label2id", "{\(byName.joined(separator: ","))}"))
            }
        }
        if !problemType.isEmpty { members.append(("problem_type", "\"\(problemType)\"")) }
        if ownDecoder { members.append(("tie_word_embeddings", "false")) }
        return members
    }

    private var architectureSuffix: String {
        switch effectiveHead {
        case nil: "Model"
        case .sequence: "ForSequenceClassification"
        case .token: "ForTokenClassification"
        case .answer: "ForQuestionAnswering"
        case .maskedLM: "ForMaskedLM"
        case .preTraining: "ForPreTraining"
        case .choice: "ForMultipleChoice"
        }
    }

    private var tokenizer: [(key: String, value: String)] {
        [
            ("do_lower_case", "\(lowercase)"), ("model_max_length", "\(positions)"),
            ("tokenizer_class", family == .bert ? "\"BertTokenizer\"" : "\"DistilBertTokenizer\""),
        ]
    }

    /// Specials, ASCII, continued letters and digits, then aa, ##aa, ab, ##ab, … zz, ##zz, aaa, ##aaa, …, and extras.
    private var vocabularyEntries: [String] {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        var entries = Self.specials
        entries += (33..<127).filter { !(65...90).contains($0) }.map { String(UnicodeScalar(UInt8($0))) }
        entries += (letters + Array("0123456789")).map { "##\($0)" }
        precondition(vocabulary >= entries.count)
        var length = 2
        var combinations = 26 * 26
        while entries.count < vocabulary {
            for number in 0..<combinations where entries.count < vocabulary {
                var rest = number
                var word: [Character] = []
                for _ in 0..<length {
                    word.append(letters[rest % 26])
                    rest /= 26
                }
                let text = String(word.reversed())
                entries.append(text)
                if entries.count < vocabulary { entries.append("##" + text) }
            }
            length += 1
            combinations *= 26
        }
        return entries.dropLast(extraWords.count) + extraWords
    }

    private func objectText(_ members: [(key: String, value: String)]) -> String {
        "{\n" + members.map { "  \"\($0.key)\": \($0.value)" }.joined(separator: ",\n") + "\n}\n"
    }

    private func padded(_ number: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
    }
}
