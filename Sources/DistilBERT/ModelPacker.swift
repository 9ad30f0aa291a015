import ModelFiles
package import Tensors

/// Packs the folder of a model: every weight of its encoder, its head and its modules, laid out for one kind of kernels, its
/// tokenizer, compiled, and copies of the other small files that loading it reads, so that a worker needs nothing but the
/// pack and a model is what it was when it was packed.
package struct ModelPacker {
    package let key: String
    package var byteCount: Int { PackWriter.byteCount(key: key, sections: sections) }
    /// Every weight that the variant's format can apply to, and the one that it gets here. Its name is that of a product
    /// such as "layer.0.qkv", "layer.5.output" or "head.pooling", or "embeddings.word".
    package let weights: [(name: String, format: WeightFormat)]

    private let source: PackSource
    private let formats: [String: WeightFormat]
    /// Every parameter and where its values are, in the order of the pack.
    private let parameters: [(parameter: Parameter, checkpoint: Checkpoint)]
    /// What is in the pack as it is: files, notes and known answers.
    private var copies: [(section: PackSection, copy: (UnsafeMutableRawBufferPointer) -> Void)]

    /// Layers of at most this many outputs are float32 unless an exception says otherwise.
    package static let fewOutputs = 64

    /// Checks that the checkpoint has every tensor in the right shape.
    ///
    /// - Parameters:
    ///   - variant: what weights are stored as: "fp32", "bf16" or "int8" (`WeightFormat`). In any variant, a layer of few
    ///     outputs (`fewOutputs`) stays float32: it costs nothing, and answers hang on it.
    ///   - exceptions: formats of single weights, by their names in `weights`: what a quality gate chooses for those
    ///     that lose too much.
    ///   - proven: whether the pack holds known answers, which take a second of computing; `addKnownAnswers` adds them later.
    ///   - notes: what else the pack is to hold, by name; see `PackFile.note`.
    ///   - key: the pack's key; nil: by the contents, the variant and its exceptions.
    package init(
        _ source: PackSource,
        variant: String,
        exceptions: [String: WeightFormat] = [:],
        proven: Bool = false,
        notes: [(name: String, bytes: [UInt8])] = [],
        key: String? = nil
    ) throws(EngineError) {
        guard let format = WeightFormat(rawValue: variant) else {
            let known = WeightFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw .input("there is no variant '\(variant)'; there are \(known)")
        }
        self.source = source
        var parameters: [(parameter: Parameter, checkpoint: Checkpoint)] = []
        // Tables and norms lie before the linear layers.
        for isOfLinear in [false, true] {
            let part = source.plan.parameters.filter { $0.isOfLinear == isOfLinear }
            parameters += part.map { ($0, source.checkpoint) }
        }
        for (layer, checkpoint) in source.moduleLayers { parameters += layer.parameters.map { ($0, checkpoint) } }
        do throws(ModelFilesError) {
            for (parameter, checkpoint) in parameters { _ = try parameter.views(in: checkpoint) }
        } catch {
            throw .files(error)
        }
        weights = parameters.map(\.parameter).filter(\.isWeight).map { weight in
            let usual = weight.role == .linear && weight.rows <= Self.fewOutputs ? .float32 : format
            return (weight.name, exceptions[weight.name] ?? usual)
        }
        formats = Dictionary(weights) { first, _ in first }
        for name in exceptions.keys where formats[name] == nil {
            throw .input("the model has no weight '\(name)' to make an exception for")
        }
        self.key = key ?? source.key(variant: variant, exceptions: exceptions)
        self.parameters = parameters
        copies = source.files.map { name, file in
            let section = PackSection(name: FolderFiles.section(named: name), byteCount: file.count)
            return (section, { $0.copyBytes(from: file.bytes) })
        }
        copies += (notes + source.notes).map { name, bytes in
            let section = PackSection(name: PackFile.noteSection(name), byteCount: bytes.count)
            return (section, { $0.copyBytes(from: bytes) })
        }
        if proven { try addKnownAnswers() }
    }

    /// Packs a folder that is opened for it alone.
    package init(
        directory: String,
        variant: String,
        exceptions: [String: WeightFormat] = [:],
        proven: Bool = false,
        notes: [(name: String, bytes: [UInt8])] = []
    ) throws(EngineError) {
        let source = try PackSource(directory: directory)
        try self.init(source, variant: variant, exceptions: exceptions, proven: proven, notes: notes)
    }

    /// Fills the file behind `descriptor`.
    package func write(to descriptor: CInt) throws(EngineError) {
        do {
            let writer = try PackWriter(descriptor: descriptor, key: key, sections: sections)
            for (parameter, checkpoint) in parameters { try write(parameter, checkpoint, to: writer) }
            for (section, copy) in copies { copy(writer.memory(of: section.name)) }
            try writer.finish()
        } catch {
            throw EngineError(error)
        }
    }

    private func sections(of parameter: Parameter) -> [PackSection] {
        parameter.sections(formats[parameter.name] ?? .float32)
    }

    private var sections: [PackSection] {
        parameters.flatMap { sections(of: $0.parameter) } + copies.map(\.section)
    }

    private func write(_ parameter: Parameter, _ checkpoint: Checkpoint, to writer: PackWriter) throws {
        let memory = sections(of: parameter).compactMap { writer.memory(of: $0.name).baseAddress }
        guard let format = formats[parameter.name] else {
            return try parameter.copy(from: checkpoint, to: memory[0].assumingMemoryBound(to: Float.self))
        }
        let values = FloatBuffer(count: parameter.count)
        try parameter.copy(from: checkpoint, to: values.base)
        let (rows, columns) = (parameter.rows, parameter.columns)
        if parameter.role == .linear {
            try PackedLinear.pack(values.base, outputs: rows, inputs: columns, as: format, to: memory[0])
        } else {
            let scales = memory.dropFirst().first?.assumingMemoryBound(to: Float.self)
            PackedTable.pack(values.base, rows: rows, columns: columns, as: format, to: memory[0], scales: scales)
        }
    }

    // MARK: - Known answers

    /// Computes what the pack has to answer, which takes a second.
    package mutating func addKnownAnswers() throws(EngineError) {
        do {
            var reference = ReferenceModel(
                configuration: source.plan.configuration,
                head: source.plan.head.head,
                checkpoint: source.checkpoint,
                formats: formats
            )
            let answers = try reference.answer(source.knownTexts(), source.moduleLayers)
            let tables = answers.tables.merging(answers.products) { table, _ in table }
            guard answers.texts.allSatisfy({ ($0.states + $0.scores).allSatisfy(\.isFinite) }),
                tables.values.allSatisfy({ $0.magnitudes.allSatisfy(\.isFinite) })
            else {
                throw ModelFilesError(
                    .malformedCheckpoint,
                    file: source.checkpoint.contents[0].path,
                    "the model computes values that are not finite; its weights are damaged"
                )
            }
            copies += answers.sections.map { section, values in
                (section, { memory in values.withUnsafeBytes { memory.copyBytes(from: $0) } })
            }
        } catch {
            throw EngineError(error)
        }
    }
}
