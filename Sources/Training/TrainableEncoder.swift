package import DistilBERT
package import ModelFiles
package import Tensors

/// The encoder of BERT and DistilBERT with weights that change: a forward pass that keeps what the backward pass needs, and
/// the backward pass.
///
/// As in `Encoder`, sequences lie end to end without padding. A pass has the same bits with any number of threads.
package final class TrainableEncoder {
    /// What is kept of a forward pass.
    package enum Memory: Sendable {
        /// What every layer computes.
        case everything
        /// The layers' outputs; the rest is computed again in the backward pass, a third more work.
        case outputs
    }

    package let configuration: ModelConfiguration
    package let plan: NetworkPlan
    package let team: ComputeTeam

    private let values: ParameterBlock
    private let gradients: ParameterBlock?
    private let rates: DropoutRates
    private let memory: Memory
    private let layers: [TrainableLayer]
    private let embeddingNorm: TrainableNorm

    private let embeddingSum = GrowingBuffer()
    private let hiddenStates: [GrowingBuffer]
    private var records: [LayerRecord]
    private let sharedRecord = LayerRecord()
    private let hiddenGradients: [GrowingBuffer]
    private let projectionGradients: [GrowingBuffer]
    /// A layer's gradient of its input before it is added to that of losses.
    private let layerGradient = GrowingBuffer()

    // Of the last forward pass.
    private var batch = Batch([])
    private var randomness: Randomness?
    private var kept = KeptRows(SequenceBounds(lengths: []), firstTokensOnly: false)
    private var pinned: Set<Int> = []
    private var hasHiddenGradient: [Bool]
    private var hasProjectionGradient: [Bool]

    /// - Parameters:
    ///   - gradients: nil for an encoder that is not trained; it has no backward pass then.
    ///   - format: what products are computed in.
    package init(
        _ plan: NetworkPlan,
        values: ParameterBlock,
        gradients: ParameterBlock?,
        format: WeightFormat = .float32,
        rates: DropoutRates = .none,
        memory: Memory = .everything,
        team: ComputeTeam
    ) {
        self.plan = plan
        configuration = plan.configuration
        self.values = values
        self.gradients = gradients
        self.rates = rates
        self.memory = memory
        self.team = team
        let packedInputs = StepWeight(format)
        let scratch = LayerScratch()
        func norm(_ norm: Norm) -> TrainableNorm {
            TrainableNorm(norm, values: values, gradients: gradients, team: team)
        }
        embeddingNorm = norm(plan.embeddings.norm)
        let heads = plan.configuration.heads
        layers = plan.layers.enumerated().map { index, layer in
            TrainableLayer(
                layer,
                index: index,
                isLast: index + 1 == plan.layers.count,
                heads: heads,
                rates: rates,
                scratch: scratch,
                norm: norm,
                linear: { layer, range in
                    TrainableLinear(
                        layer,
                        range: range,
                        values: values,
                        gradients: gradients,
                        format: format,
                        packedInputs: packedInputs,
                        team: team
                    )
                },
                team: team
            )
        }
        let states = plan.layers.count + 1
        hiddenStates = (0..<states).map { _ in GrowingBuffer() }
        hiddenGradients = (0..<states).map { _ in GrowingBuffer() }
        projectionGradients = plan.layers.map { _ in GrowingBuffer() }
        records = plan.layers.map { _ in LayerRecord() }
        hasHiddenGradient = Array(repeating: false, count: states)
        hasProjectionGradient = Array(repeating: false, count: plan.layers.count)
    }

    /// Packs the weights as they are now. To be called before the first pass and whenever values have changed.
    package func refresh() {
        for layer in layers { layer.refresh() }
    }

    // MARK: - Forward

    /// Computes all hidden states of a batch.
    ///
    /// - Parameters:
    ///   - randomness: what is dropped; nil: nothing.
    ///   - firstTokensOnly: whether of the last hidden state the first token's row alone is wanted, one row per sequence.
    ///   - projections: the layers whose queries, keys and values will be asked for.
    package func forward(
        _ batch: Batch,
        randomness: Randomness? = nil,
        firstTokensOnly: Bool = false,
        projections: Set<Int> = []
    ) throws(TensorError) {
        self.batch = batch
        self.randomness = randomness
        pinned = projections
        kept = KeptRows(batch.bounds, firstTokensOnly: firstTokensOnly)
        for index in hasHiddenGradient.indices { hasHiddenGradient[index] = false }
        for index in hasProjectionGradient.indices { hasProjectionGradient[index] = false }
        embed()
        for index in layers.indices { try compute(index) }
    }

    private func embed() {
        let (rows, columns) = (batch.tokens, configuration.hiddenSize)
        let sum = embeddingSum.matrix(rows: rows, columns: columns)
        team.embeddingSum(
            ids: batch.ids,
            positions: batch.positions,
            types: batch.types.isEmpty || plan.embeddings.type == nil ? nil : batch.types,
            word: values[plan.embeddings.word],
            position: values[plan.embeddings.position],
            type: plan.embeddings.type.map { UnsafePointer(values[$0]) },
            into: sum
        )
        let hidden = hiddenStates[0].matrix(rows: rows, columns: columns)
        team.layerNorm(sum, embeddingNorm.weights, into: hidden)
        let dropout = embeddingDropout
        if dropout.rate > 0 { team.dropout(dropout, hidden, into: hidden) }
    }

    private var embeddingDropout: Dropout { randomness?.dropout(.embeddings, rate: rates.hidden) ?? .none }

    private func keptRows(of layer: Int) -> KeptRows {
        layer + 1 == layers.count ? kept : KeptRows(batch.bounds, firstTokensOnly: false)
    }

    private func record(of layer: Int) -> LayerRecord {
        memory == .everything || pinned.contains(layer) ? records[layer] : sharedRecord
    }

    private func compute(_ layer: Int) throws(TensorError) {
        try layers[layer].forward(
            hidden(layer),
            keptRows(of: layer),
            record(of: layer),
            randomness,
            allQueries: pinned.contains(layer),
            into: hidden(layer + 1)
        )
    }

    /// Hidden state `index` of the last pass, 0 that of the embeddings: [T, H], or of the last layer [sequences, H] where the
    /// first tokens alone were wanted.
    package func hidden(_ index: Int) -> Matrix {
        hiddenStates[index].matrix(rows: rows(ofState: index), columns: configuration.hiddenSize)
    }

    package var lastHidden: Matrix { hidden(layers.count) }

    private func rows(ofState index: Int) -> Int {
        index == layers.count ? kept.outputs.rows : batch.tokens
    }

    /// Queries, keys and values of a layer of the last pass side by side, [T, 3H]; one of those that the pass was asked for.
    package func projections(_ layer: Int) -> Matrix {
        precondition(memory == .everything || pinned.contains(layer), "the pass did not keep layer \(layer)")
        return record(of: layer).qkv(batch.tokens, configuration.hiddenSize)
    }

    // MARK: - Backward

    /// Where losses add their gradient of a hidden state, shaped as it is; 0 when it is first asked for.
    package func hiddenGradient(_ index: Int) -> Matrix {
        let matrix = hiddenGradients[index].matrix(rows: rows(ofState: index), columns: configuration.hiddenSize)
        if !hasHiddenGradient[index] { matrix.clear() }
        hasHiddenGradient[index] = true
        return matrix
    }

    package var lastHiddenGradient: Matrix { hiddenGradient(layers.count) }

    /// Where losses add their gradient of a layer's queries, keys and values, [T, 3H].
    package func projectionGradient(_ layer: Int) -> Matrix {
        let matrix = projectionGradients[layer].matrix(rows: batch.tokens, columns: 3 * configuration.hiddenSize)
        if !hasProjectionGradient[layer] { matrix.clear() }
        hasProjectionGradient[layer] = true
        return matrix
    }

    /// Adds the gradients of all parameters of the encoder, from those that losses have left.
    package func backward() throws(TensorError) {
        guard let gradients else { preconditionFailure("the encoder is not trained") }
        var dy = lastHiddenGradient
        for index in layers.indices.reversed() {
            if memory == .outputs, !pinned.contains(index) { try compute(index) }
            // A loss of the state below has left its gradient there; else the layer's is all of it.
            let isAdded = hasHiddenGradient[index]
            let (rows, columns) = (batch.tokens, configuration.hiddenSize)
            let dx = (isAdded ? layerGradient : hiddenGradients[index]).matrix(rows: rows, columns: columns)
            try layers[index].backward(
                dy,
                hidden(index),
                keptRows(of: index),
                record(of: index),
                randomness,
                adding: hasProjectionGradient[index] ? projectionGradient(index) : nil,
                into: dx
            )
            dy = dx
            if isAdded {
                dy = hiddenGradient(index)
                team.addScaled(1, dx.base, count: rows * columns, to: dy.base)
            }
        }
        let dropout = embeddingDropout
        if dropout.rate > 0 { team.dropout(dropout, dy, into: dy) }
        let sum = embeddingSum.matrix(rows: batch.tokens, columns: configuration.hiddenSize)
        embeddingNorm.backward(sum, dy, into: dy)
        team.scatterAdd(dy, rows: batch.ids, into: gradients[plan.embeddings.word])
        team.scatterAdd(dy, rows: batch.positions, into: gradients[plan.embeddings.position])
        if let type = plan.embeddings.type {
            let types = batch.types.isEmpty ? [Int32](repeating: 0, count: batch.tokens) : batch.types
            team.scatterAdd(dy, rows: types, into: gradients[type])
        }
    }
}
