package import DistilBERT
package import Tensors

/// Sequences that are computed together, laid end to end: T tokens in all, no padding.
package struct Batch: Sendable {
    package let bounds: SequenceBounds
    package let ids: [Int32]
    package let positions: [Int32]
    /// Segment of each token; empty: all 0.
    package let types: [Int32]

    package init(_ sequences: [TokenSequence]) {
        bounds = SequenceBounds(lengths: sequences.lazy.map(\.ids.count))
        var ids: [Int32] = []
        var positions: [Int32] = []
        var types: [Int32] = []
        ids.reserveCapacity(bounds.rows)
        positions.reserveCapacity(bounds.rows)
        let typed = sequences.contains { !$0.types.isEmpty }
        for sequence in sequences {
            ids += sequence.ids
            positions += sequence.positions.isEmpty ? Array(0..<Int32(sequence.ids.count)) : sequence.positions
            if typed {
                types += sequence.types.isEmpty ? [Int32](repeating: 0, count: sequence.ids.count) : sequence.types
            }
        }
        self.ids = ids
        self.positions = positions
        self.types = types
    }

    /// A copy with other tokens.
    package init(_ batch: Batch, ids: [Int32]) {
        precondition(ids.count == batch.ids.count, "a batch of \(batch.ids.count) tokens gets \(ids.count)")
        bounds = batch.bounds
        positions = batch.positions
        types = batch.types
        self.ids = ids
    }

    package var sequences: Int { bounds.count }
    package var tokens: Int { bounds.rows }
    /// The row of each sequence's first token.
    package var firstRows: [Int] { (0..<bounds.count).map { bounds[$0].lowerBound } }
}
