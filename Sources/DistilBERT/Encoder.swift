package import ModelFiles
package import Tensors

/// The last hidden states of a batch: rows [T', H], the wanted ones of sequence `i` at `bounds[i]`.
package struct EncoderOutput {
    /// Valid until the encoder's next forward pass.
    package let hidden: Matrix
    package let bounds: SequenceBounds
}

/// The encoder of BERT and DistilBERT, which is one: post-LayerNorm transformer blocks over learned embeddings
/// (Devlin et al., arXiv 1810.04805; Sanh et al., arXiv 1910.01108). DistilBERT has no token types.
///
/// A batch is sequences laid end to end, without padding; a sequence's result is the same, bit for bit, whatever the
/// others are. The weights are those of a pack, which the encoder keeps mapped.
package final class Encoder {
    package let configuration: ModelConfiguration
    package let team: ComputeTeam

    private let pack: PackFile
    let embeddings: EmbeddingWeights
    private let layers: [EncoderLayer]
    private var workspace: Workspace

    package init(_ plan: NetworkPlan, pack: PackFile, team: ComputeTeam) throws(EngineError) {
        configuration = plan.configuration
        self.pack = pack
        self.team = team
        embeddings = EmbeddingWeights(
            word: try pack.table(plan.embeddings.word),
            position: try pack.floats(plan.embeddings.position),
            type: try plan.embeddings.type.map(pack.floats),
            norm: try pack.norm(plan.embeddings.norm)
        )
        let heads = configuration.heads
        layers = try plan.layers.map { layer throws(EngineError) in try EncoderLayer(layer, heads: heads, pack) }
        workspace = Workspace(configuration, rows: 0)
    }

    /// Computes the last hidden states of `sequences`.
    ///
    /// - Parameters:
    ///   - sequences: at least one token each, at most `maxPositions`.
    ///   - proceed: asked before each product and attention; `false` stops the pass.
    /// - Returns: `nil` when stopped.
    /// - Throws: `EngineError.input` when a sequence is empty, too long, or has an id or type that the model lacks.
    package func forward(
        _ sequences: [TokenSequence],
        proceed: () -> Bool = { true }
    ) throws(EngineError) -> EncoderOutput? {
        for sequence in sequences { try check(sequence) }
        let bounds = SequenceBounds(lengths: sequences.lazy.map(\.ids.count))
        let selection = RowSelection(sequences)
        if workspace.capacity < bounds.rows { workspace = Workspace(configuration, rows: bounds.rows) }
        do {
            embed(sequences, rows: bounds.rows)
            var hidden = workspace.hidden(rows: bounds.rows)
            for (index, layer) in layers.enumerated() {
                let last = index + 1 == layers.count
                let result = try layer.forward(
                    hidden,
                    bounds: bounds,
                    keeping: last && selection.outputs != bounds ? selection : nil,
                    workspace: workspace,
                    team: team,
                    proceed: proceed
                )
                guard let result else { return nil }
                hidden = result
            }
            return EncoderOutput(hidden: hidden, bounds: selection.outputs)
        } catch {
            throw EngineError(error)
        }
    }

    private func check(_ sequence: TokenSequence) throws(EngineError) {
        let count = sequence.ids.count
        guard count > 0 else { throw .input("a sequence has no tokens") }
        guard count <= configuration.maxPositions else {
            throw .input("a sequence has \(count) tokens, the model takes at most \(configuration.maxPositions)")
        }
        for id in sequence.ids where id < 0 || id >= configuration.vocabularySize {
            throw .input("token id \(id) is outside the model's vocabulary of \(configuration.vocabularySize)")
        }
        if case .at(let rows) = sequence.rows {
            guard rows.allSatisfy({ $0 >= 0 && $0 < count }), zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw .input("the wanted rows of a sequence of \(count) tokens are not ascending and below that")
            }
        }
        guard sequence.positions.isEmpty || sequence.positions.count == count else {
            throw .input("a sequence of \(count) tokens has \(sequence.positions.count) positions")
        }
        for position in sequence.positions where position < 0 || position >= configuration.maxPositions {
            throw .input("position \(position) is not below the model's \(configuration.maxPositions)")
        }
        guard configuration.typeVocabularySize > 0, !sequence.types.isEmpty else { return }
        guard sequence.types.count == count else {
            throw .input("a sequence of \(count) tokens has \(sequence.types.count) token types")
        }
        for type in sequence.types where type < 0 || type >= configuration.typeVocabularySize {
            throw .input("token type \(type) is not below the model's \(configuration.typeVocabularySize)")
        }
    }

    private func embed(_ sequences: [TokenSequence], rows: Int) {
        var ids: [Int32] = []
        var positions: [Int32] = []
        var types: [Int32] = []
        ids.reserveCapacity(rows)
        positions.reserveCapacity(rows)
        let typed = configuration.typeVocabularySize > 0 && sequences.contains { !$0.types.isEmpty }
        for sequence in sequences {
            ids += sequence.ids
            if sequence.positions.isEmpty {
                positions += 0..<Int32(sequence.ids.count)
            } else {
                positions += sequence.positions
            }
            if typed {
                types += sequence.types.isEmpty ? [Int32](repeating: 0, count: sequence.ids.count) : sequence.types
            }
        }
        let hidden = workspace.hidden(rows: rows)
        team.embed(ids: ids, positions: positions, types: typed ? types : nil, embeddings, into: hidden)
    }
}
