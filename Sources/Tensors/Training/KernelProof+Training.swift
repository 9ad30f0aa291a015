internal import CKernels

/// Before the first step of a training run: its kernels compute on this CPU what the plain ones do.
extension KernelProof {
    /// The kernels of training at the shapes of a model, in a fraction of a second: the products of every orientation and
    /// both formats, attention with dropout and its gradient, and all that goes over rows or parameters. What the team's set
    /// computes has to be what plain C does but for the rounding of sums, and the same bits with all threads as with one.
    ///
    /// - Throws: `ProofFailure`, which names the set and the operation.
    package func proveTraining(hidden: Int, intermediate: Int, heads: Int) throws {
        guard team.instructionSet != .plain else { return }
        for format in [WeightFormat.float32, .bfloat16] {
            try stepProducts(format, outputs: intermediate, inputs: hidden)
            try stepProducts(format, outputs: hidden, inputs: intermediate)
        }
        try attentionGradient(headSize: hidden / heads, heads: min(heads, 2))
        try layerNormGradient(columns: hidden)
        try activations(columns: intermediate)
        try embeddings(columns: hidden)
        try optimizer()
    }

    /// Runs `body` with plain C, with one thread and with all, and compares what it returns.
    private func prove(_ operation: String, _ body: (ComputeTeam) throws -> [Float]) throws {
        let name = "\(team.instructionSet.rawValue)'s \(operation)"
        let alone = try body(single)
        try compare(name, alone, try body(plain))
        guard team.threads > 1 else { return }
        guard try body(team).map(\.bitPattern) == alone.map(\.bitPattern) else {
            throw ProofFailure("\(name) has other bits with \(team.threads) threads")
        }
    }

    /// Rows of multiples of `scale`/128 in [−scale, scale), which bfloat16 holds exactly.
    private func values(rows: Int, columns: Int, scale: Float = 1) -> Rows {
        let result = inputs(rows: rows, columns: columns, scale: 2 * scale)
        for index in 0..<rows * columns { result.buffer.base[index] -= scale }
        return result
    }

    // MARK: - Products

    /// y = x·Wᵀ, dx = dy·W and, added to what is there, dW = dyᵀ·x, of as many rows as leave a rest in tiles and blocks. The
    /// gradient of the weight is computed for some outputs alone: its rows.
    private func stepProducts(_ format: WeightFormat, outputs: Int, inputs: Int) throws {
        let rows = 19
        let x = values(rows: rows, columns: inputs)
        let dy = values(rows: rows, columns: outputs)
        let weight = values(rows: outputs, columns: inputs)
        let step = StepWeight(format)
        let name = "\(format.rawValue) product [\(outputs), \(inputs)]"
        try prove("\(name) of training") { team in
            let y = FloatBuffer(count: rows * outputs)
            let result = y.matrix(rows: rows, columns: outputs)
            team.pack(weight.matrix, into: step)
            try team.product(x.matrix, step, residual: dy.matrix, into: result)
            return result.rowValues
        }
        try prove("\(name) of training, backward") { team in
            let dx = FloatBuffer(count: rows * inputs)
            let result = dx.matrix(rows: rows, columns: inputs)
            team.pack(weight.matrix, transposed: true, into: step)
            try team.product(dy.matrix, step, into: result)
            return result.rowValues
        }
        let some = dy.matrix[columns: 0..<min(outputs, 29)]
        try prove("\(name)'s gradient") { team in
            let dw = FloatBuffer(count: some.columns * inputs)
            let result = dw.matrix(rows: some.columns, columns: inputs)
            dw.base.update(from: weight.matrix.base, count: some.columns * inputs)
            team.pack(x.matrix, transposed: true, into: step)
            try team.product(some, transposed: true, step, accumulate: true, into: result)
            return result.rowValues
        }
    }

    // MARK: - Attention

    private func attentionGradient(headSize: Int, heads: Int) throws {
        let bounds = SequenceBounds(lengths: [1, 2, 5, 7, 12, 13, 16, 17, 33, 100])
        let hidden = heads * headSize
        let qkv = values(rows: bounds.rows, columns: 3 * hidden, scale: 2)
        let dout = values(rows: bounds.rows, columns: hidden)
        for dropout in [Dropout.none, Dropout(key: 0x5EED, rate: 0.1)] {
            let name = dropout == .none ? "attention" : "attention with dropout"
            try prove("\(name) of training") { team in
                let out = FloatBuffer(count: bounds.rows * hidden)
                let result = out.matrix(rows: bounds.rows, columns: hidden)
                try team.attention(
                    qkv: qkv.matrix,
                    bounds: bounds,
                    outputs: bounds,
                    heads: heads,
                    dropout: dropout,
                    into: result
                )
                return result.rowValues
            }
            // each of the three by itself: their sizes differ
            for (index, part) in ["queries", "keys", "values"].enumerated() {
                try prove("gradient of \(name) by its \(part)") { team in
                    let gradient = FloatBuffer(count: bounds.rows * 3 * hidden)
                    let result = gradient.matrix(rows: bounds.rows, columns: 3 * hidden)
                    try team.attentionGradient(
                        qkv: qkv.matrix,
                        dout: dout.matrix,
                        bounds: bounds,
                        outputs: bounds,
                        heads: heads,
                        dropout: dropout,
                        into: result
                    )
                    return result[columns: index * hidden..<(index + 1) * hidden].rowValues
                }
            }
        }
    }

    // MARK: - Rows

    private func layerNormGradient(columns: Int) throws {
        let rows = Self.rowsOfTwoBlocks
        let x = values(rows: rows, columns: columns, scale: 3)
        let dy = values(rows: rows, columns: columns)
        let gamma = values(rows: 1, columns: columns)
        for (index, part) in ["rows", "scale and shift"].enumerated() {
            try prove("gradient of LayerNorm by its \(part)") { team in
                let dx = FloatBuffer(count: rows * columns)
                let sums = FloatBuffer(count: 2 * columns)
                sums.base.update(repeating: 1, count: 2 * columns)
                let weights = LayerNormWeights(gamma: gamma.buffer.base, beta: gamma.buffer.base, epsilon: 1e-5)
                let result = dx.matrix(rows: rows, columns: columns)
                team.layerNormGradient(
                    x.matrix,
                    weights,
                    dy: dy.matrix,
                    into: result,
                    dgamma: sums.base,
                    dbeta: sums.base + columns
                )
                return index == 0 ? result.rowValues : sums.matrix(rows: 2, columns: columns).rowValues
            }
        }
        try prove("sum of columns") { team in
            let sums = FloatBuffer(count: columns)
            sums.base.update(repeating: 1, count: columns)
            team.addColumnSums(x.matrix, to: sums.base)
            return sums.matrix(rows: 1, columns: columns).rowValues
        }
    }

    private func activations(columns: Int) throws {
        let rows = 3
        let u = values(rows: rows, columns: columns, scale: 4)
        let da = values(rows: rows, columns: columns)
        func result(_ body: (Matrix) -> Void) -> [Float] {
            let y = FloatBuffer(count: rows * columns)
            let matrix = y.matrix(rows: rows, columns: columns)
            body(matrix)
            return matrix.rowValues
        }
        for activation in [Activation.gelu, .geluTanh, .relu, .silu, .tanh] {
            try prove("\(activation)") { team in result { team.activate(activation, u.matrix, into: $0) } }
            try prove("gradient of \(activation)") { team in
                result { team.activationGradient(activation, u.matrix, da.matrix, into: $0) }
            }
            try prove("\(activation) beside its gradient") { team in
                let memory = FloatBuffer(count: rows * columns)
                let du = memory.matrix(rows: rows, columns: columns)
                return result { team.activationGradient(activation, u.matrix, da.matrix, into: du, activated: $0) }
            }
        }
        try prove("dropout") { team in
            result { team.dropout(Dropout(key: 0x5EED, rate: 0.1), u.matrix, residual: da.matrix, into: $0) }
        }
        try prove("sum of powers") { team in
            result { y in
                for row in 0..<rows {
                    y[row].update(repeating: 1)
                    team.addPowers(0.5, u.matrix[row], to: y[row])
                }
            }
        }
        try prove("divergence's slopes") { team in
            result { y in
                for row in 0..<rows {
                    _ = team.divergence(
                        of: u.matrix[row],
                        from: da.matrix[row],
                        scale: 0.5,
                        accumulate: false,
                        into: y[row]
                    )
                }
            }
        }
        try prove("log softmax") { team in result { team.logSoftmax(u.matrix, scale: 0.5, into: $0) } }
    }

    private func embeddings(columns: Int) throws {
        let rows = Self.rowsOfTwoBlocks
        let table = values(rows: 9, columns: columns)
        let ids = (0..<rows).map { Int32($0 % 9) }
        let others = (0..<rows).map { Int32($0 % 7) }
        try prove("sum of embeddings") { team in
            let y = FloatBuffer(count: rows * columns)
            let result = y.matrix(rows: rows, columns: columns)
            let (base, positions) = (table.buffer.base, table.buffer.base + columns)
            team.embeddingSum(
                ids: ids,
                positions: others,
                types: others,
                word: base,
                position: positions,
                type: positions + columns,
                into: result
            )
            return result.rowValues
        }
    }

    // MARK: - Parameters

    private func optimizer() throws {
        let count = 2 * ComputeTeam.valuesPerTask + 7
        // gradients, weights and both moments, the second of which are not negative
        let values = values(rows: 4, columns: count)
        for index in 3 * count..<4 * count { values.buffer.base[index] += 1 }
        let step = AdamWStep(
            rate: 0.1,
            decay: 0.5,
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-3,
            correction1: 0.19,
            correction2: 0.0199,
            gradientScale: 0.5
        )
        for (index, part) in ["weights", "first moments", "second moments"].enumerated() {
            try prove("AdamW by its \(part)") { team in
                let copy = FloatBuffer(count: 4 * count)
                copy.base.update(from: values.buffer.base, count: 4 * count)
                team.adamW(
                    step,
                    gradient: copy.base,
                    weight: copy.base + count,
                    m: copy.base + 2 * count,
                    v: copy.base + 3 * count,
                    ValueRanges(count)
                )
                return Array(UnsafeBufferPointer(start: copy.base + (index + 1) * count, count: count))
            }
        }
        try prove("scaled sum") { team in
            let copy = FloatBuffer(count: count)
            copy.base.update(from: values.buffer.base + count, count: count)
            team.addScaled(-0.75, values.buffer.base, count: count, to: copy.base)
            return Array(UnsafeBufferPointer(start: copy.base, count: count))
        }
        try prove("sum of squares") { team in
            withExtendedLifetime(values) { [Float(team.sumOfSquares(values.buffer.base, ValueRanges(count)))] }
        }
    }

    /// Rows that make one block of sums and a part of another.
    private static let rowsOfTwoBlocks = ComputeTeam.rowsPerBlock + 3
}
