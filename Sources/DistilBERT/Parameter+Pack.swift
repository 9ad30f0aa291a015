package import ModelFiles
package import Tensors

extension Parameter {
    /// The sections of a pack that hold it: its values in `format`, which is float32 but for weights, and of an int8 table
    /// the scales of its rows.
    func sections(_ format: WeightFormat) -> [PackSection] {
        let suffix = format == .float32 ? "" : ".\(format.rawValue)"
        let values = PackSection(
            name: isWeight ? "\(name).weight\(suffix)" : name,
            rows: rows,
            columns: columns,
            byteCount: role == .linear
                ? PackedLinear.byteCount(format, outputs: rows, inputs: columns)
                : PackedTable.byteCount(format, rows: rows, columns: columns)
        )
        guard role == .table, format == .int8 else { return [values] }
        let byteCount = PackedTable.byteCount(.float32, rows: 1, columns: rows)
        return [values, PackSection(name: name + ".scales", rows: 1, columns: rows, byteCount: byteCount)]
    }
}

/// Parameters where a pack holds them. All throw `EngineError.pack` where it does not hold them as the plan says.
extension PackFile {
    package func linear(_ layer: Linear) throws(EngineError) -> PackedLinear {
        let (format, memory) = try find(layer.weight)
        return PackedLinear(
            weight: memory[0],
            bias: try layer.bias.map(floats),
            outputs: layer.outputs,
            inputs: layer.inputs,
            format: format
        )
    }

    /// A table, or a vector as one of one row.
    package func table(_ parameter: Parameter) throws(EngineError) -> PackedTable {
        let (format, memory) = try find(parameter)
        let scales = memory.dropFirst().first?.assumingMemoryBound(to: Float.self)
        return PackedTable(format: format, values: memory[0], scales: scales)
    }

    package func norm(_ norm: Norm) throws(EngineError) -> LayerNormWeights {
        LayerNormWeights(gamma: try floats(norm.scale), beta: try floats(norm.shift), epsilon: norm.epsilon)
    }

    /// A parameter that is no weight.
    func floats(_ parameter: Parameter) throws(EngineError) -> UnsafePointer<Float> {
        try find(parameter).memory[0].assumingMemoryBound(to: Float.self)
    }

    /// The values of a parameter that is a note.
    package func values(ofNote parameter: Parameter) throws(EngineError) -> [Float] {
        guard let bytes = bytes(of: PackFile.noteSection(parameter.name)),
            bytes.count == parameter.count * MemoryLayout<Float>.stride
        else { throw .pack("the pack has no \(parameter.name); it must be made again") }
        return Array(bytes.bindMemory(to: Float.self))
    }

    /// What it was packed in, and where its sections lie.
    private func find(
        _ parameter: Parameter
    ) throws(EngineError) -> (format: WeightFormat, memory: [UnsafeRawPointer]) {
        let formats = parameter.isWeight ? WeightFormat.allCases : [.float32]
        guard let format = formats.first(where: { has(parameter.sections($0)[0].name) }) else {
            throw .pack("the pack has no \(parameter.name); it must be made again")
        }
        do throws(ModelFilesError) {
            let memory = try parameter.sections(format).map { section throws(ModelFilesError) in
                try self.memory(of: section)
            }
            return (format, memory)
        } catch {
            throw EngineError(error)
        }
    }
}
