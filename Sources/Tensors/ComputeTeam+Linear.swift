internal import CKernels

/// An elementwise function after a product.
package enum Activation: Sendable {
    case none, gelu, geluTanh, relu, silu, tanh

    var code: ck_activation {
        switch self {
        case .none: CK_ACTIVATION_NONE
        case .gelu: CK_ACTIVATION_GELU
        case .geluTanh: CK_ACTIVATION_GELU_TANH
        case .relu: CK_ACTIVATION_RELU
        case .silu: CK_ACTIVATION_SILU
        case .tanh: CK_ACTIVATION_TANH
        }
    }
}

extension ComputeTeam {
    /// y = activation(x·Wᵀ + b + residual), or some of its columns, which have the same bits by themselves.
    ///
    /// - Parameters:
    ///   - x: [T, inputs]
    ///   - outputs: the columns to compute, N of them, as `PackedLinear.span` gives them; all unless said otherwise.
    ///   - residual: [T, N] or none
    ///   - y: [T, N], not overlapping x
    package func linear(
        _ x: Matrix,
        _ weight: PackedLinear,
        outputs: Range<Int>? = nil,
        residual: Matrix? = nil,
        activation: Activation = .none,
        into y: Matrix
    ) throws(TensorError) {
        var operation: String { "linear [\(weight.outputs), \(weight.inputs)]" }
        let outputs = outputs ?? 0..<weight.outputs
        let span = PackedLinear.span(of: outputs, outputs: weight.outputs)
        guard outputs == span else {
            throw .shape(operation: operation, expected: "outputs \(span)", actual: "outputs \(outputs)")
        }
        guard x.columns == weight.inputs, y.columns == outputs.count, x.rows == y.rows else {
            throw .shape(
                operation: operation,
                expected: "x [T, \(weight.inputs)] and y [T, \(outputs.count)]",
                actual: "x \(x.shape) and y \(y.shape)"
            )
        }
        if let residual, residual.rows != y.rows || residual.columns != y.columns {
            throw .shape(operation: "linear's residual", expected: y.shape, actual: residual.shape)
        }
        guard x.rows > 0 else { return }
        var task = ck_linear()
        task.x = UnsafePointer(x.base)
        task.ldx = x.stride
        task.bias = weight.bias
        if let residual {
            task.residual = UnsafePointer(residual.base - outputs.lowerBound)
            task.ldresidual = residual.stride
        }
        task.y = y.base - outputs.lowerBound
        task.ldy = y.stride
        task.m = x.rows
        task.n = weight.outputs
        task.k = weight.inputs
        task.activation = activation.code
        task.format = weight.format.code
        task.packed = weight.weight
        let panel = Int(CK_PANEL)
        product(task, panels: outputs.lowerBound / panel..<(outputs.upperBound + panel - 1) / panel) {
            kernels.prepare($0, $1, $2, $3)
        }
    }

    /// First the rows are laid out as the kernels read them, once for all threads. Then blocks of rows times strips of
    /// panels are computed, strip by strip: a strip's weights are read from memory once, and its sums of a block of rows
    /// stay in a core's own cache.
    ///
    /// - Parameter prepare: lays out groups of rows: `kernels.prepare`, or its twin for rows that are stored as columns.
    func product(
        _ task: ck_linear,
        panels: Range<Int>,
        prepare: (UnsafePointer<ck_linear>, Int, Int, UnsafeMutableRawPointer) -> Void
    ) {
        let groups = kernels.groups(task.m)
        reservePrepared(kernels.prepared_bytes(task.format, task.m, task.k))
        reserve(kernels.linear_scratch())
        let blocks = (groups + kernels.block - 1) / kernels.block
        let width = stripWidth(panels: panels.count, blocks: blocks)
        let strips = (panels.count + width - 1) / width
        let groupsPerTask = threads == 1 ? groups : 8
        withUnsafePointer(to: task) { task in
            run((groups + groupsPerTask - 1) / groupsPerTask) { index, _ in
                let first = index * groupsPerTask
                prepare(task, first, min(groups, first + groupsPerTask), prepared)
            }
            run(strips * blocks) { index, thread in
                let (strip, block) = (index / blocks, index % blocks)
                kernels.linear(
                    task,
                    prepared,
                    groups * block / blocks,
                    groups * (block + 1) / blocks,
                    panels.lowerBound + strip * width,
                    min(panels.upperBound, panels.lowerBound + (strip + 1) * width),
                    scratch[thread]
                )
            }
        }
    }

    /// Panels of a strip, an even number: 16, or fewer where that would leave the threads too few tasks to even out what one
    /// takes longer than another. With one block of rows the strips are kept wider: the weights that a strip begins with
    /// have not been asked for in advance, those of the panels after them have.
    private func stripWidth(panels: Int, blocks: Int) -> Int {
        let widest = 16
        guard threads > 1 else { return widest }
        let tasks = threads * (blocks == 1 ? 8 : 16)
        return max(4, min(widest, panels * blocks / tasks & ~1))
    }
}
