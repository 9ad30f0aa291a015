/// A matrix of doubles, one row for each text: every number of it, or those alone that are not zero.
package struct FeatureRows: Sendable {
    enum Storage: Sendable {
        /// Row by row.
        case dense([Double])
        /// Row `i` has `values[starts[i]..<starts[i + 1]]` in the ascending `columns` beside them.
        case sparse(starts: [Int], columns: [Int32], values: [Double])
    }

    package let count: Int
    package let width: Int
    let storage: Storage

    /// - Parameter values: `count` rows of `width` numbers, one row after the other.
    package init(dense values: [Float], width: Int) {
        precondition(width > 0 && values.count % width == 0, "\(values.count) numbers are no rows of \(width)")
        count = values.count / width
        self.width = width
        storage = .dense(values.map(Double.init))
    }

    /// - Parameter rows: of each row the columns, ascending, and their values.
    package init(sparse rows: [[(column: Int, value: Double)]], width: Int) {
        precondition(width <= Int32.max)
        count = rows.count
        self.width = width
        var starts = [0]
        var columns: [Int32] = []
        var values: [Double] = []
        for row in rows {
            for (column, value) in row {
                precondition((0..<width).contains(column), "column \(column) of \(width)")
                columns.append(Int32(column))
                values.append(value)
            }
            starts.append(columns.count)
        }
        storage = .sparse(starts: starts, columns: columns, values: values)
    }

    private init(count: Int, width: Int, storage: Storage) {
        (self.count, self.width, self.storage) = (count, width, storage)
    }

    /// Some of the rows, in this order.
    package func selecting(_ indices: [Int]) -> FeatureRows {
        switch storage {
        case .dense(let values):
            var chosen: [Double] = []
            chosen.reserveCapacity(indices.count * width)
            for index in indices { chosen += values[index * width..<(index + 1) * width] }
            return FeatureRows(count: indices.count, width: width, storage: .dense(chosen))
        case .sparse(let starts, let columns, let values):
            var (newStarts, newColumns, newValues): ([Int], [Int32], [Double]) = ([0], [], [])
            for index in indices {
                newColumns += columns[starts[index]..<starts[index + 1]]
                newValues += values[starts[index]..<starts[index + 1]]
                newStarts.append(newColumns.count)
            }
            let storage = Storage.sparse(starts: newStarts, columns: newColumns, values: newValues)
            return FeatureRows(count: indices.count, width: width, storage: storage)
        }
    }

    /// A row, zeros included.
    package subscript(row: Int) -> [Double] {
        switch storage {
        case .dense(let values): return Array(values[row * width..<(row + 1) * width])
        case .sparse(let starts, let columns, let values):
            var whole = [Double](repeating: 0, count: width)
            for place in starts[row]..<starts[row + 1] { whole[Int(columns[place])] = values[place] }
            return whole
        }
    }
}
