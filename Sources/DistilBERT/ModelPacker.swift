package import ModelFiles
package import Tensors

/// Writes the pack of a checkpoint: every weight of the encoder and its head, laid out for one kind of kernels, and the
/// folder's small files, so that a worker needs nothing but the pack and a model is what it was when it was packed.
package struct ModelPacker {
    package let key: String
    package let byteCount: Int

    private let plan: PackPlan
    private let checkpoint: Checkpoint
    private let extras: [PackedExtra]
    private let layout: WeightLayout
    private let sections: [PackSection]
    private let files: [(name: String, file: MappedFile)]

    /// A linear layer that is not the encoder's (a sentence-transformers Dense module), from a checkpoint of its own.
    package struct PackedExtra {
        let linear: PackPlan.Linear
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
            self.checkpoint = checkpoint
            self.hasBias = hasBias
        }
    }

    /// Checks that the checkpoint has every tensor in the right shape, and derives the pack's key from the contents.
    ///
    /// - Parameters:
    ///   - files: the folder's small files (configuration, vocabulary), by name.
    ///   - variant: the precision, "fp32".
    package init(
        _ configuration: ModelConfiguration,
        checkpoint: Checkpoint,
        extras: [PackedExtra] = [],
        files: [(name: String, file: MappedFile)],
        variant: String,
        layout: WeightLayout
    ) throws(EngineError) {
        self.checkpoint = checkpoint
        self.extras = extras
        self.layout = layout
        plan = PackPlan(configuration, head: Head(configuration, checkpoint))
        do {
            let packer = try WeightPacker(layout: layout)
            var sections: [PackSection] = []
            for table in plan.tables {
                _ = try Self.tensor(table, checkpoint)
                sections.append(Self.floats(table.name, rows: table.rows, columns: table.columns))
            }
            let layers =
                plan.linears.map { ($0, checkpoint, true) } + extras.map { ($0.linear, $0.checkpoint, $0.hasBias) }
            for (linear, source, hasBias) in layers {
                for part in linear.sources {
                    _ = try source.weight(part.stem + ".weight", shape: [part.outputs, linear.inputs])
                    if hasBias { _ = try source.weight(part.stem + ".bias", shape: [part.outputs]) }
                }
                let bytes = try packer.byteCount(outputs: linear.outputs, inputs: linear.inputs)
                sections.append(
                    PackSection(name: linear.weight, rows: linear.outputs, columns: linear.inputs, byteCount: bytes)
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
            self.sections = sections
        } catch {
            throw EngineError(error)
        }
        key = Self.key(checkpoint, extras, files, variant: variant, layout: layout)
        self.files = files
        byteCount = PackWriter.byteCount(key: key, layout: layout.name, sections: sections)
    }

    /// Fills the file behind `descriptor`. `progress` is called with the bytes written so far.
    package func write(to descriptor: CInt, progress: (Int) -> Void = { _ in }) throws(EngineError) {
        do {
            let writer = try PackWriter(descriptor: descriptor, key: key, layout: layout.name, sections: sections)
            let packer = try WeightPacker(layout: layout)
            var written = 0
            for table in plan.tables {
                let memory = writer.memory(of: table.name)
                try Self.tensor(table, checkpoint).copyFloats(to: memory.bindMemory(to: Float.self))
                written += memory.count
                progress(written)
            }
            for linear in plan.linears {
                written += try Self.write(linear, checkpoint, hasBias: true, to: writer, packer)
                progress(written)
            }
            for extra in extras {
                written += try Self.write(extra.linear, extra.checkpoint, hasBias: extra.hasBias, to: writer, packer)
            }
            for file in files {
                writer.memory(of: FolderFiles.section(named: file.name)).copyBytes(from: file.file.bytes)
            }
            try writer.finish()
            progress(byteCount)
        } catch {
            throw EngineError(error)
        }
    }

    private static func write(
        _ linear: PackPlan.Linear,
        _ checkpoint: Checkpoint,
        hasBias: Bool,
        to writer: PackWriter,
        _ packer: borrowing WeightPacker
    ) throws -> Int {
        let buffer = FloatBuffer(count: linear.outputs * linear.inputs)
        let biases = hasBias ? writer.memory(of: linear.bias).bindMemory(to: Float.self) : nil
        var row = 0
        for part in linear.sources {
            let weight = try checkpoint.weight(part.stem + ".weight", shape: [part.outputs, linear.inputs])
            weight.copyFloats(
                to: UnsafeMutableBufferPointer(
                    start: buffer.base + row * linear.inputs,
                    count: part.outputs * linear.inputs
                )
            )
            if let biases {
                let bias = try checkpoint.weight(part.stem + ".bias", shape: [part.outputs])
                bias.copyFloats(to: UnsafeMutableBufferPointer(rebasing: biases[row..<row + part.outputs]))
            }
            row += part.outputs
        }
        let memory = writer.memory(of: linear.weight)
        if let destination = memory.baseAddress {
            try packer.pack(buffer.base, outputs: linear.outputs, inputs: linear.inputs, to: destination)
        }
        return memory.count
    }

    private static func tensor(_ table: PackPlan.Table, _ checkpoint: Checkpoint) throws(ModelFilesError) -> TensorView
    {
        try checkpoint.weight(table.tensor, shape: table.isVector ? [table.columns] : [table.rows, table.columns])
    }

    private static func floats(_ name: String, rows: Int, columns: Int) -> PackSection {
        PackSection(name: name, rows: rows, columns: columns, byteCount: rows * columns * MemoryLayout<Float>.stride)
    }

    /// checkpoint hash - precision - layout (which names the library and instruction set where they matter) - format
    private static func key(
        _ checkpoint: Checkpoint,
        _ extras: [PackedExtra],
        _ files: [(name: String, file: MappedFile)],
        variant: String,
        layout: WeightLayout
    ) -> String {
        var hash: UInt64 = 0
        for file in files {
            hash = Array(file.name.utf8).withUnsafeBytes { contentHash($0, seed: hash) }
            hash = contentHash(file.file.bytes, seed: hash)
        }
        for contents in [checkpoint.contents] + extras.map(\.checkpoint.contents) {
            for file in contents { hash = contentHash(file.bytes, seed: hash) }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
            + "-\(variant)-\(layout.name)-\(PackFile.version)"
    }
}
