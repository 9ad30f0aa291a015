package import ModelFiles
package import Tensors

/// One parameter of a network: one tensor here, and in a checkpoint one or several whose rows lie below each other.
package struct Parameter: Sendable {
    /// What it is for. Optimisers let weights of linear layers and tables decay, and not the others.
    package enum Role: Sendable {
        /// The weight of a linear layer, [outputs, inputs].
        case linear
        /// Rows of which single ones are looked up, [rows, columns].
        case table
        /// The scale or the shift of a LayerNorm, [size].
        case norm
        /// The bias of a linear layer, [outputs].
        case bias
    }

    /// What it is called in a pack and in messages; the weight of a linear layer is called as the layer.
    package let name: String
    package let role: Role
    /// Sizes, outermost first.
    package let shape: [Int]
    /// The names of its tensors in a checkpoint, each of which has an equal part of the rows, as `Checkpoint` finds them.
    /// Before those of the embeddings, the layers and BERT's pooler, files of a model with a head have the family's name and
    /// a point. A decoder that is tied names the word table's.
    package let tensors: [String]
    /// Whether it is stored in a variant's format; float32 otherwise.
    package let isWeight: Bool

    init(_ name: String, _ role: Role, _ shape: [Int], _ tensors: [String], isWeight: Bool = false) {
        self.name = name
        self.role = role
        self.shape = shape
        self.tensors = tensors
        self.isWeight = isWeight || role == .linear
    }

    /// Whether it belongs to a linear layer.
    var isOfLinear: Bool { role == .linear || role == .bias }

    /// The number of values.
    package var count: Int { shape.reduce(1, *) }
    /// A vector is one row.
    var rows: Int { shape.count == 1 ? 1 : shape[0] }
    var columns: Int { shape[shape.count - 1] }

    /// Finds its tensors in a checkpoint.
    ///
    /// - Throws: when one is missing, of another shape, or of a type that weights do not have.
    package func views(in checkpoint: Checkpoint) throws(ModelFilesError) -> [TensorView] {
        let part = [shape[0] / tensors.count] + shape.dropFirst()
        return try tensors.map { name throws(ModelFilesError) in try checkpoint.weight(name, shape: part) }
    }

    /// Copies its values, `count` of them, from a checkpoint.
    package func copy(
        from checkpoint: Checkpoint,
        to destination: UnsafeMutablePointer<Float>
    ) throws(ModelFilesError) {
        var next = destination
        for view in try views(in: checkpoint) {
            view.copyFloats(to: UnsafeMutableBufferPointer(start: next, count: view.count))
            next += view.count
        }
    }
}

/// A linear layer, y = activation(x·Wᵀ + b).
package struct Linear: Sendable {
    package let weight: Parameter
    package let bias: Parameter?
    package let activation: Activation

    /// - Parameter stems: the names of the layer's tensors before `.weight` and `.bias`; of several, equal parts of the
    ///   outputs are.
    package init(
        _ name: String,
        _ stems: String...,
        outputs: Int,
        inputs: Int,
        hasBias: Bool = true,
        activation: Activation = .none
    ) {
        weight = Parameter(name, .linear, [outputs, inputs], stems.map { $0 + ".weight" })
        bias = hasBias ? Parameter(name + ".bias", .bias, [outputs], stems.map { $0 + ".bias" }) : nil
        self.activation = activation
    }

    /// A layer whose weight and bias have no stem in common.
    init(_ name: String, weight: String, bias: String, outputs: Int, inputs: Int) {
        self.weight = Parameter(name, .linear, [outputs, inputs], [weight])
        self.bias = Parameter(name + ".bias", .bias, [outputs], [bias])
        activation = .none
    }

    package var name: String { weight.name }
    package var outputs: Int { weight.rows }
    package var inputs: Int { weight.columns }
    package var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }
}

/// A LayerNorm over vectors of the hidden size.
package struct Norm: Sendable {
    package let scale: Parameter
    package let shift: Parameter
    package let epsilon: Float

    init(_ name: String, _ stem: String, _ configuration: ModelConfiguration) {
        scale = Parameter(name + ".weight", .norm, [configuration.hiddenSize], [stem + ".weight"])
        shift = Parameter(name + ".bias", .norm, [configuration.hiddenSize], [stem + ".bias"])
        epsilon = Float(configuration.layerNormEpsilon)
    }

    package var parameters: [Parameter] { [scale, shift] }
}
