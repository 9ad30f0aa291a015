package import ModelFiles
package import Tensors

/// Writes the pack of a checkpoint: every weight of the encoder and its head, laid out for one kind of kernels, and the
/// folder's small files, so that a worker needs nothing but the pack and a model is what it was when it was packed.
package struct ModelPacker {
    package let key: String
    package var byteCount: Int { PackWriter.byteCount(key: key, sections: sections) }
    /// Every weight that the variant's format can apply to, and the one that it gets here.
    package let weights: [PackedWeightFormat]

    private let formats: [String: WeightFormat]
    private let plan: PackPlan
    private let checkpoint: Checkpoint
    private let extras: [PackedExtra]
    private let texts: [TokenSequence]
    private let reference: ReferenceModel
    private var sections: [PackSection]
    private var known: [(name: String, rows: Int, values: [Float])] = []
    private let files: [(name: String, file: MappedFile)]
    private let notes: [(name: String, bytes: [UInt8])]

    /// Layers of so many outputs or fewer are float32 unless an exception says otherwise.
    package static let fewOutputs = 64

    /// A weight and what it is stored as. Its name is that of a product such as "layer.0.qkv", "layer.5.output" or
    /// "head.pooling", or "embeddings.word".
    package struct PackedWeightFormat: Sendable, Equatable {
        package let name: String
        package let format: WeightFormat
    }

    /// A linear layer that is not the encoder's (a sentence-transformers Dense module), from a checkpoint of its own.
    package struct PackedExtra {
        let linear: PackPlan.Linear
        let stem: String
        let checkpoint: Checkpoint
        let hasBias: Bool

        /// The layer becomes the sections `name.weight` and `name.bias`.
        package init(
            name: String,
            stem: String,
            outputs: Int,
            inputs: Int,
            hasBias: Bool,
            checkpoint: Checkpoint
        ) {
            linear = PackPlan.Linear(name, [(stem, outputs)], inputs: inputs)
            self.stem = stem
            self.checkpoint = checkpoint
            self.hasBias = hasBias
        }
    }

    /// Checks that the checkpoint has every tensor in the right shape, and derives the pack's key from the contents.
    ///
    /// - Parameters:
    ///   - files: the folder's small files that are to be in the pack, by name.
    ///   - sources: those that are in it in another form, as notes; they are part of its key.
    ///   - variant: what weights are stored as: "fp32", "bf16" or "int8" (`WeightFormat`). In any variant, a layer of few
    ///     outputs (`fewOutputs`) stays float32: it costs nothing, and answers hang on it.
    ///   - exceptions: formats of single weights, by their names in `weights`: what a quality gate chooses for those
    ///     that lose too much.
    ///   - texts: what `addKnownAnswers` answers, token ids and types.
    ///   - notes: what else the pack is to hold, by name; see `PackFile.note`.
    ///   - key: the pack's key; nil: by the contents, the variant and its exceptions.
    package init(
        _ configuration: ModelConfiguration,
        checkpoint: Checkpoint,
        extras: [PackedExtra] = [],
        files: [(name: String, file: MappedFile)],
        sources: [(name: String, file: MappedFile)] = [],
        variant: String,
        exceptions: [String: WeightFormat] = [:],
        texts: [TokenSequence] = [],
        notes: [(name: String, bytes: [UInt8])] = [],
        key: String? = nil
    ) throws(EngineError) {
        guard let format = WeightFormat(rawValue: variant) else {
            let known = WeightFormat.allCases.map(\.rawValue).joined(separator: ", ")
            throw .input("there is no variant '\(variant)'; there are \(known)")
        }
        self.checkpoint = checkpoint
        self.extras = extras
        let hasPooler = checkpoint.tensor(CheckpointNames.pooler + ".weight") != nil
        let head = Head(configuration, hasPooler: hasPooler)
        plan = PackPlan(configuration, head: head)
        let layers =
            plan.linears.map { ($0, checkpoint, true) } + extras.map { ($0.linear, $0.checkpoint, $0.hasBias) }
        weights =
            plan.tables.filter(\.isWeight).map {
                PackedWeightFormat(name: $0.name, format: exceptions[$0.name] ?? format)
            }
            + layers.map { linear, _, _ in
                let usual = linear.outputs <= Self.fewOutputs ? .float32 : format
                return PackedWeightFormat(name: linear.name, format: exceptions[linear.name] ?? usual)
            }
        formats = Dictionary(weights.map { ($0.name, $0.format) }) { first, _ in first }
        for name in exceptions.keys where formats[name] == nil {
            throw .input("the model has no weight '\(name)' to make an exception for")
        }
        do {
            var sections: [PackSection] = []
            for table in plan.tables {
                _ = try Self.tensor(table, checkpoint)
                sections += Self.sections(table, formats[table.name])
            }
            for (linear, source, hasBias) in layers {
                for part in linear.sources {
                    _ = try source.weight(part.weight, shape: [part.outputs, linear.inputs])
                    if hasBias { _ = try source.weight(part.bias, shape: [part.outputs]) }
                }
                let format = formats[linear.name] ?? .float32
                sections.append(
                    PackSection(
                        name: PackPlan.weight(linear.name, format),
                        rows: linear.outputs,
                        columns: linear.inputs,
                        byteCount: PackedLinear.byteCount(format, outputs: linear.outputs, inputs: linear.inputs)
                    )
                )
                if hasBias { sections.append(Self.floats(linear.bias, rows: 1, columns: linear.outputs)) }
            }
            for file in files {
                sections.append(
                    PackSection(
                        name: FolderFiles.section(named: file.name),
                        rows: 0,
                        columns: 0,
                        byteCount: file.file.count
                    )
                )
            }
            for note in notes {
                sections.append(
                    PackSection(
                        name: PackFile.noteSection(note.name),
                        rows: 0,
                        columns: 0,
                        byteCount: note.bytes.count
                    )
                )
            }
            self.sections = sections
        } catch {
            throw EngineError(error)
        }
        self.texts = texts
        reference = ReferenceModel(configuration: configuration, head: head, checkpoint: checkpoint, formats: formats)
        self.notes = notes
        let key =
            key
            ?? Self.key(checkpoint, extras, files + sources, variant: variant, exceptions: exceptions)
        self.key = key
        self.files = files
    }

    /// Fills the file behind `descriptor`.
    package func write(to descriptor: CInt) throws(EngineError) {
        do {
            let writer = try PackWriter(descriptor: descriptor, key: key, sections: sections)
            for table in plan.tables { try write(table, to: writer) }
            for linear in plan.linears { try write(linear, checkpoint, hasBias: true, to: writer) }
            for extra in extras {
                try write(extra.linear, extra.checkpoint, hasBias: extra.hasBias, to: writer)
            }
            for file in files {
                writer.memory(of: FolderFiles.section(named: file.name)).copyBytes(from: file.file.bytes)
            }
            for (name, _, values) in known {
                values.withUnsafeBytes { writer.memory(of: name).copyBytes(from: $0) }
            }
            for note in notes { writer.memory(of: PackFile.noteSection(note.name)).copyBytes(from: note.bytes) }
            try writer.finish()
        } catch {
            throw EngineError(error)
        }
    }

    /// Computes what the pack has to answer, which takes a second: of the very files that `key` names.
    package mutating func addKnownAnswers() throws(EngineError) {
        do {
            known = try knownAnswers().sections
        } catch {
            throw EngineError(error)
        }
        for (name, rows, values) in known {
            sections.append(Self.floats(name, rows: rows, columns: values.count / max(1, rows)))
        }
    }

    private func knownAnswers() throws -> KnownAnswers {
        let answers = try reference.knownAnswers(texts, extras: extras)
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
        return answers
    }

    private func write(_ table: PackPlan.Table, to writer: PackWriter) throws {
        let tensor = try Self.tensor(table, checkpoint)
        guard let format = formats[table.name] else {
            let memory = writer.memory(of: table.name)
            return tensor.copyFloats(to: memory.bindMemory(to: Float.self))
        }
        let values = FloatBuffer(count: table.rows * table.columns)
        tensor.copyFloats(to: UnsafeMutableBufferPointer(start: values.base, count: values.count))
        let memory = writer.memory(of: PackPlan.weight(table.name, format))
        let scales = format == .int8 ? writer.memory(of: PackPlan.scales(table.name)).bindMemory(to: Float.self) : nil
        if let destination = memory.baseAddress {
            PackedTable.pack(
                values.base,
                rows: table.rows,
                columns: table.columns,
                as: format,
                to: destination,
                scales: scales?.baseAddress
            )
        }
    }

    private func write(
        _ linear: PackPlan.Linear,
        _ checkpoint: Checkpoint,
        hasBias: Bool,
        to writer: PackWriter
    ) throws {
        let buffer = FloatBuffer(count: linear.outputs * linear.inputs)
        let biases = hasBias ? writer.memory(of: linear.bias).bindMemory(to: Float.self) : nil
        var row = 0
        for part in linear.sources {
            let weight = try checkpoint.weight(part.weight, shape: [part.outputs, linear.inputs])
            weight.copyFloats(
                to: UnsafeMutableBufferPointer(
                    start: buffer.base + row * linear.inputs,
                    count: part.outputs * linear.inputs
                )
            )
            if let biases {
                let bias = try checkpoint.weight(part.bias, shape: [part.outputs])
                bias.copyFloats(to: UnsafeMutableBufferPointer(rebasing: biases[row..<row + part.outputs]))
            }
            row += part.outputs
        }
        let format = formats[linear.name] ?? .float32
        let memory = writer.memory(of: PackPlan.weight(linear.name, format))
        if let destination = memory.baseAddress {
            try PackedLinear.pack(
                buffer.base,
                outputs: linear.outputs,
                inputs: linear.inputs,
                as: format,
                to: destination
            )
        }
    }

    private static func tensor(_ table: PackPlan.Table, _ checkpoint: Checkpoint) throws(ModelFilesError) -> TensorView
    {
        try checkpoint.weight(table.tensor, shape: table.isVector ? [table.columns] : [table.rows, table.columns])
    }

    private static func sections(_ table: PackPlan.Table, _ format: WeightFormat?) -> [PackSection] {
        guard let format else { return [floats(table.name, rows: table.rows, columns: table.columns)] }
        let values = PackSection(
            name: PackPlan.weight(table.name, format),
            rows: table.rows,
            columns: table.columns,
            byteCount: PackedTable.byteCount(format, rows: table.rows, columns: table.columns)
        )
        return format == .int8
            ? [values, floats(PackPlan.scales(table.name), rows: 1, columns: table.rows)] : [values]
    }

    private static func floats(_ name: String, rows: Int, columns: Int) -> PackSection {
        PackSection(name: name, rows: rows, columns: columns, byteCount: rows * columns * MemoryLayout<Float>.stride)
    }

    /// hash of the contents and exceptions - precision - version of the format
    private static func key(
        _ checkpoint: Checkpoint,
        _ extras: [PackedExtra],
        _ files: [(name: String, file: MappedFile)],
        variant: String,
        exceptions: [String: WeightFormat]
    ) -> String {
        var hash: UInt64 = 0
        for (name, format) in exceptions.sorted(by: { $0.key < $1.key }) {
            hash = Array("\(name) \(format.rawValue)\n".utf8).withUnsafeBytes { contentHash($0, seed: hash) }
        }
        for file in files {
            hash = Array(file.name.utf8).withUnsafeBytes { contentHash($0, seed: hash) }
            hash = contentHash(file.file.bytes, seed: hash)
        }
        for contents in [checkpoint.contents] + extras.map(\.checkpoint.contents) {
            for file in contents { hash = contentHash(file.bytes, seed: hash) }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
            + "-\(variant)-\(PackFile.version)"
    }
}
