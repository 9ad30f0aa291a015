internal import CKernels

extension ComputeTeam {
    /// y = act(u), dense matrices of the same shape; y may be u.
    package func activate(_ activation: Activation, _ u: Matrix, into y: Matrix) {
        u.requireDense(y.rows, y.columns, "an activation's u")
        y.requireDense(y.rows, y.columns, "an activation's y")
        forValues(u.rows * u.columns) { values in
            let destination = y.base + values.lowerBound
            if y.base != u.base { destination.update(from: u.base + values.lowerBound, count: values.count) }
            kernels.activate(activation.code, destination, values.count)
        }
    }

    /// du = da · act′(u), dense matrices of the same shape; du may be da.
    ///
    /// - Parameter y: becomes act(u) meanwhile, the bits of `activate`; none, or not overlapping the others.
    package func activationGradient(
        _ activation: Activation,
        _ u: Matrix,
        _ da: Matrix,
        into du: Matrix,
        activated y: Matrix? = nil
    ) {
        u.requireDense(du.rows, du.columns, "an activation's u")
        da.requireDense(du.rows, du.columns, "an activation's da")
        du.requireDense(du.rows, du.columns, "an activation's du")
        y?.requireDense(du.rows, du.columns, "an activation's y")
        forValues(u.rows * u.columns) { values in
            let first = values.lowerBound
            kernels.training.activation_gradient(
                activation.code,
                u.base + first,
                da.base + first,
                values.count,
                du.base + first,
                y.map { $0.base + first }
            )
        }
    }

    /// The backward pass of `layerNorm`: from its input x and its output's gradient dy, dense [T, H], dx is written (it may be
    /// dy), and the gradients of scale and shift are added to dgamma and dbeta [H].
    package func layerNormGradient(
        _ x: Matrix,
        _ weights: LayerNormWeights,
        dy: Matrix,
        into dx: Matrix,
        dgamma: UnsafeMutablePointer<Float>,
        dbeta: UnsafeMutablePointer<Float>
    ) {
        let columns = x.columns
        x.requireDense(dx.rows, dx.columns, "LayerNorm's x")
        dy.requireDense(dx.rows, dx.columns, "LayerNorm's dy")
        dx.requireDense(dx.rows, dx.columns, "LayerNorm's dx")
        addBlocks(ofRows: x.rows, to: [(dgamma, columns), (dbeta, columns)]) { rows, sums in
            let first = rows.lowerBound * columns
            kernels.training.layer_norm_gradient(
                x.base + first,
                weights.gamma,
                weights.epsilon,
                dy.base + first,
                rows.count,
                columns,
                dx.base + first,
                sums,
                sums + columns
            )
        }
    }

    /// sums [columns] += Σ rows of x.
    package func addColumnSums(_ x: Matrix, to sums: UnsafeMutablePointer<Float>) {
        addBlocks(ofRows: x.rows, to: [(sums, x.columns)]) { rows, sums in
            kernels.training.column_sums(x[rows.lowerBound].baseAddress, x.stride, rows.count, x.columns, sums)
        }
    }

    /// y = log softmax(scale · x) row by row, scale > 0; y may be x.
    package func logSoftmax(_ x: Matrix, scale: Float, into y: Matrix) {
        precondition(
            x.rows == y.rows && x.columns == y.columns && scale > 0,
            "log softmax of \(x.shape), scale \(scale)"
        )
        guard x.columns > 0 else { return }
        forEachBlock(of: x.rows, size: max(1, Self.valuesPerTask / x.columns)) { rows in
            for row in rows {
                _ = kernels.training.log_softmax(
                    x.base + row * x.stride,
                    scale,
                    x.columns,
                    y.base + row * y.stride
                )
            }
        }
    }

    // MARK: - Single rows, on the calling thread

    /// y += a·eˣ
    package func addPowers(
        _ a: Float,
        _ x: UnsafeMutableBufferPointer<Float>,
        to y: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(x.count == y.count, "powers of \(x.count) values are added to \(y.count)")
        guard let x = x.baseAddress, let destination = y.baseAddress else { return }
        kernels.training.add_powers(a, x, y.count, destination)
    }

    /// KL(eᵖ ‖ e^q) = Σ eᵖ·(p − q) of log probabilities.
    ///
    /// - Parameter slopes: become scale·(e^q − eᵖ), the gradient by what q is the log softmax of, and may be q; `accumulate`:
    ///   that is added to them.
    package func divergence(
        of q: UnsafeMutableBufferPointer<Float>,
        from p: UnsafeMutableBufferPointer<Float>,
        scale: Float,
        accumulate: Bool,
        into slopes: UnsafeMutableBufferPointer<Float>
    ) -> Double {
        precondition(p.count == q.count && q.count == slopes.count, "a divergence of \(q.count) from \(p.count) values")
        guard let from = p.baseAddress, let of = q.baseAddress, let into = slopes.baseAddress else { return 0 }
        return kernels.training.divergence(from, of, scale, q.count, accumulate, into)
    }
}
