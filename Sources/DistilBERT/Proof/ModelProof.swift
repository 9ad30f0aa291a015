package import ModelFiles
package import Tensors

/// Shows before a model serves that what its pack and its team compute on this CPU is what the checkpoint says.
package struct ModelProof {
    private let encoder: Encoder
    private let head: HeadLayers?
    private let pack: PackFile
    /// Linear layers outside of the encoder and its head.
    private let extras: [(name: String, layer: PackedLinear)]

    package init(
        _ encoder: Encoder,
        _ head: HeadLayers?,
        extras: [(name: String, layer: PackedLinear)],
        pack: PackFile
    ) {
        self.encoder = encoder
        self.head = head
        self.extras = extras
        self.pack = pack
    }

    /// The shortest known text alone: every weight is read once, and nothing is computed twice.
    package func short(_ proceed: () -> Bool) throws(EngineError) {
        do {
            let answers = try KnownAnswers(pack, encoder.configuration, textsOnly: true)
            try texts(Array(answers.texts.prefix(1)), proceed)
        } catch {
            throw EngineError(error)
        }
    }

    /// The kernels at this model's shapes, and all that is known: every linear layer, the tables and the texts.
    package func full(_ proceed: () -> Bool) throws(EngineError) {
        do {
            let answers = try KnownAnswers(pack, encoder.configuration)
            try kernels(proceed)
            try products(answers, proceed)
            try tables(answers, proceed)
            try texts(answers.texts, proceed)
        } catch {
            throw EngineError(error)
        }
    }

    private func check(_ proceed: () -> Bool) throws(ProofFailure) {
        guard proceed() else { throw ProofFailure("the proof was stopped") }
    }

    // MARK: - Texts

    /// What of the root mean square of known values may be rounding. That of float32 adds up to a few millionths in a
    /// dozen layers; products of rounded activations differ by as much as their rounding does. A fault of a product is
    /// found exactly, by `products` and `kernels`; this one finds what is wired wrongly.
    private var tolerance: Double {
        let formats = encoder.formats.union(head?.formats ?? [])
        if formats.contains(.int8) { return 0.15 }
        return formats.contains(.bfloat16) && encoder.team.instructionSet.roundsActivations ? 0.05 : 1e-3
    }

    private func texts(_ texts: [KnownAnswers.Text], _ proceed: () -> Bool) throws {
        for (index, text) in texts.enumerated() {
            guard let output = try encoder.forward([text.sequence], proceed: proceed) else {
                throw ProofFailure("the proof was stopped")
            }
            let states = output.bounds[0].flatMap { Array(output.hidden[$0]) }
            try compare("the last hidden states of known text \(index)", states, text.states, text.states)
            guard let head, !text.scores.isEmpty else { continue }
            let width = head.head.outputs > 0 ? head.head.outputs : encoder.configuration.hiddenSize
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
        guard error <= tolerance else {
            throw ProofFailure(
                "\(encoder.team.instructionSet.rawValue): \(what) are off by \(Float(error)) of their size, at most "
                    + "\(Float(tolerance)) is rounding"
            )
        }
    }

    // MARK: - Layers and tables

    private func products(_ answers: KnownAnswers, _ proceed: () -> Bool) throws {
        let team = encoder.team
        for (name, layer) in encoder.products.map({ ($0.name, $0.layer) })
            + (head?.products.map { ($0.name, $0.layer) } ?? []) + extras.map({ ($0.name, $0.layer) })
        {
            try check(proceed)
            guard let known = answers.products[name], known.values.count == layer.outputs else {
                throw EngineError.pack("the pack has no known answer of \(name); it must be made again")
            }
            let probe = KnownAnswers.probe(layer.inputs)
            let input = FloatBuffer(count: layer.inputs)
            input.base.update(from: probe, count: layer.inputs)
            let output = FloatBuffer(count: layer.outputs)
            let result = output.matrix(rows: 1, columns: layer.outputs)
            try team.linear(input.matrix(rows: 1, columns: layer.inputs), layer, into: result)
            // Rounding of a chain of as many additions.
            let rounding = 5e-6 + 2e-8 * Float(layer.inputs)
            for (index, value) in result[0].enumerated() {
                let difference = abs(value - known.values[index])
                let tolerance = rounding * known.magnitudes[index]
                guard difference <= tolerance else {
                    throw ProofFailure(
                        "\(team.instructionSet.rawValue): output \(index) of \(name)",
                        worst: difference,
                        tolerance: tolerance
                    )
                }
            }
        }
    }

    private func tables(_ answers: KnownAnswers, _ proceed: () -> Bool) throws {
        for (name, table, rows) in encoder.tables + (head?.tables ?? []) {
            try check(proceed)
            let columns = encoder.configuration.hiddenSize
            guard let known = answers.tables[name], known.values.count == columns else {
                throw EngineError.pack("the pack has no known answer of \(name); it must be made again")
            }
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
    }

    // MARK: - Kernels

    private func kernels(_ proceed: () -> Bool) throws {
        struct Shape: Hashable {
            let outputs, inputs: Int
            let format: WeightFormat
            let activation: Activation
        }
        let proof = try KernelProof(encoder.team)
        let configuration = encoder.configuration
        var seen: Set<Shape> = []
        for (name, layer, activation) in encoder.products + (head?.products ?? [])
            + extras.map({ ($0.name, $0.layer, .none) })
        {
            let shape = Shape(
                outputs: layer.outputs,
                inputs: layer.inputs,
                format: layer.format,
                activation: activation
            )
            guard seen.insert(shape).inserted else { continue }
            try check(proceed)
            try proof.product(name, layer, activation: activation)
        }
        try check(proceed)
        try proof.attention(
            hidden: configuration.hiddenSize,
            heads: configuration.heads,
            longest: configuration.maxPositions
        )
        for norm in encoder.norms { try proof.layerNorm(norm, columns: configuration.hiddenSize) }
        try proof.embedding(
            encoder.embeddings,
            words: configuration.vocabularySize,
            positions: configuration.maxPositions,
            types: configuration.typeVocabularySize,
            columns: configuration.hiddenSize
        )
    }
}

// MARK: - What there is to prove

extension Encoder {
    fileprivate var products: [(name: String, layer: PackedLinear, activation: Activation)] {
        layers.enumerated().flatMap { index, layer in
            let prefix = PackPlan.layerPrefix(index)
            return [
                (prefix + "qkv", layer.qkv, Activation.none),
                (prefix + "attention_output", layer.attentionOutput, .none),
                (prefix + "intermediate", layer.intermediate, layer.activation),
                (prefix + "output", layer.output, .none),
            ]
        }
    }

    /// Those of the first layer; all are of one size.
    fileprivate var norms: [LayerNormWeights] {
        [embeddings.norm] + layers.prefix(1).flatMap { [$0.attentionNorm, $0.outputNorm] }
    }

    fileprivate var tables: [(name: String, table: PackedTable, rows: Int)] {
        var result = [
            (PackPlan.words, embeddings.word, configuration.vocabularySize),
            ("embeddings.position", PackedTable(floats: embeddings.position), configuration.maxPositions),
        ]
        if let type = embeddings.type {
            result.append(("embeddings.type", PackedTable(floats: type), configuration.typeVocabularySize))
        }
        result += embeddings.norm.tables("embeddings.norm")
        for (index, layer) in layers.enumerated() {
            let prefix = PackPlan.layerPrefix(index)
            result += layer.attentionNorm.tables(prefix + "attention_norm")
            result += layer.outputNorm.tables(prefix + "output_norm")
        }
        return result
    }

    fileprivate var formats: Set<WeightFormat> { Set(products.map(\.layer.format) + [embeddings.word.format]) }
}

extension PackedTable {
    fileprivate init(floats: UnsafePointer<Float>) {
        self.init(format: .float32, values: UnsafeRawPointer(floats), scales: nil)
    }
}

extension LayerNormWeights {
    fileprivate func tables(_ name: String) -> [(name: String, table: PackedTable, rows: Int)] {
        [("\(name).weight", PackedTable(floats: gamma), 1), ("\(name).bias", PackedTable(floats: beta), 1)]
    }
}

extension HeadLayers {
    fileprivate var tables: [(name: String, table: PackedTable, rows: Int)] {
        norm?.tables(PackPlan.transformNorm) ?? []
    }

    fileprivate var formats: Set<WeightFormat> { Set(products.map(\.layer.format)) }
}
