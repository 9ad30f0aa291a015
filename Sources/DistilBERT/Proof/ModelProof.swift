package import ModelFiles
import Tensors

/// Shows before a model serves that what its pack and its team compute on this CPU is what the checkpoint says.
package struct ModelProof {
    private let plan: NetworkPlan
    private let encoder: Encoder
    private let head: HeadLayers?
    private let pack: PackFile
    private var team: ComputeTeam { encoder.team }

    package init(_ plan: NetworkPlan, _ encoder: Encoder, _ head: HeadLayers?, pack: PackFile) {
        self.plan = plan
        self.encoder = encoder
        self.head = head
        self.pack = pack
    }

    package enum Extent {
        /// The kernels at this model's shapes, and all that is known: every linear layer, the tables and the texts.
        case full
        /// The shortest known text alone: every weight is read once, and nothing is computed twice.
        case short
    }

    /// - Parameter proceed: asked before each product; `false` stops the proof, which then fails.
    /// - Throws: `EngineError.proof`, which names what differs.
    package func run(_ extent: Extent, proceed: () -> Bool) throws(EngineError) {
        do {
            let answers = try KnownAnswers(pack, plan.configuration, textsOnly: extent == .short)
            guard extent == .full else { return try texts(Array(answers.texts.prefix(1)), proceed) }
            try kernels(proceed)
            for layer in layers {
                try check(proceed)
                try product(layer, answers)
            }
            for parameter in plan.parameters where !parameter.isOfLinear {
                try check(proceed)
                try table(parameter, answers)
            }
            try texts(answers.texts, proceed)
        } catch {
            throw EngineError(error)
        }
    }

    private func check(_ proceed: () -> Bool) throws(ProofFailure) {
        guard proceed() else { throw ProofFailure("the proof was stopped") }
    }

    private var layers: [Linear] { plan.linears + plan.modules.flatMap(\.linears) }

    // MARK: - Texts

    /// What of the root mean square of known values may be rounding. That of float32 adds up to a few millionths in a
    /// dozen layers; products of rounded activations differ by as much as their rounding does. A fault of a product is
    /// found exactly, by `product` and `kernels`; this one finds what is wired wrongly.
    private func tolerance() throws -> Double {
        let formats = try Set(
            plan.linears.map { try pack.linear($0).format } + [pack.table(plan.embeddings.word).format]
        )
        if formats.contains(.int8) { return 0.15 }
        return formats.contains(.bfloat16) && team.instructionSet.roundsActivations ? 0.05 : 1e-3
    }

    private func texts(_ texts: [KnownAnswers.Text], _ proceed: () -> Bool) throws {
        for (index, text) in texts.enumerated() {
            guard let output = try encoder.forward([text.sequence], proceed: proceed) else {
                throw ProofFailure("the proof was stopped")
            }
            let states = output.bounds[0].flatMap { Array(output.hidden[$0]) }
            try compare("the last hidden states of known text \(index)", states, text.states, text.states)
            guard let head, !text.scores.isEmpty else { continue }
            let width = head.head.outputs > 0 ? head.head.outputs : plan.configuration.hiddenSize
            let rows = Array(0..<min(text.scores.count / width, output.hidden.rows))
            var scores: [Float] = []
            func take(_ first: Int, _ values: Matrix) { for row in 0..<values.rows { scores += Array(values[row]) } }
            if head.head.outputs > 0 {
                try head.logits(output.hidden, rows: rows, take)
            } else {
                try head.pooled(output.hidden, rows: rows, take)
            }
            try compare("the head's scores of known text \(index)", scores, text.scores, text.scoreMagnitudes)
        }
    }

    private func compare(_ what: String, _ actual: [Float], _ known: [Float], _ magnitudes: [Float]) throws {
        guard actual.count == known.count else {
            throw ProofFailure("\(what): \(actual.count) values instead of \(known.count)")
        }
        var (differences, squares) = (0.0, 0.0)
        for (value, wanted) in zip(actual, known) { differences += Double(value - wanted) * Double(value - wanted) }
        for magnitude in magnitudes { squares += Double(magnitude) * Double(magnitude) }
        let error = squares > 0 ? (differences / squares).squareRoot() : differences.squareRoot()
        let tolerance = try self.tolerance()
        guard error <= tolerance else {
            throw ProofFailure(
                "\(team.instructionSet.rawValue): \(what) are off by \(Float(error)) of their size, at most "
                    + "\(Float(tolerance)) is rounding"
            )
        }
    }

    // MARK: - Layers and tables

    private func product(_ layer: Linear, _ answers: KnownAnswers) throws {
        let known = try self.known(layer.name, answers.products, count: layer.outputs)
        let input = FloatBuffer(count: layer.inputs)
        input.base.update(from: KnownAnswers.probe(layer.inputs), count: layer.inputs)
        let output = FloatBuffer(count: layer.outputs)
        let result = output.matrix(rows: 1, columns: layer.outputs)
        try team.linear(input.matrix(rows: 1, columns: layer.inputs), try pack.linear(layer), into: result)
        // Rounding of a chain of as many additions.
        let rounding = 5e-6 + 2e-8 * Float(layer.inputs)
        for (index, value) in result[0].enumerated() {
            let difference = abs(value - known.values[index])
            let tolerance = rounding * known.magnitudes[index]
            guard difference <= tolerance else {
                throw ProofFailure(
                    "\(team.instructionSet.rawValue): output \(index) of \(layer.name)",
                    worst: difference,
                    tolerance: tolerance
                )
            }
        }
    }

    private func table(_ parameter: Parameter, _ answers: KnownAnswers) throws {
        let (name, rows, columns) = (parameter.name, parameter.rows, parameter.columns)
        let known = try self.known(name, answers.tables, count: columns)
        let table = try pack.table(parameter)
        let sums = table.weightedSum(rows: rows, columns: columns, KnownAnswers.weights(rows))
        for (index, sum) in sums.enumerated() {
            let difference = abs(Float(sum) - known.values[index])
            // Both sums are of double precision, stored in single.
            let tolerance = 1e-6 * known.magnitudes[index]
            guard difference <= tolerance else {
                throw ProofFailure("column \(index) of the table \(name)", worst: difference, tolerance: tolerance)
            }
        }
    }

    private func known(
        _ name: String,
        _ answers: [String: KnownAnswers.Product],
        count: Int
    ) throws(EngineError) -> KnownAnswers.Product {
        guard let known = answers[name], known.values.count == count else {
            throw .pack("the pack has no known answer of \(name); it must be made again")
        }
        return known
    }

    // MARK: - Kernels

    private func kernels(_ proceed: () -> Bool) throws {
        struct Shape: Hashable {
            let outputs, inputs: Int
            let format: WeightFormat
            let activation: Activation
        }
        let proof = try KernelProof(team)
        let c = plan.configuration
        var seen: Set<Shape> = []
        for layer in layers {
            let packed = try pack.linear(layer)
            let shape = Shape(
                outputs: layer.outputs,
                inputs: layer.inputs,
                format: packed.format,
                activation: layer.activation
            )
            guard seen.insert(shape).inserted else { continue }
            try check(proceed)
            try proof.product(layer.name, packed, activation: layer.activation)
        }
        try check(proceed)
        try proof.attention(hidden: c.hiddenSize, heads: c.heads, longest: c.maxPositions)
        // Those of the first layer; all are of one size.
        for norm in [plan.embeddings.norm] + plan.layers.prefix(1).flatMap({ [$0.attentionNorm, $0.outputNorm] }) {
            try proof.layerNorm(pack.norm(norm), columns: c.hiddenSize)
        }
        try proof.embedding(
            encoder.embeddings,
            words: c.vocabularySize,
            positions: c.maxPositions,
            types: c.typeVocabularySize,
            columns: c.hiddenSize
        )
    }
}
