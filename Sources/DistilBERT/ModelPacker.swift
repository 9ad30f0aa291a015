import ModelFiles
package import Tensors
import Tokenization

/// Packs the folder of a model: every weight of its encoder, its head and its modules, laid out for one kind of kernels, its
/// tokenizer, compiled, and copies of the other small files that loading it reads, so that a worker needs nothing but the
/// pack and a model is what it was when it was packed.
package struct ModelPacker {
    package let key: String
    package var byteCount: Int { PackWriter.byteCount(key: key, sections: sections) }
    /// Every weight that the variant's format can apply to, and the one that it gets here. Its name is that of a product
    /// such as "layer.0.qkv", "layer.5.output" or "head.pooling", or "embeddings.word".
    package let weights: [(name: String, format: WeightFormat)]

    private let plan: NetworkPlan
    private let checkpoint: Checkpoint
    private let formats: [String: WeightFormat]
    /// Every parameter and where its values are, in the order of the pack.
    private let parameters: [(parameter: Parameter, checkpoint: Checkpoint)]
    private let moduleLayers: [(layer: Linear, checkpoint: Checkpoint)]
    /// What is in the pack as it is: files, notes and known answers.
    private var copies: [(section: PackSection, copy: (UnsafeMutableRawBufferPointer) -> Void)]
    private let texts: [TokenSequence]

    /// Layers of at most this many outputs are float32 unless an exception says otherwise.
    package static let fewOutputs = 64

    /// Checks that the checkpoint has every tensor in the right shape, and derives the pack's key from the contents.
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
        directory: String,
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
        do {
            let recorder = FolderFiles.Recorder()
            let folder = try ModelFolder(directory: directory, files: FolderFiles(recorder: recorder))
            let files = recorder.contents(in: directory)
            let tokenizer = try Tokenizer(folder: folder)
            // What is in the pack in another form, as notes, is part of its key.
            var sources = recorder.contents(in: directory).filter { source in
                !files.contains { $0.name == source.name }
            }
            let checkpoint = try folder.checkpoint()
            self.checkpoint = checkpoint
            plan = NetworkPlan(folder.configuration, folder.modules, checkpoint: checkpoint)
            var moduleLayers: [(layer: Linear, checkpoint: Checkpoint)] = []
            var notes = notes
            for module in plan.modules {
                switch module {
                case .dense(let dense, _, _):
                    let checkpoint = try dense.checkpoint()
                    moduleLayers += module.linears.map { ($0, checkpoint) }
                case .layerNorm(let norm, let parameter):
                    let checkpoint = try norm.checkpoint()
                    let values = try parameter.views(in: checkpoint).flatMap { $0.floats() }
                    notes.append((parameter.name, values.withUnsafeBytes(Array.init)))
                    sources += checkpoint.contents.map { (parameter.name, $0) }
                case .normalize: break
                }
            }
            var parameters: [(parameter: Parameter, checkpoint: Checkpoint)] = []
            // Tables and norms lie before the linear layers.
            for isOfLinear in [false, true] {
                parameters += plan.parameters.filter { $0.isOfLinear == isOfLinear }.map { ($0, checkpoint) }
            }
            for (layer, checkpoint) in moduleLayers { parameters += layer.parameters.map { ($0, checkpoint) } }
            for (parameter, checkpoint) in parameters { _ = try parameter.views(in: checkpoint) }
            weights = parameters.map(\.parameter).filter(\.isWeight).map { weight in
                let usual = weight.role == .linear && weight.rows <= Self.fewOutputs ? .float32 : format
                return (weight.name, exceptions[weight.name] ?? usual)
            }
            formats = Dictionary(weights) { first, _ in first }
            for name in exceptions.keys where formats[name] == nil {
                throw EngineError.input("the model has no weight '\(name)' to make an exception for")
            }
            texts = try Self.knownTexts(tokenizer, folder)
            self.key =
                key
                ?? Self.key(
                    checkpoint.contents + moduleLayers.flatMap(\.checkpoint.contents),
                    files + sources,
                    variant: variant,
                    exceptions: exceptions
                )
            self.moduleLayers = moduleLayers
            self.parameters = parameters
            copies = files.map { name, file in
                let section = PackSection(name: FolderFiles.section(named: name), byteCount: file.count)
                return (section, { $0.copyBytes(from: file.bytes) })
            }
            copies += (notes + tokenizer.notes).map { name, bytes in
                let section = PackSection(name: PackFile.noteSection(name), byteCount: bytes.count)
                return (section, { $0.copyBytes(from: bytes) })
            }
        } catch {
            throw EngineError(error)
        }
        if proven { try addKnownAnswers() }
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

    /// Computes what the pack has to answer, which takes a second: of the very files that `key` names.
    package mutating func addKnownAnswers() throws(EngineError) {
        do {
            var reference = ReferenceModel(
                configuration: plan.configuration,
                head: plan.head.head,
                checkpoint: checkpoint,
                formats: formats
            )
            let answers = try reference.answer(texts, moduleLayers)
            let tables = answers.tables.merging(answers.products) { table, _ in table }
            guard answers.texts.allSatisfy({ ($0.states + $0.scores).allSatisfy(\.isFinite) }),
                tables.values.allSatisfy({ $0.magnitudes.allSatisfy(\.isFinite) })
            else {
                throw ModelFilesError(
                    .malformedCheckpoint,
                    file: checkpoint.contents[0].path,
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

    /// What packs hold known answers of: the shortest sequence, a sentence and a pair, cut to what the model takes.
    private static func knownTexts(
        _ tokenizer: Tokenizer,
        _ folder: ModelFolder
    ) throws(ModelFilesError) -> [TokenSequence] {
        let (shortest, most) = ([tokenizer.classID, tokenizer.separatorID], folder.configuration.maxPositions)
        guard most >= 8 else { return [TokenSequence(ids: Array(shortest.prefix(most)))] }
        // A model may know one type of token only.
        let lastType = Int32(max(0, folder.configuration.typeVocabularySize - 1))
        do throws(TokenizationError) {
            let sentence = "The committee postponed its decision until June!"
            let pair = "It sank off Cape Horn in 1903."
            let encodings = [
                try tokenizer.encode(sentence, maxLength: min(16, most)),
                try tokenizer.encode(
                    "Where did the ship go down?",
                    pair: pair,
                    maxLength: min(24, most),
                    strategy: .longestFirst
                ),
            ]
            return [TokenSequence(ids: shortest)]
                + encodings.map { TokenSequence(ids: $0.ids, types: $0.typeIDs.map { min($0, lastType) }) }
        } catch {
            throw ModelFilesError(.malformedTokenizer, file: folder.directory, "\(error)")
        }
    }

    // MARK: - The key

    /// hash of the contents and exceptions - precision - version of the format
    private static func key(
        _ weights: [MappedFile],
        _ files: [(name: String, file: MappedFile)],
        variant: String,
        exceptions: [String: WeightFormat]
    ) -> String {
        var hash: UInt64 = 0
        func add(_ text: String) { hash = Array(text.utf8).withUnsafeBytes { contentHash($0, seed: hash) } }
        for (name, format) in exceptions.sorted(by: { $0.key < $1.key }) { add("\(name) \(format.rawValue)\n") }
        for (name, file) in files {
            add(name)
            hash = contentHash(file.bytes, seed: hash)
        }
        for file in weights { hash = contentHash(file.bytes, seed: hash) }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits + "-\(variant)-\(PackFile.version)"
    }
}
