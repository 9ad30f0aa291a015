import JSON

extension SentenceTransformersModules {
    /// The folder of the module after the pooling at this place, inside the model's: "2_Dense", for example.
    package func folderName(ofStep index: Int) -> String {
        let kind =
            switch steps[index] {
            case .dense: "Dense"
            case .layerNorm: "LayerNorm"
            case .normalize: "Normalize"
            }
        return "\(index + 2)_\(kind)"
    }

    /// The folders of modules that have files.
    package var folderNames: [String] {
        [Self.poolingFolder] + steps.indices.filter { steps[$0] != .normalize }.map(folderName)
    }

    /// The files that say these modules, but for weights: sentence-transformers 3 to 6 reads them. The Transformer module
    /// is the folder itself. Of an embedding model, whose chain has a pooling.
    ///
    /// - Parameter hasPooler: whether the Transformer's network has BERT's pooler; else sentence-transformers is told to
    ///   make none.
    package func files(hasPooler: Bool) -> [SmallFile] {
        guard let pooling, purpose == .embedding else { preconditionFailure("only embedding models are written") }
        func file(_ name: String, _ value: JSONValue) -> SmallFile { SmallFile(name: name, text: value.fileText) }
        var names = ["", Self.poolingFolder] + steps.indices.map(folderName)
        names[0] = "0_Transformer"
        let modules = names.enumerated().map { index, name in
            JSONValue.object([
                "idx": .integer(index), "name": .string("\(index)"), "path": .string(index == 0 ? "" : name),
                "type": .string("sentence_transformers.models.\(name.drop { $0 != "_" }.dropFirst())"),
            ])
        }
        var transformer: JSONObject = [
            "max_seq_length": maxSequenceLength.map { .integer($0) } ?? .null, "do_lower_case": .bool(lowercases),
        ]
        if !hasPooler { _ = transformer.append(key: "model_args", value: .object(["add_pooling_layer": .bool(false)])) }
        let prompts = prompts.map { ($0.name, JSONValue.string($0.text)) }
        let defaultName = self.prompts.first { $0.text == defaultPrompt }?.name
        let settings: JSONObject = [
            "model_type": .string("SentenceTransformer"), "prompts": .object(JSONObject(prompts)),
            "default_prompt_name": defaultName.map { .string($0) } ?? .null, "similarity_fn_name": .string("cosine"),
            "truncate_dim": keptDimensions.map { .integer($0) } ?? .null,
        ]
        var files = [
            file(Self.fileName, .array(modules)), file("sentence_bert_config.json", .object(transformer)),
            file(Self.settingsFileName, .object(settings)),
            file(join(Self.poolingFolder, ModelConfiguration.fileName), .object(pooling.members)),
        ]
        for (index, step) in steps.enumerated() {
            guard let members = step.members else { continue }
            files.append(file(join(folderName(ofStep: index), ModelConfiguration.fileName), .object(members)))
        }
        return files
    }

    private static let poolingFolder = "1_Pooling"
}

extension SentenceTransformersModules.Pooling {
    /// A boolean for each mode, as all releases read it; the order of several modes is theirs.
    fileprivate var members: JSONObject {
        var members: JSONObject = ["word_embedding_dimension": .integer(dimension)]
        for (key, mode) in SentenceTransformersModules.poolingKeys {
            _ = members.append(key: key, value: .bool(modes.contains(mode)))
        }
        _ = members.append(key: "include_prompt", value: .bool(includesPrompt))
        return members
    }
}

extension SentenceTransformersModules.Step {
    /// The module's config.json; nil where it has none.
    fileprivate var members: JSONObject? {
        switch self {
        case .normalize: return nil
        case .layerNorm(let norm): return ["dimension": .integer(norm.dimension)]
        case .dense(let dense):
            var members: JSONObject = [
                "in_features": .integer(dense.inputs), "out_features": .integer(dense.outputs),
                "bias": .bool(dense.hasBias), "activation_function": .string(dense.activation.path),
            ]
            if dense.residual != .none { _ = members.append(key: "use_residual", value: .bool(true)) }
            return members
        }
    }
}
