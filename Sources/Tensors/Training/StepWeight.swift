internal import CKernels

/// A weight [outputs, inputs] that is packed anew whenever it changes, in memory that grows on demand.
package final class StepWeight {
    package private(set) var outputs = 0
    package private(set) var inputs = 0
    package let format: WeightFormat
    private(set) var packed: UnsafeMutableRawPointer
    private var bytes = 64

    /// - Parameter format: float32 or bfloat16.
    package init(_ format: WeightFormat) {
        precondition(format != .int8, "weights in training are fp32 or bf16")
        self.format = format
        packed = .allocate(byteCount: bytes, alignment: 64)
    }

    deinit { packed.deallocate() }

    fileprivate func resize(outputs: Int, inputs: Int) {
        let needed = ck_packed_bytes(format.code, outputs, inputs)
        if needed > bytes {
            packed.deallocate()
            packed = .allocate(byteCount: needed, alignment: 64)
            bytes = needed
        }
        self.outputs = outputs
        self.inputs = inputs
    }
}

extension ComputeTeam {
    /// Panels that one task packs: whole cache lines of a weight that is stored transposed.
    private static let panelsPerTask = 4

    /// Packs `matrix`: stored [outputs, inputs], or, transposed, [inputs, outputs].
    package func pack(_ matrix: Matrix, transposed: Bool = false, into weight: StepWeight) {
        let (outputs, inputs) = transposed ? (matrix.columns, matrix.rows) : (matrix.rows, matrix.columns)
        weight.resize(outputs: outputs, inputs: inputs)
        var task = ck_packing()
        task.source = UnsafePointer(matrix.base)
        task.ld = matrix.stride
        task.transposed = transposed
        task.format = weight.format.code
        task.n = outputs
        task.k = inputs
        task.packed = weight.packed
        let panels = (outputs + Int(CK_PANEL) - 1) / Int(CK_PANEL)
        withUnsafePointer(to: task) { task in
            forEachBlock(of: panels, size: Self.panelsPerTask) { panels in
                kernels.training.pack(task, panels.lowerBound, panels.upperBound)
            }
        }
    }

    /// y = activation(x·Wᵀ + b + residual).
    ///
    /// - Parameters:
    ///   - x: [m, inputs]; `transposed`: stored [inputs, m].
    ///   - residual: [m, outputs] or none, not y: what is to be added to y accumulates.
    ///   - accumulate: adds the product to what y holds; no bias, residual or activation then.
    ///   - y: [m, outputs], not overlapping x.
    package func product(
        _ x: Matrix,
        transposed: Bool = false,
        _ weight: StepWeight,
        bias: UnsafePointer<Float>? = nil,
        residual: Matrix? = nil,
        activation: Activation = .none,
        accumulate: Bool = false,
        into y: Matrix
    ) throws(TensorError) {
        var operation: String { "product with a weight [\(weight.outputs), \(weight.inputs)]" }
        let (rows, inputs) = transposed ? (x.columns, x.rows) : (x.rows, x.columns)
        guard inputs == weight.inputs, y.columns == weight.outputs, rows == y.rows else {
            throw .shape(
                operation: operation,
                expected: transposed
                    ? "x stored [\(weight.inputs), m] and y [m, \(weight.outputs)]"
                    : "x [m, \(weight.inputs)] and y [m, \(weight.outputs)]",
                actual: "x \(x.shape) and y \(y.shape)"
            )
        }
        if let residual, residual.rows != y.rows || residual.columns != y.columns {
            throw .shape(operation: "\(operation): residual", expected: y.shape, actual: residual.shape)
        }
        precondition(
            !accumulate || bias == nil && residual == nil && activation == .none,
            "a product that is added to y has no bias, residual or activation"
        )
        guard rows > 0, weight.outputs > 0 else { return }
        var task = ck_linear()
        task.x = UnsafePointer(x.base)
        task.ldx = x.stride
        task.format = weight.format.code
        task.packed = UnsafeRawPointer(weight.packed)
        task.bias = bias
        if let residual {
            task.residual = UnsafePointer(residual.base)
            task.ldresidual = residual.stride
        }
        task.y = y.base
        task.ldy = y.stride
        task.m = rows
        task.n = weight.outputs
        task.k = inputs
        task.activation = activation.code
        task.accumulate = accumulate
        product(task, panels: 0..<(weight.outputs + Int(CK_PANEL) - 1) / Int(CK_PANEL)) {
            (transposed ? kernels.training.prepare_transposed : kernels.prepare)($0, $1, $2, $3)
        }
    }
}
