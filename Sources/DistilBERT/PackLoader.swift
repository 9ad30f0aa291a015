package import ModelFiles
package import Tensors

/// Finds layers in a pack.
struct PackLoader {
    let pack: PackFile
    let team: ComputeTeam
    let epsilon: Float

    func linear(_ name: String, outputs: Int, inputs: Int) throws -> PackedLinear {
        try team.packedLinear(
            weight: try pack.weight(name + ".weight", rows: outputs, columns: inputs),
            bias: pack.has(name + ".bias") ? try pack.floats(name + ".bias", rows: 1, columns: outputs) : nil,
            outputs: outputs,
            inputs: inputs
        )
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
    pack: PackFile,
    team: ComputeTeam
) throws(EngineError) -> PackedLinear {
    do {
        return try PackLoader(pack: pack, team: team, epsilon: 0).linear(name, outputs: outputs, inputs: inputs)
    } catch {
        throw EngineError(error)
    }
}
