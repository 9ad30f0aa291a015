internal import CKernels

extension ComputeTeam {
    /// y[row] = word[id] + position + type, before the LayerNorm: y [T, H], dense. The caller has checked that ids, positions
    /// and types exist.
    package func embeddingSum(
        ids: UnsafePointer<Int32>,
        positions: UnsafePointer<Int32>,
        types: UnsafePointer<Int32>?,
        word: UnsafePointer<Float>,
        position: UnsafePointer<Float>,
        type: UnsafePointer<Float>?,
        into y: Matrix
    ) {
        y.requireDense(y.rows, y.columns, "embeddings' y")
        var task = ck_embedding()
        task.ids = ids
        task.positions = positions
        task.types = types
        task.word_format = CK_FORMAT_FLOAT32
        task.word_table = UnsafeRawPointer(word)
        task.position_table = position
        task.type_table = type
        task.hidden = y.columns
        task.out = y.base
        withUnsafePointer(to: task) { task in
            forEachBlock(of: y.rows, size: Self.rowsPerBlock) { rows in
                kernels.training.embedding_sum(task, rows.lowerBound, rows.upperBound)
            }
        }
    }

    /// table[ids[row]] += x[row]: rows of the same id in ascending order; table [.., columns], dense. The caller has checked
    /// that ids exist.
    package func scatterAdd(_ x: Matrix, rows ids: UnsafePointer<Int32>, into table: UnsafeMutablePointer<Float>) {
        // A task has some columns of all rows, so that no two write the same values.
        forEachBlock(of: x.columns, size: 64) { columns in
            for row in 0..<x.rows {
                kernels.training.add_scaled(
                    1,
                    x.base + row * x.stride + columns.lowerBound,
                    columns.count,
                    table + Int(ids[row]) * x.columns + columns.lowerBound
                )
            }
        }
    }
}
