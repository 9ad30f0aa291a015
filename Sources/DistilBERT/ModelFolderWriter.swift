package import ModelFiles

/// Writes a network as the folder that `transformers`, and sentence-transformers where it has modules, loads: what
/// `NetworkPlan` reads from a folder, the other way.
///
/// Read back, F32 weights have the bits that were written. A head that is not implemented, or of which a part is not, is
/// left out, and the folder says so: what was `BertForPreTraining` is written as `BertForMaskedLM`.
package struct ModelFolderWriter {
    private let plan: NetworkPlan
    private let modules: SentenceTransformersModules?
    private let tokenizer: [SmallFile]
    private let elementType: ElementType

    /// - Parameters:
    ///   - modules: those that the plan was made of; the plan then has no head, and the labels of its configuration are
    ///     those of the last module.
    ///   - tokenizer: the tokenizer's files (`TokenizerFiles.contents(of:)`).
    ///   - elementType: F32, F16 or BF16.
    package init(
        _ plan: NetworkPlan,
        modules: SentenceTransformersModules? = nil,
        tokenizer: [SmallFile],
        elementType: ElementType = .float32
    ) {
        precondition(plan.modules.count == modules?.steps.count ?? 0)
        if modules != nil { precondition(plan.head.last == nil, "a chain of modules has no head") }
        self.plan = plan
        self.modules = modules
        self.tokenizer = tokenizer
        self.elementType = elementType
    }

    /// Writes the folder, which appears whole or not at all.
    ///
    /// - Parameters:
    ///   - replacing: whether a model's folder that is there is exchanged for it; otherwise that is an error.
    ///   - values: the values of a parameter, [rows, columns], of modules too; asked once for each.
    package func write(
        to folder: String,
        replacing: Bool = false,
        values: (Parameter) -> UnsafePointer<Float>
    ) throws(ModelFilesError) {
        try NewFolder.write(to: folder, replacing: replacing) { folder throws(ModelFilesError) in
            try CheckpointWriter.write(tensors(values), as: elementType, to: "\(folder)/model.safetensors")
            let architecture = plan.head.head.architecture(plan.configuration.family)
            let configuration = plan.configuration.file(architecture: architecture, elementType: elementType)
            for file in tokenizer + [configuration] { try file.write(to: folder) }
            if let modules { try write(modules, to: folder, values) }
        }
    }

    private func write(
        _ modules: SentenceTransformersModules,
        to folder: String,
        _ values: (Parameter) -> UnsafePointer<Float>
    ) throws(ModelFilesError) {
        for name in modules.folderNames { try NewFolder.make("\(folder)/\(name)") }
        let hasPooler = plan.configuration.family != .bert || plan.head.first != nil
        for file in modules.files(hasPooler: hasPooler) { try file.write(to: folder) }
        for (index, module) in plan.modules.enumerated() where !module.parameters.isEmpty {
            let tensors = module.parameters.flatMap { parameter in
                parameter.tensors(values(parameter)) { $0 }
            }
            let path = "\(folder)/\(modules.folderName(ofStep: index))/model.safetensors"
            try CheckpointWriter.write(tensors, as: elementType, to: path)
        }
    }

    // MARK: - Tensors

    /// The tensors of the network under the names that its class has for them, each once.
    private func tensors(_ values: (Parameter) -> UnsafePointer<Float>) -> [CheckpointWriter.Tensor] {
        let (head, configuration) = (plan.head, plan.configuration)
        let inEncoder = plan.embeddings.parameters + plan.layers.flatMap(\.parameters)
        // BERT's pooler is the encoder's in files.
        let pooler = configuration.family == .bert && head.norm == nil ? head.first?.parameters ?? [] : []
        let prefix = if case .none = head.head { "" } else { "\(configuration.family.rawValue)." }
        var tensors: [CheckpointWriter.Tensor] = []
        for parameter in inEncoder + pooler { tensors += parameter.tensors(values(parameter)) { prefix + $0 } }
        let written = Set((inEncoder + pooler).flatMap(\.tensors))
        // A decoder that is tied is the word table.
        for parameter in head.parameters where !written.contains(parameter.tensors[0]) {
            tensors += parameter.tensors(values(parameter)) { $0 }
            // BERT's decoder has its bias under two names, of which a file of untied weights has both.
            if parameter.tensors == ["cls.predictions.decoder.bias"] {
                tensors += parameter.tensors(values(parameter)) { _ in "cls.predictions.bias" }
            }
        }
        return tensors
    }
}

extension Parameter {
    /// Its tensors, equal parts of its rows.
    fileprivate func tensors(
        _ values: UnsafePointer<Float>,
        named name: (String) -> String
    ) -> [CheckpointWriter.Tensor] {
        let shape = [shape[0] / tensors.count] + shape.dropFirst()
        let count = shape.reduce(1, *)
        return tensors.enumerated().map { index, tensor in
            CheckpointWriter.Tensor(name: name(tensor), shape: Array(shape), values: values + index * count)
        }
    }
}

extension NetworkPlan.Module {
    /// What its checkpoint holds.
    package var parameters: [Parameter] {
        switch self {
        case .dense(_, let linear, let projection): linear.parameters + (projection?.parameters ?? [])
        case .layerNorm(_, let values): [values]
        case .normalize: []
        }
    }
}

extension Head {
    /// The class of `transformers` that has this head.
    package func architecture(_ family: ModelConfiguration.Family) -> String {
        let suffix =
            switch self {
            case .none: "Model"
            case .sequenceClassification: "ForSequenceClassification"
            case .tokenClassification: "ForTokenClassification"
            case .questionAnswering: "ForQuestionAnswering"
            case .maskedLM: "ForMaskedLM"
            case .multipleChoice: "ForMultipleChoice"
            }
        return (family == .bert ? "Bert" : "DistilBert") + suffix
    }
}
