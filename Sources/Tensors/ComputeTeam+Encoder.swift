internal import CKernels

/// Where each sequence of a batch lies: `starts` has one entry more than there are sequences, the first 0 and the last
/// the number of rows T.
package struct SequenceBounds: Sendable, Equatable {
    package let starts: [Int]

    package init(lengths: some Sequence<Int>) {
        var starts = [0]
        for length in lengths { starts.append(starts[starts.count - 1] + length) }
        self.starts = starts
    }

    package var count: Int { starts.count - 1 }
    package var rows: Int { starts[count] }
    package subscript(sequence: Int) -> Range<Int> { starts[sequence]..<starts[sequence + 1] }
}

/// Scale and shift of a LayerNorm, [H] each.
package struct LayerNormWeights {
    package let gamma: UnsafePointer<Float>
    package let beta: UnsafePointer<Float>
    package let epsilon: Float

    package init(gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>, epsilon: Float) {
        self.gamma = gamma
        self.beta = beta
        self.epsilon = epsilon
    }
}

/// The embedding tables: word [V, H], position [P, H], token type [2, H] or none.
package struct EmbeddingWeights {
    package let word: PackedTable
    package let position: UnsafePointer<Float>
    package let type: UnsafePointer<Float>?
    package let norm: LayerNormWeights

    package init(
        word: PackedTable,
        position: UnsafePointer<Float>,
        type: UnsafePointer<Float>?,
        norm: LayerNormWeights
    ) {
        self.word = word
        self.position = position
        self.type = type
        self.norm = norm
    }
}

extension ComputeTeam {
    /// Rows that one task of a row-wise pass takes: a few pages of a 768-wide matrix.
    private static let rowsPerTask = 32

    /// y[row] = LN(word[id] + position + type), y [T, H]. The caller has checked that ids, positions and types exist.
    package func embed(
        ids: UnsafePointer<Int32>,
        positions: UnsafePointer<Int32>,
        types: UnsafePointer<Int32>?,
        _ weights: EmbeddingWeights,
        into y: Matrix
    ) {
        var task = ck_embedding()
        task.ids = ids
        task.positions = positions
        task.types = types
        task.word_format = weights.word.format.code
        task.word_table = weights.word.values
        task.word_scales = weights.word.scales
        task.position_table = weights.position
        task.type_table = weights.type
        task.gamma = weights.norm.gamma
        task.beta = weights.norm.beta
        task.epsilon = weights.norm.epsilon
        task.hidden = y.columns
        task.out = y.base
        withUnsafePointer(to: task) { task in
            forRows(y.rows) { rows in kernels.embedding(task, rows.lowerBound, rows.upperBound) }
        }
    }

    /// y = LN(x) row by row; y may be x. Both dense [T, H].
    package func layerNorm(_ x: Matrix, _ weights: LayerNormWeights, into y: Matrix) {
        forRows(x.rows) { rows in
            kernels.layer_norm(
                x.base + rows.lowerBound * x.columns,
                weights.gamma,
                weights.beta,
                weights.epsilon,
                rows.count,
                x.columns,
                y.base + rows.lowerBound * x.columns
            )
        }
    }

    /// Self-attention within each sequence: qkv [T, 3H] (queries, keys, values side by side) → out [T', H], `heads` heads.
    /// A task is one head of one sequence, so the cost follows the real lengths.
    ///
    /// - Parameters:
    ///   - bounds: where each sequence lies in qkv.
    ///   - outputs: where each sequence's results go in out: as many of its first rows as it has there.
    package func attention(
        qkv: Matrix,
        bounds: SequenceBounds,
        outputs: SequenceBounds,
        heads: Int,
        into out: Matrix
    ) throws(TensorError) {
        let hidden = out.columns
        guard qkv.columns == 3 * hidden, hidden % heads == 0, qkv.rows == bounds.rows, out.rows == outputs.rows,
            bounds.count == outputs.count
        else {
            throw .shape(
                operation: "attention of \(heads) heads",
                expected: "[\(bounds.rows), 3H] → [\(outputs.rows), H]",
                actual: "\(qkv.shape) → \(out.shape)"
            )
        }
        let headSize = hidden / heads
        let longest = (0..<bounds.count).reduce(0) { max($0, bounds[$1].count) }
        reserve(kernels.attention_scratch(longest, headSize))
        run(bounds.count * heads) { index, thread in
            let rows = bounds[index / heads]
            let results = outputs[index / heads]
            let column = index % heads * headSize
            guard !results.isEmpty else { return }
            var task = ck_attention()
            let first = qkv.base + rows.lowerBound * qkv.stride + column
            task.q = UnsafePointer(first)
            task.k = UnsafePointer(first + hidden)
            task.v = UnsafePointer(first + 2 * hidden)
            task.ldqkv = qkv.stride
            task.out = out.base + results.lowerBound * out.stride + column
            task.ldout = out.stride
            task.queries = results.count
            task.length = rows.count
            task.d = headSize
            kernels.attention(&task, scratch[thread])
        }
    }

    private func forRows(_ rows: Int, _ body: (Range<Int>) -> Void) {
        if threads == 1 { return body(0..<rows) }
        run((rows + Self.rowsPerTask - 1) / Self.rowsPerTask) { index, _ in
            body(index * Self.rowsPerTask..<min(rows, (index + 1) * Self.rowsPerTask))
        }
    }
}
