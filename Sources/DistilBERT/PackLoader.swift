package import ModelFiles
package import Tensors

/// Finds layers in a pack.
struct PackLoader {
    let pack: PackFile
    let epsilon: Float

    /// The layer of that name, in the format that it was packed in.
    func linear(_ name: String, outputs: Int, inputs: Int) throws -> PackedLinear {
        let format = try format(of: name)
        let section = PackPlan.weight(name, format)
        let linear = PackedLinear(
            weight: try pack.weight(section, rows: outputs, columns: inputs),
            bias: pack.has(name + ".bias") ? try pack.floats(name + ".bias", rows: 1, columns: outputs) : nil,
            outputs: outputs,
            inputs: inputs,
            format: format
        )
        try check(section, byteCount: PackedLinear.byteCount(format, outputs: outputs, inputs: inputs))
        return linear
    }

    /// The table of that name, in the format that it was packed in.
    func table(_ name: String, rows: Int, columns: Int) throws -> PackedTable {
        let format = try format(of: name)
        let section = PackPlan.weight(name, format)
        let values = try pack.weight(section, rows: rows, columns: columns)
        try check(section, byteCount: PackedTable.byteCount(format, rows: rows, columns: columns))
        let scales = format == .int8 ? try pack.floats(PackPlan.scales(name), rows: 1, columns: rows) : nil
        return PackedTable(format: format, values: values, scales: scales)
    }

    private func format(of name: String) throws(EngineError) -> WeightFormat {
        guard let format = WeightFormat.allCases.first(where: { pack.has(PackPlan.weight(name, $0)) }) else {
            throw .pack("the pack has no weights of \(name); it must be made again")
        }
        return format
    }

    private func check(_ section: String, byteCount: Int) throws(EngineError) {
        guard let bytes = pack.bytes(of: section), bytes.count == byteCount else {
            throw .pack("the pack's section \(section) has not \(byteCount) bytes; it must be made again")
        }
    }

    func norm(_ name: String, size: Int) throws -> LayerNormWeights {
        LayerNormWeights(
            gamma: try pack.floats(name + ".weight", rows: 1, columns: size),
            beta: try pack.floats(name + ".bias", rows: 1, columns: size),
            epsilon: epsilon
        )
    }
}

extension Activation {
    init(_ activation: ModelConfiguration.Activation) {
        switch activation {
        case .gelu: self = .gelu
        case .geluNew: self = .geluTanh
        case .relu: self = .relu
        case .silu: self = .silu
        }
    }
}

/// A linear layer that was packed as a `ModelPacker.PackedExtra` of this name.
package func extraLinear(
    _ name: String,
    outputs: Int,
    inputs: Int,
    pack: PackFile
) throws(EngineError) -> PackedLinear {
    do {
        return try PackLoader(pack: pack, epsilon: 0).linear(name, outputs: outputs, inputs: inputs)
    } catch {
        throw EngineError(error)
    }
}
