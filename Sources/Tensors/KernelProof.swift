internal import CKernels

/// What a team computed that the plain kernels do not.
package struct ProofFailure: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// `operation` differs by `worst` where at most `tolerance` is rounding.
    package init(_ operation: String, worst: Float, tolerance: Float) {
        self.init("\(operation) is off by \(worst), at most \(tolerance) is rounding")
    }
}

/// Shows on the CPU at hand that the kernels of a team compute what the plain ones do, at the shapes of a model.
///
/// A few distinct rows are computed one by one and compared with the plain kernels. Then batches of these rows, of every
/// number that a tile of rows can be left with and of more than one block, are computed with one thread and with all: a
/// row's bits do not depend on its neighbours, so each has to be the same bits again.
package final class KernelProof {
    let team: ComputeTeam
    let single: ComputeTeam
    let plain: ComputeTeam
    private var random: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// How many rows of a batch differ from each other.
    private static let distinct = 3

    /// - Parameter team: what is to be proved; it computes meanwhile.
    package init(_ team: ComputeTeam) throws(TensorError) {
        self.team = team
        single = team.threads == 1 ? team : try ComputeTeam(cpus: [nil], instructionSet: team.instructionSet)
        plain = try ComputeTeam(cpus: [nil], instructionSet: .plain)
    }

    /// The numbers of rows to try: all that one and two tiles can be left with, and one and two blocks with a rest; not
    /// those for which a layer as wide as a vocabulary would take a hundred megabytes.
    private func rowCounts(outputs: Int) -> [Int] {
        let tile = (1...64).last { team.kernels.groups($0) == 1 } ?? 1
        let block = team.kernels.block * tile
        return (Array(2...2 * tile + 1) + [block + 1, 2 * block + tile / 2]).filter { $0 * outputs <= 1 << 22 }
    }

    // MARK: - Products

    /// A product with its bias, residual and activation.
    package func product(_ name: String, _ layer: PackedLinear, activation: Activation) throws {
        guard team.instructionSet != .plain else { return }
        let rows = Self.distinct
        let x = inputs(rows: rows, columns: layer.inputs)
        let residual = inputs(rows: rows, columns: layer.outputs)
        let expected = FloatBuffer(count: rows * layer.outputs)
        let alone = FloatBuffer(count: rows * layer.outputs)
        let expectedMatrix = expected.matrix(rows: rows, columns: layer.outputs)
        try plain.linear(x.matrix, layer, residual: residual.matrix, activation: activation, into: expectedMatrix)
        for row in 0..<rows {
            try single.linear(
                x.matrix.row(row),
                layer,
                residual: residual.matrix.row(row),
                activation: activation,
                into: alone.matrix(rows: rows, columns: layer.outputs).row(row)
            )
        }
        let shape = "\(team.instructionSet.rawValue)'s \(layer.format.rawValue) product \(name)"
        try compare("\(shape) of 1 row", alone.matrix(rows: rows, columns: layer.outputs), expectedMatrix)
        try rounding(shape, layer)
        for count in rowCounts(outputs: layer.outputs) {
            for team in team.threads > 1 ? [single, team] : [single] {
                let y = FloatBuffer(count: count * layer.outputs)
                let result = y.matrix(rows: count, columns: layer.outputs)
                let x = x.repeated(count)
                let residual = residual.repeated(count)
                try team.linear(x.matrix, layer, residual: residual.matrix, activation: activation, into: result)
                for row in 0..<count where !result[row].elementsEqual(alone, of: row % rows) {
                    throw ProofFailure(
                        "\(shape) of \(count) rows, \(team.threads) threads: row \(row) has other bits than by itself"
                    )
                }
            }
        }
    }

    /// The inputs above are the same rounded to bfloat16 or to 256 levels; these are not. Levels are the same on every set,
    /// and where a set rounds to bfloat16, it has to be as if the inputs had been rounded before.
    private func rounding(_ shape: String, _ layer: PackedLinear) throws {
        guard layer.format == .int8 || layer.format == .bfloat16 && team.instructionSet.roundsActivations else {
            return
        }
        let rough = FloatBuffer(count: layer.inputs)
        let exact = FloatBuffer(count: layer.inputs)
        var halves = [UInt16](repeating: 0, count: layer.inputs)
        for index in 0..<layer.inputs { rough.base[index] = Float(next() >> 40) / Float(1 << 24) - 0.5 }
        ck_to_bfloat16_row(rough.base, layer.inputs, &halves)
        for index in 0..<layer.inputs { exact.base[index] = Float(bitPattern: UInt32(halves[index]) << 16) }
        func outputs(_ team: ComputeTeam, _ input: FloatBuffer) throws -> [Float] {
            let y = FloatBuffer(count: layer.outputs)
            let result = y.matrix(rows: 1, columns: layer.outputs)
            try team.linear(input.matrix(rows: 1, columns: layer.inputs), layer, into: result)
            return Array(result[0])
        }
        let expected = layer.format == .int8 ? try outputs(plain, rough) : try outputs(single, exact)
        try compare("\(shape) of inputs to be rounded", try outputs(single, rough), expected)
    }

    // MARK: - Attention, norms and embeddings

    /// Attention of `heads` heads over hidden states of `hidden` values, in sequences of 1 to 33 tokens, of `longest`, and
    /// of a batch.
    package func attention(hidden: Int, heads: Int, longest: Int) throws {
        guard team.instructionSet != .plain else { return }
        let lengths = Array(Set((1...33).map { min($0, longest) } + [min(100, longest), min(257, longest)])).sorted()
        let rows = lengths.reduce(0, +)
        let qkv = inputs(rows: rows, columns: 3 * hidden, scale: 4)
        func outputs(_ team: ComputeTeam, _ bounds: SequenceBounds, _ from: Int, queries: SequenceBounds) throws
            -> [Float]
        {
            let out = FloatBuffer(count: queries.rows * hidden)
            let result = out.matrix(rows: queries.rows, columns: hidden)
            let part = Matrix(
                base: qkv.matrix[from].baseAddress!,
                rows: bounds.rows,
                columns: 3 * hidden,
                stride: 3 * hidden
            )
            try team.attention(qkv: part, bounds: bounds, outputs: queries, heads: heads, into: result)
            return (0..<result.rows).flatMap { Array(result[$0]) }
        }
        let bounds = SequenceBounds(lengths: lengths)
        let expected = try outputs(plain, bounds, 0, queries: bounds)
        let name = "\(team.instructionSet.rawValue)'s attention of \(heads) heads"
        for team in team.threads > 1 ? [single, team] : [single] {
            let batch = try outputs(team, bounds, 0, queries: bounds)
            try compare("\(name), \(team.threads) threads", batch, expected)
            for (index, length) in lengths.enumerated() {
                let alone = SequenceBounds(lengths: [length])
                let first = bounds[index].lowerBound * hidden
                for queries in Set([1, length]) {
                    let some = try outputs(
                        team,
                        alone,
                        bounds[index].lowerBound,
                        queries: SequenceBounds(lengths: [queries])
                    )
                    guard some.elementsEqual(batch[first..<first + queries * hidden]) else {
                        throw ProofFailure("\(name) over \(length) tokens has other bits by itself than in a batch")
                    }
                }
            }
        }
    }

    /// LayerNorm over rows of `columns` values.
    package func layerNorm(_ weights: LayerNormWeights, columns: Int) throws {
        guard team.instructionSet != .plain else { return }
        let x = inputs(rows: 70, columns: columns, scale: 3)
        let results = [plain, single, team].map { team in
            let y = FloatBuffer(count: 70 * columns)
            let result = y.matrix(rows: 70, columns: columns)
            team.layerNorm(x.matrix, weights, into: result)
            return (0..<70).flatMap { Array(result[$0]) }
        }
        let name = "\(team.instructionSet.rawValue)'s LayerNorm of \(columns) values"
        try compare(name, results[1], results[0])
        guard results[1] == results[2] else {
            throw ProofFailure("\(name) has other bits with \(team.threads) threads")
        }
    }

    /// The sum of embeddings and its LayerNorm, for rows spread over the tables.
    package func embedding(_ weights: EmbeddingWeights, words: Int, positions: Int, types: Int, columns: Int) throws {
        guard team.instructionSet != .plain else { return }
        let rows = 40
        let ids = (0..<rows).map { Int32($0 * (words - 1) / (rows - 1)) }
        let places = (0..<rows).map { Int32($0 * (positions - 1) / (rows - 1)) }
        let kinds = (0..<rows).map { Int32($0 % max(1, types)) }
        let results = [plain, single, team].map { team in
            let y = FloatBuffer(count: rows * columns)
            let result = y.matrix(rows: rows, columns: columns)
            team.embed(ids: ids, positions: places, types: types > 0 ? kinds : nil, weights, into: result)
            return (0..<rows).flatMap { Array(result[$0]) }
        }
        let name = "\(team.instructionSet.rawValue)'s embedding of \(columns) values"
        try compare(name, results[1], results[0])
        guard results[1] == results[2] else {
            throw ProofFailure("\(name) has other bits with \(team.threads) threads")
        }
    }

    // MARK: - Inputs and comparisons

    /// Rows of multiples of 1/256 below `scale`, which bfloat16 holds exactly while `scale` is 1, with both ends of the
    /// range, so that quantising them to 256 levels is exact as well.
    func inputs(rows: Int, columns: Int, scale: Float = 1) -> Rows {
        let buffer = FloatBuffer(count: rows * columns)
        for index in 0..<rows * columns { buffer.base[index] = scale * Float(next() >> 56) / 256 }
        for row in 0..<rows where columns > 1 && scale == 1 {
            buffer.base[row * columns] = 0
            buffer.base[row * columns + columns - 1] = 255 / 256
        }
        return Rows(buffer: buffer, rows: rows, columns: columns)
    }

    private func next() -> UInt64 {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return random
    }

    private func compare(_ operation: String, _ actual: Matrix, _ expected: Matrix) throws(ProofFailure) {
        try compare(operation, actual.rowValues, expected.rowValues)
    }

    /// The plain kernels sum in another order, so results differ by the rounding of long sums: less than 1e-4 of the
    /// largest value, and usually a hundredth of that.
    func compare(_ operation: String, _ actual: [Float], _ expected: [Float]) throws(ProofFailure) {
        let largest = expected.reduce(0) { max($0, abs($1)) }
        let tolerance = 1e-4 * max(largest, 1e-6)
        var worst: Float = 0
        for (value, wanted) in zip(actual, expected) {
            let difference = abs(value - wanted)
            guard difference > worst || difference.isNaN else { continue }
            worst = difference
            if worst.isNaN { break }
        }
        guard worst <= tolerance else { throw ProofFailure(operation, worst: worst, tolerance: tolerance) }
    }
}

/// A few rows, and batches that repeat them.
struct Rows {
    let buffer: FloatBuffer
    let rows: Int
    let columns: Int

    var matrix: Matrix { buffer.matrix(rows: rows, columns: columns) }

    func repeated(_ count: Int) -> Rows {
        let copy = FloatBuffer(count: count * columns)
        for row in 0..<count {
            (copy.base + row * columns).update(from: buffer.base + row % rows * columns, count: columns)
        }
        return Rows(buffer: copy, rows: count, columns: columns)
    }
}

extension Matrix {
    fileprivate func row(_ index: Int) -> Matrix {
        Matrix(base: base + index * stride, rows: 1, columns: columns, stride: stride)
    }

    var rowValues: [Float] { (0..<rows).flatMap { Array(self[$0]) } }
}

extension UnsafeMutableBufferPointer<Float> {
    fileprivate func elementsEqual(_ buffer: FloatBuffer, of row: Int) -> Bool {
        let other = UnsafeBufferPointer(start: buffer.base + row * count, count: count)
        return indices.allSatisfy { self[$0] == other[$0] }
    }
}
