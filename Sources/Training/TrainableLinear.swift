import DistilBERT
import Tensors

/// A linear layer, or some of its outputs, whose weight changes: y = x·Wᵀ + b, and backwards dx = dy·W, dW += dyᵀ·x, db += Σ dy.
///
/// The weight is packed twice, for products with it and with its transpose, whenever it has changed.
final class TrainableLinear {
    let outputs: Int
    let inputs: Int

    private let team: ComputeTeam
    private let weight: Matrix
    private let bias: UnsafeMutablePointer<Float>?
    private let weightGradient: Matrix?
    private let biasGradient: UnsafeMutablePointer<Float>?
    private let forwardWeight: StepWeight
    private let backwardWeight: StepWeight?
    /// Inputs as the weight of a product; layers take turns.
    private let packedInputs: StepWeight

    /// - Parameters:
    ///   - range: the outputs; all unless said otherwise.
    ///   - gradients: nil for a layer that is not trained.
    ///   - format: what products are computed in, fp32 or bf16; layers of few outputs have fp32.
    init(
        _ layer: Linear,
        range: Range<Int>? = nil,
        values: ParameterBlock,
        gradients: ParameterBlock?,
        format: WeightFormat,
        packedInputs: StepWeight,
        team: ComputeTeam
    ) {
        let range = range ?? 0..<layer.outputs
        func rows(_ block: ParameterBlock) -> Matrix {
            let whole = block.matrix(layer.weight)
            return Matrix(
                base: whole.base + range.lowerBound * whole.stride,
                rows: range.count,
                columns: whole.columns,
                stride: whole.stride
            )
        }
        outputs = range.count
        inputs = layer.inputs
        self.team = team
        weight = rows(values)
        bias = layer.bias.map { values[$0] + range.lowerBound }
        weightGradient = gradients.map(rows)
        biasGradient = gradients.flatMap { block in layer.bias.map { block[$0] + range.lowerBound } }
        forwardWeight = StepWeight(format)
        backwardWeight = gradients == nil ? nil : StepWeight(format)
        self.packedInputs = packedInputs
    }

    /// Packs the weight as it is now.
    func refresh() {
        team.pack(weight, into: forwardWeight)
        if let backwardWeight { team.pack(weight, transposed: true, into: backwardWeight) }
    }

    /// - Parameters:
    ///   - x: [m, inputs]
    ///   - y: [m, outputs]
    func forward(
        _ x: Matrix,
        residual: Matrix? = nil,
        activation: Activation = .none,
        into y: Matrix
    ) throws(TensorError) {
        let bias = bias.map { UnsafePointer($0) }
        try team.product(x, forwardWeight, bias: bias, residual: residual, activation: activation, into: y)
    }

    /// Adds the gradients of weight and bias.
    ///
    /// - Parameters:
    ///   - dy: the gradient of the outputs [m, outputs].
    ///   - x: the inputs of the forward pass [m, inputs].
    func addGradients(_ dy: Matrix, inputs x: Matrix) throws(TensorError) {
        guard let weightGradient, x.rows > 0 else { return }
        team.pack(x, transposed: true, into: packedInputs)
        try team.product(dy, transposed: true, packedInputs, accumulate: true, into: weightGradient)
        if let biasGradient { team.addColumnSums(dy, to: biasGradient) }
    }

    /// The gradient of the inputs, dx = dy·W + residual.
    ///
    /// - Parameter accumulate: adds it to what dx holds; there is no residual then.
    func inputGradient(
        _ dy: Matrix,
        residual: Matrix? = nil,
        accumulate: Bool = false,
        into dx: Matrix
    ) throws(TensorError) {
        guard let backwardWeight else { preconditionFailure("the layer is not trained") }
        try team.product(dy, backwardWeight, residual: residual, accumulate: accumulate, into: dx)
    }
}
