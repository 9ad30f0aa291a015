import Tensors

/// One sequence of tokens, special tokens included.
package struct TokenSequence: Sendable, Equatable {
    /// Which rows of the last hidden state are wanted. The last layer computes no others.
    package enum Rows: Sendable, Equatable {
        case all
        /// Those of the tokens at these places, ascending.
        case at([Int])

        /// The first token's, which classifiers look at.
        package static let first = Rows.at([0])

        /// How many those are of a sequence of `length` tokens.
        package func count(in length: Int) -> Int {
            switch self {
            case .all: length
            case .at(let rows): rows.count
            }
        }
    }

    package var ids: [Int32]
    /// Segment of each token; empty: all 0. Ignored by models without segments.
    package var types: [Int32]
    /// Position of each token; empty: 0, 1, 2, …
    package var positions: [Int32]
    package var rows: Rows

    package init(ids: [Int32], types: [Int32] = [], positions: [Int32] = [], rows: Rows = .all) {
        self.ids = ids
        self.types = types
        self.positions = positions
        self.rows = rows
    }
}

/// The rows of a batch that leave its last layer, ahead of the others: sequence `i`'s at `outputs[i]`.
struct RowSelection {
    let outputs: SequenceBounds
    private let rows: [TokenSequence.Rows]

    init(_ sequences: [TokenSequence]) {
        outputs = SequenceBounds(lengths: sequences.lazy.map { $0.rows.count(in: $0.ids.count) })
        rows = sequences.map(\.rows)
    }

    /// Calls `move(from, to)` for each wanted row of a matrix in which sequence `i` begins at `bounds[i]`, to bring them
    /// together. In place that is safe: rows only move forward, in order.
    func forEachMove(_ bounds: SequenceBounds, _ move: (_ from: Int, _ to: Int) -> Void) {
        for sequence in 0..<bounds.count {
            let (start, first) = (bounds[sequence].lowerBound, outputs[sequence].lowerBound)
            switch rows[sequence] {
            case .all:
                guard start != first else { continue }
                for row in 0..<bounds[sequence].count { move(start + row, first + row) }
            case .at(let rows):
                for (index, row) in rows.enumerated() where start + row != first + index {
                    move(start + row, first + index)
                }
            }
        }
    }
}
