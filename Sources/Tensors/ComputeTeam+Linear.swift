internal import CKernels
internal import COneDNN

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
    /// y = activation(x·Wᵀ + b + residual).
    ///
    /// - Parameters:
    ///   - x: [T, inputs]
    ///   - residual: [T, outputs] or none
    ///   - y: [T, outputs], not overlapping x. With oneDNN's layout x and y have room for `capacity(forRows: T)` rows.
    package func linear(
        _ x: Matrix,
        _ weight: PackedLinear,
        residual: Matrix? = nil,
        activation: Activation = .none,
        into y: Matrix
    ) throws(TensorError) {
        guard x.columns == weight.inputs, y.columns == weight.outputs, x.rows == y.rows else {
            throw .shape(
                operation: "linear [\(weight.outputs), \(weight.inputs)]",
                expected: "x [T, \(weight.inputs)] and y [T, \(weight.outputs)]",
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
            task.residual = UnsafePointer(residual.base)
            task.ldresidual = residual.stride
        }
        task.y = y.base
        task.ldy = y.stride
        task.m = x.rows
        task.n = weight.outputs
        task.k = weight.inputs
        task.activation = activation.code
        if weight.blocks.isEmpty {
            task.format = weight.format.code
            task.packed = weight.weight
            panels(task)
        } else {
            try blocks(task, weight)
        }
    }

    /// Whole rows a thread when there are many, else columns: with few rows the weight is what has to be read once.
    private func panels(_ task: ck_linear) {
        reserve(kernels.linear_scratch(task.k))
        let panels = (task.n + Int(CK_PANEL) - 1) / Int(CK_PANEL)
        let rowBlock = 144
        withUnsafePointer(to: task) { task in
            let rows = task.pointee.m
            if threads == 1 {
                kernels.linear(task, 0, rows, 0, panels, scratch[0])
            } else if rows >= rowBlock * threads * 2 {
                // As many rounds for each thread, of blocks of the same size.
                let blocks = (rows + rowBlock * threads - 1) / (rowBlock * threads) * threads
                run(blocks) { index, thread in
                    let (from, to) = (rows * index / blocks, rows * (index + 1) / blocks)
                    kernels.linear(task, from, to, 0, panels, scratch[thread])
                }
            } else {
                let parts = min(threads, (panels + 1) / 2)
                run(parts) { index, thread in
                    // even boundaries: two panels are one tile of the widest kernels
                    let from = panels * index / parts & ~1
                    let to = index + 1 == parts ? panels : panels * (index + 1) / parts & ~1
                    kernels.linear(task, 0, rows, from, to, scratch[thread])
                }
            }
        }
    }

    private func blocks(_ task: ck_linear, _ weight: PackedLinear) throws(TensorError) {
        let blocks = weight.blocks
        var failed = [Bool](repeating: false, count: threads)
        failed.withUnsafeMutableBufferPointer { failed in
            withUnsafePointer(to: task) { task in
                run(blocks.count) { index, thread in
                    let (columns, offset) = (blocks[index].columns, blocks[index].offset)
                    let t = task.pointee
                    guard
                        onednn_linear(
                            oneDNN[thread],
                            t.x,
                            t.ldx,
                            weight.weight + offset,
                            t.bias.map { $0 + columns.lowerBound },
                            t.y + columns.lowerBound,
                            t.ldy,
                            t.m,
                            columns.count,
                            t.k
                        )
                    else {
                        failed[thread] = true
                        return
                    }
                    if t.residual != nil || t.activation != CK_ACTIVATION_NONE {
                        kernels.finish(task, 0, t.m, columns.lowerBound, columns.count)
                    }
                }
            }
        }
        if failed.contains(true) {
            throw .unsupported(
                "oneDNN refused a product of \(task.m) rows with a weight [\(weight.outputs), \(weight.inputs)]"
            )
        }
    }
}
