/// Memory for float32 values, aligned to a cache line, uninitialised until written.
package final class FloatBuffer {
    package let base: UnsafeMutablePointer<Float>
    package let count: Int

    package init(count: Int) {
        self.count = count
        let raw = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * MemoryLayout<Float>.stride, alignment: 64)
        base = raw.bindMemory(to: Float.self, capacity: max(count, 1))
    }

    deinit { UnsafeMutableRawPointer(base).deallocate() }

    /// The first `rows × columns` values as a dense matrix.
    package func matrix(rows: Int, columns: Int) -> Matrix {
        precondition(rows * columns <= count, "matrix of \(rows) × \(columns) in a buffer of \(count)")
        return Matrix(base: base, rows: rows, columns: columns, stride: columns)
    }
}

/// A view of float32 rows, `stride` values apart. Lives no longer than the memory it looks at.
package struct Matrix {
    package let base: UnsafeMutablePointer<Float>
    package let rows: Int
    package let columns: Int
    package let stride: Int

    package init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
        self.base = base
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    package subscript(row: Int) -> UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: base + row * stride, count: columns)
    }

    /// All rows of some columns.
    package subscript(columns range: Range<Int>) -> Matrix {
        Matrix(base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// For messages.
    package var shape: String { "[\(rows), \(columns)]" }
}
