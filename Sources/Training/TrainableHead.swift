package import DistilBERT
package import Tensors

/// The layers of a `HeadPlan` with weights that change, for some rows of the last hidden state.
package final class TrainableHead {
    package let head: Head

    private let plan: HeadPlan
    private let first: TrainableLinear?
    private let norm: TrainableNorm?
    private let last: TrainableLinear?
    private let rate: Float
    private let team: ComputeTeam
    private let hidden: Int

    private let input = GrowingBuffer()
    private let before = GrowingBuffer()
    private let activated = GrowingBuffer()
    private let normalized = GrowingBuffer()
    private let dropped = GrowingBuffer()
    private let output = GrowingBuffer()
    private let outputGradient = GrowingBuffer()
    private let scratch = GrowingBuffer()
    private let inputGradient = GrowingBuffer()

    // Of the last forward pass.
    private var rows: [Int] = []
    private var dropout = Dropout.none

    /// - Parameters:
    ///   - format: what products of a masked LM are computed in; the others have few outputs and are in fp32.
    package init(
        _ plan: HeadPlan,
        hidden: Int,
        values: ParameterBlock,
        gradients: ParameterBlock?,
        format: WeightFormat = .float32,
        rates: DropoutRates = .none,
        team: ComputeTeam
    ) {
        self.plan = plan
        head = plan.head
        self.hidden = hidden
        self.team = team
        var isMaskedLM = false
        if case .maskedLM = plan.head { isMaskedLM = true }
        rate = isMaskedLM ? 0 : rates.head
        let format = isMaskedLM ? format : .float32
        let packedInputs = StepWeight(format)
        func linear(_ layer: Linear) -> TrainableLinear {
            TrainableLinear(
                layer,
                values: values,
                gradients: gradients,
                format: format,
                packedInputs: packedInputs,
                team: team
            )
        }
        first = plan.first.map(linear)
        norm = plan.norm.map { TrainableNorm($0, values: values, gradients: gradients, team: team) }
        last = plan.last.map(linear)
    }

    /// Packs the weights as they are now.
    package func refresh() {
        first?.refresh()
        last?.refresh()
    }

    /// The logits of the last pass, [n, outputs].
    package var logits: Matrix { output.matrix(rows: rows.count, columns: head.outputs) }

    /// Where losses put their gradient of the logits. Uninitialised.
    package var logitsGradient: Matrix { outputGradient.matrix(rows: rows.count, columns: head.outputs) }

    /// Computes the logits of rows of `states`.
    package func forward(_ states: Matrix, rows: [Int], randomness: Randomness? = nil) throws(TensorError) {
        guard let last else { preconditionFailure("the model has no head") }
        self.rows = rows
        dropout = randomness?.dropout(.head, rate: rate) ?? .none
        var x = input.matrix(rows: rows.count, columns: hidden)
        x.gather(states, rows: rows)
        if let first, let layer = plan.first {
            let u = before.matrix(rows: rows.count, columns: first.outputs)
            try first.forward(x, into: u)
            let a = activated.matrix(rows: rows.count, columns: first.outputs)
            team.activate(layer.activation, u, into: a)
            x = a
            if let norm {
                x = normalized.matrix(rows: rows.count, columns: first.outputs)
                team.layerNorm(a, norm.weights, into: x)
            }
        }
        if dropout.rate > 0 {
            let kept = dropped.matrix(rows: rows.count, columns: x.columns)
            team.dropout(dropout, x, into: kept)
            x = kept
        }
        try last.forward(x, into: logits)
    }

    /// From the gradient of the logits: adds the gradients of the head's parameters, and that of the rows to `gradient`, shaped
    /// as the states were.
    package func backward(into gradient: Matrix) throws(TensorError) {
        guard let last else { preconditionFailure("the model has no head") }
        let count = rows.count
        let width = first?.outputs ?? hidden
        let a = activated.matrix(rows: count, columns: width)
        var x = first == nil ? input.matrix(rows: count, columns: hidden) : a
        if norm != nil { x = normalized.matrix(rows: count, columns: width) }
        if dropout.rate > 0 { x = dropped.matrix(rows: count, columns: width) }
        try last.addGradients(logitsGradient, inputs: x)
        let dx = scratch.matrix(rows: count, columns: width)
        try last.inputGradient(logitsGradient, into: dx)
        if dropout.rate > 0 { team.dropout(dropout, dx, into: dx) }
        if let first, let layer = plan.first {
            norm?.backward(a, dx, into: dx)
            team.activationGradient(layer.activation, before.matrix(rows: count, columns: width), dx, into: dx)
            let states = input.matrix(rows: count, columns: hidden)
            try first.addGradients(dx, inputs: states)
            let back = inputGradient.matrix(rows: count, columns: hidden)
            try first.inputGradient(dx, into: back)
            back.scatterAdd(to: gradient, rows: rows)
        } else {
            dx.scatterAdd(to: gradient, rows: rows)
        }
    }
}
