package import Tensors

/// Memory that grows to what is asked of it.
package final class GrowingBuffer {
    private var buffer = FloatBuffer(count: 0)

    package init() {}

    /// The first values as a dense matrix, uninitialised where it has grown.
    package func matrix(rows: Int, columns: Int) -> Matrix {
        if buffer.count < rows * columns { buffer = FloatBuffer(count: rows * columns) }
        return buffer.matrix(rows: rows, columns: columns)
    }

    package var byteCount: Int { buffer.count * MemoryLayout<Float>.stride }
}

extension Matrix {
    /// Some rows of all columns.
    package subscript(rows range: Range<Int>) -> Matrix {
        Matrix(base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }

    func clear() {
        for row in 0..<rows { self[row].update(repeating: 0) }
    }

    /// Copies rows of another matrix here, in order.
    func gather(_ source: Matrix, rows: [Int]) {
        for (index, row) in rows.enumerated() { _ = self[index].update(fromContentsOf: source[row]) }
    }

    /// Adds the rows here to rows of another matrix, in order.
    func scatterAdd(to destination: Matrix, rows: [Int]) {
        for (index, row) in rows.enumerated() {
            let (from, to) = (self[index], destination[row])
            for column in 0..<columns { to[column] += from[column] }
        }
    }
}
