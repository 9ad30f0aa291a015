internal import CKernels

extension ComputeTeam {
    /// Self-attention within each sequence with dropout on the probabilities: qkv [T, 3H] → out [T', H].
    /// `outputs` says as in the `attention` of inference which rows those are: the first of each sequence.
    ///
    /// Head h of sequence s draws its probability (i, j) as value offset + i · length + j, the offset being the number of
    /// probabilities of all heads of the sequences before it and of the heads before it.
    package func attention(
        qkv: Matrix,
        bounds: SequenceBounds,
        outputs: SequenceBounds,
        heads: Int,
        dropout: Dropout,
        into out: Matrix
    ) throws(TensorError) {
        try check("attention", qkv: qkv, bounds: bounds, outputs: outputs, heads: heads, states: out)
        let (hidden, size) = (out.columns, out.columns / heads)
        reserve(kernels.attention_scratch(longest(bounds), size))
        forEachHead(bounds, outputs, heads) { rows, results, column, offset, thread in
            var task = ck_attention()
            let first = qkv.base + rows.lowerBound * qkv.stride + column * size
            task.q = UnsafePointer(first)
            task.k = UnsafePointer(first + hidden)
            task.v = UnsafePointer(first + 2 * hidden)
            task.ldqkv = qkv.stride
            task.out = out.base + results.lowerBound * out.stride + column * size
            task.ldout = out.stride
            task.queries = results.count
            task.length = rows.count
            task.d = size
            kernels.training.attention(&task, dropout.code, offset, scratch[thread])
        }
    }

    /// The backward pass of `attention`: dout [T', H] → dqkv [T, 3H], which is written. Scores and probabilities are computed
    /// again.
    package func attentionGradient(
        qkv: Matrix,
        dout: Matrix,
        bounds: SequenceBounds,
        outputs: SequenceBounds,
        heads: Int,
        dropout: Dropout,
        into dqkv: Matrix
    ) throws(TensorError) {
        try check("gradient of attention", qkv: qkv, bounds: bounds, outputs: outputs, heads: heads, states: dout)
        try check("gradient of attention", qkv: dqkv, bounds: bounds, outputs: outputs, heads: heads, states: dout)
        let (hidden, size) = (dout.columns, dout.columns / heads)
        reserve(kernels.training.attention_gradient_scratch(longest(bounds), size))
        forEachHead(bounds, outputs, heads) { rows, results, column, offset, thread in
            var task = ck_attention_gradient()
            let first = qkv.base + rows.lowerBound * qkv.stride + column * size
            task.q = UnsafePointer(first)
            task.k = UnsafePointer(first + hidden)
            task.v = UnsafePointer(first + 2 * hidden)
            task.ldqkv = qkv.stride
            task.dout = UnsafePointer(dout.base + results.lowerBound * dout.stride + column * size)
            task.lddout = dout.stride
            let gradient = dqkv.base + rows.lowerBound * dqkv.stride + column * size
            task.dq = gradient
            task.dk = gradient + hidden
            task.dv = gradient + 2 * hidden
            task.lddqkv = dqkv.stride
            task.queries = results.count
            task.length = rows.count
            task.d = size
            task.dropout = dropout.code
            task.offset = offset
            kernels.training.attention_gradient(&task, scratch[thread])
        }
    }

    private func check(
        _ operation: String,
        qkv: Matrix,
        bounds: SequenceBounds,
        outputs: SequenceBounds,
        heads: Int,
        states: Matrix
    ) throws(TensorError) {
        guard qkv.columns == 3 * states.columns, states.columns % heads == 0, qkv.rows == bounds.rows,
            states.rows == outputs.rows, bounds.count == outputs.count
        else {
            throw .shape(
                operation: "\(operation) of \(heads) heads",
                expected: "[\(bounds.rows), 3H] and [\(outputs.rows), H]",
                actual: "\(qkv.shape) and \(states.shape)"
            )
        }
    }

    private func longest(_ bounds: SequenceBounds) -> Int {
        (0..<bounds.count).reduce(0) { max($0, bounds[$1].count) }
    }

    /// Calls `body` for each head of each sequence, a task each.
    private func forEachHead(
        _ bounds: SequenceBounds,
        _ outputs: SequenceBounds,
        _ heads: Int,
        _ body: (_ rows: Range<Int>, _ results: Range<Int>, _ head: Int, _ offset: UInt64, _ thread: Int) -> Void
    ) {
        var offsets: [UInt64] = [0]
        for sequence in 0..<bounds.count {
            let length = bounds[sequence].count
            offsets.append(offsets[sequence] + UInt64(heads * length * length))
        }
        run(bounds.count * heads) { index, thread in
            let (sequence, head) = (index / heads, index % heads)
            let rows = bounds[sequence]
            guard !rows.isEmpty else { return }
            body(rows, outputs[sequence], head, offsets[sequence] + UInt64(head * rows.count * rows.count), thread)
        }
    }
}
