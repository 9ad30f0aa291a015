internal import CKernels

/// Work cut into blocks by its size alone: which thread computes a block, and how many threads there are, changes no sum.
extension ComputeTeam {
    /// Rows whose sums are one block.
    static let rowsPerBlock = 32
    /// Values of a task that goes over dense memory: 64 KiB.
    static let valuesPerTask = 16384

    /// Calls `body` for blocks of `size` of `count` rows, the last one with what is left, spread over the team.
    package func forEachBlock(of count: Int, size: Int, _ body: (Range<Int>) -> Void) {
        run((count + size - 1) / size) { index, _ in body(index * size..<min(count, (index + 1) * size)) }
    }

    /// The same over dense memory.
    func forValues(_ count: Int, _ body: (Range<Int>) -> Void) {
        forEachBlock(of: count, size: Self.valuesPerTask, body)
    }

    /// sums += what `body` adds to zeros for each block of rows, in the order of the blocks. `body` gets the block's rows and
    /// its `count` sums.
    func addBlocks(
        ofRows rows: Int,
        to sums: [(values: UnsafeMutablePointer<Float>, count: Int)],
        _ body: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
    ) {
        let count = sums.reduce(0) { $0 + $1.count }
        let size = Self.rowsPerBlock
        let blocks = (rows + size - 1) / size
        reservePrepared(blocks * count * MemoryLayout<Float>.stride)
        let memory = prepared.assumingMemoryBound(to: Float.self)
        run(blocks) { block, _ in
            let partial = memory + block * count
            partial.update(repeating: 0, count: count)
            body(block * size..<min(rows, (block + 1) * size), partial)
        }
        for block in 0..<blocks {
            var partial = memory + block * count
            for (values, count) in sums {
                kernels.training.add_scaled(1, partial, count, values)
                partial += count
            }
        }
    }
}

extension Matrix {
    /// A kernel that takes dense rows would read others: a mistake of the caller's.
    func requireDense(_ rows: Int, _ columns: Int, _ what: @autoclosure () -> String) {
        precondition(
            self.rows == rows && self.columns == columns && (stride == columns || rows <= 1),
            "\(what()): expected [\(rows), \(columns)], dense, got \(shape), rows \(stride) apart"
        )
    }
}
