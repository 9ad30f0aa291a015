import ModelFiles
import Tensors

/// Computes a checkpoint's known answers from its own tensors: by definition, in double precision, with the plain kernels
/// for attention alone. It shares neither the pack nor the plan of it, nor the encoder, so that a fault in one of them
/// shows as a difference. For formats of fewer bits the weights are rounded first, so that what is left is rounding of
/// sums (and of activations, where a set rounds them).
struct ReferenceModel {
    let configuration: ModelConfiguration
    let head: Head
    let checkpoint: Checkpoint
    /// What each weight is stored as, by its name in the pack.
    let formats: [String: WeightFormat]

    private var names: CheckpointNames { CheckpointNames(family: configuration.family) }
    private var hidden: Int { configuration.hiddenSize }

    /// Codes of int8 weights are in [−64, 64], those of word embeddings in [−127, 127].
    private static let weightLevels = 64
    private static let wordLevels = 127
    /// The most scores that are kept of a text.
    private static let mostScores = 1 << 16

    /// - Parameters:
    ///   - texts: token ids and types; at least one.
    ///   - extras: linear layers of the folder's other checkpoints, for their products alone.
    func knownAnswers(
        _ texts: [TokenSequence],
        extras: [ModelPacker.PackedExtra]
    ) throws -> KnownAnswers {
        var answers = KnownAnswers()
        let team = try ComputeTeam(cpus: [nil], instructionSet: .plain)
        for (name, tensor, rows) in tables { answers.tables[name] = try table(name, tensor, rows: rows) }
        for (name, stem) in norms {
            for part in ["weight", "bias"] {
                let values = try vector(stem, part).map { $0 * Float(KnownAnswers.weights(1)[0]) }
                answers.tables["\(name).\(part)"] = KnownAnswers.Product(values: values, magnitudes: values.map(abs))
            }
        }
        let bounds = SequenceBounds(lengths: texts.map(\.ids.count))
        var states = try embed(texts)
        for index in 0..<configuration.layers {
            states = try layer(index, states, bounds, team, &answers)
        }
        let scored = (0..<texts.count).flatMap { text in bounds[text].prefix(scoredRows(bounds[text].count)) }
        let (scores, magnitudes) = try self.scores(
            scored.flatMap { row in states[row * hidden..<(row + 1) * hidden] },
            &answers
        )
        let width = scored.isEmpty ? 0 : scores.count / scored.count
        var next = 0
        for (index, text) in texts.enumerated() {
            let rows = bounds[index]
            let count = scoredRows(rows.count)
            answers.texts.append(
                KnownAnswers.Text(
                    sequence: text,
                    states: states[rows.lowerBound * hidden..<rows.upperBound * hidden].map { Float($0) },
                    scores: scores[next * width..<(next + count) * width].map { Float($0) },
                    scoreMagnitudes: magnitudes[next * width..<(next + count) * width].map { Float($0) }
                )
            )
            next += count
        }
        for extra in extras {
            let (name, outputs, inputs) = (extra.linear.name, extra.linear.outputs, extra.linear.inputs)
            let weight = try Weight(self, extra.checkpoint, name, [extra.stem], outputs, inputs, extra.hasBias)
            answers.products[name] = try weight.knownProduct()
        }
        return answers
    }

    /// How many of a text's tokens the head is asked about.
    func scoredRows(_ length: Int) -> Int {
        switch head {
        case .none(let hasPooler): hasPooler ? 1 : 0
        case .sequenceClassification, .multipleChoice: 1
        case .tokenClassification, .questionAnswering, .maskedLM:
            min(length, max(1, Self.mostScores / max(1, head.outputs)))
        }
    }

    // MARK: - Tables

    private var norms: [(name: String, stem: String)] {
        var result = [("embeddings.norm", names.embeddingsNorm)]
        for index in 0..<configuration.layers {
            let prefix = PackPlan.layerPrefix(index)
            result.append((prefix + "attention_norm", names.layer(index).attentionNorm))
            result.append((prefix + "output_norm", names.layer(index).outputNorm))
        }
        if case .maskedLM = head {
            result.append((PackPlan.transformNorm, names.maskedLM(tied: configuration.tiesWordEmbeddings).norm))
        }
        return result
    }

    private var tables: [(name: String, tensor: String, rows: Int)] {
        var result = [
            (PackPlan.words, names.wordEmbeddings, configuration.vocabularySize),
            ("embeddings.position", names.positionEmbeddings, configuration.maxPositions),
        ]
        if configuration.typeVocabularySize > 0 {
            result.append(("embeddings.type", names.typeEmbeddings, configuration.typeVocabularySize))
        }
        return result
    }

    private func table(_ name: String, _ tensor: String, rows: Int) throws -> KnownAnswers.Product {
        let weights = KnownAnswers.weights(rows)
        var sums = [Double](repeating: 0, count: hidden)
        var magnitudes = sums
        for (row, weight) in weights.enumerated() {
            let values = try tableRow(name, tensor, row, of: rows)
            for column in 0..<hidden {
                sums[column] += weight * Double(values[column])
                magnitudes[column] += abs(weight * Double(values[column]))
            }
        }
        return KnownAnswers.Product(values: sums.map { Float($0) }, magnitudes: magnitudes.map { Float($0) })
    }

    /// One row as the pack's format holds it.
    private func tableRow(_ name: String, _ tensor: String, _ row: Int, of rows: Int) throws -> [Float] {
        let view = try checkpoint.weight(tensor, shape: [rows, hidden])
        return [Float](unsafeUninitializedCapacity: hidden) { buffer, count in
            view.copyFloats(from: row * hidden, to: UnsafeMutableBufferPointer(rebasing: buffer[..<hidden]))
            count = hidden
            guard let format = formats[name], let base = buffer.baseAddress else { return }
            Reference.round(base, rows: 1, columns: hidden, to: format, levels: Self.wordLevels)
        }
    }

    private func vector(_ stem: String, _ part: String) throws -> [Float] {
        try checkpoint.weight("\(stem).\(part)", shape: [hidden]).floats()
    }

    private func embed(_ texts: [TokenSequence]) throws -> [Double] {
        var states: [Double] = []
        let types = configuration.typeVocabularySize
        for text in texts {
            for (position, id) in text.ids.enumerated() {
                var row = try tableRow(PackPlan.words, names.wordEmbeddings, Int(id), of: configuration.vocabularySize)
                    .map { Double($0) }
                var others = [(names.positionEmbeddings, position, configuration.maxPositions)]
                if types > 0 {
                    others.append((names.typeEmbeddings, text.types.isEmpty ? 0 : Int(text.types[position]), types))
                }
                for (tensor, index, count) in others {
                    for (column, value) in try tableRow(tensor, tensor, index, of: count).enumerated() {
                        row[column] += Double(value)
                    }
                }
                states += row
            }
        }
        return try normalized(states, names.embeddingsNorm)
    }

    // MARK: - Layers

    private func layer(
        _ index: Int,
        _ x: [Double],
        _ bounds: SequenceBounds,
        _ team: ComputeTeam,
        _ answers: inout KnownAnswers
    ) throws -> [Double] {
        let names = names.layer(index)
        let prefix = PackPlan.layerPrefix(index)
        func product(_ name: String, _ stems: [String], _ x: [Double], outputs: Int, inputs: Int) throws -> [Double] {
            let weight = try Weight(self, checkpoint, prefix + name, stems, outputs, inputs)
            answers.products[prefix + name] = try weight.knownProduct()
            return try weight.product(x)
        }
        let qkv = try product("qkv", [names.query, names.key, names.value], x, outputs: 3 * hidden, inputs: hidden)
        let context = try attention(qkv, bounds, team)
        let attended = try product(
            "attention_output",
            [names.attentionOutput],
            context,
            outputs: hidden,
            inputs: hidden
        )
        let middle = try normalized(zip(attended, x).map { $0 + $1 }, names.attentionNorm)
        let wide = configuration.intermediateSize
        let inner = try product("intermediate", [names.intermediate], middle, outputs: wide, inputs: hidden)
        let outer = try product(
            "output",
            [names.output],
            inner.map { Reference.activation(Activation(configuration.activation), $0) },
            outputs: hidden,
            inputs: wide
        )
        return try normalized(zip(outer, middle).map { $0 + $1 }, names.outputNorm)
    }

    private func attention(_ qkv: [Double], _ bounds: SequenceBounds, _ team: ComputeTeam) throws -> [Double] {
        let input = FloatBuffer(count: qkv.count)
        for (index, value) in qkv.enumerated() { input.base[index] = Float(value) }
        let output = FloatBuffer(count: bounds.rows * hidden)
        let result = output.matrix(rows: bounds.rows, columns: hidden)
        try team.attention(
            qkv: input.matrix(rows: bounds.rows, columns: 3 * hidden),
            bounds: bounds,
            outputs: bounds,
            heads: configuration.heads,
            into: result
        )
        return (0..<bounds.rows).flatMap { result[$0].map { Double($0) } }
    }

    private func normalized(_ x: [Double], _ stem: String) throws -> [Double] {
        let (gamma, beta) = (try vector(stem, "weight"), try vector(stem, "bias"))
        var y = x
        for row in stride(from: 0, to: x.count, by: hidden) {
            let values = x[row..<row + hidden]
            let mean = values.reduce(0, +) / Double(hidden)
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(hidden)
            let inverse = 1 / (variance + configuration.layerNormEpsilon).squareRoot()
            for column in 0..<hidden {
                y[row + column] = (x[row + column] - mean) * inverse * Double(gamma[column]) + Double(beta[column])
            }
        }
        return y
    }

    // MARK: - Heads

    /// What the head makes of rows [n, H]: logits, the pooled rows where there is no other head, or nothing; and how large
    /// the terms of each of these sums are.
    private func scores(
        _ rows: [Double],
        _ answers: inout KnownAnswers
    ) throws -> (values: [Double], magnitudes: [Double]) {
        func product(
            _ name: String,
            _ stem: String,
            weight: String? = nil,
            bias: String? = nil,
            _ x: [Double],
            outputs: Int
        ) throws -> (values: [Double], magnitudes: [Double]) {
            let weight = try Weight(self, checkpoint, name, [stem], outputs, hidden, weight: weight, bias: bias)
            answers.products[name] = try weight.knownProduct()
            return (try weight.product(x), weight.magnitudes(x))
        }
        func pooled() throws -> (values: [Double], magnitudes: [Double]) {
            let isBERT = configuration.family == .bert
            let stem = isBERT ? CheckpointNames.pooler : CheckpointNames.preClassifier
            let sums = try product(PackPlan.pooling, stem, rows, outputs: hidden)
            return (sums.values.map { Reference.activation(isBERT ? .tanh : .relu, $0) }, sums.magnitudes)
        }
        switch head {
        case .none(let hasPooler): return hasPooler ? try pooled() : ([], [])
        case .sequenceClassification, .multipleChoice:
            let pooled = try pooled().values
            return try product(PackPlan.classifier, CheckpointNames.classifier, pooled, outputs: head.outputs)
        case .tokenClassification:
            return try product(PackPlan.classifier, CheckpointNames.classifier, rows, outputs: head.outputs)
        case .questionAnswering:
            return try product(PackPlan.classifier, CheckpointNames.answers, rows, outputs: head.outputs)
        case .maskedLM(let vocabulary):
            let stems = names.maskedLM(tied: configuration.tiesWordEmbeddings)
            let transformed = try product(PackPlan.transform, stems.transform, rows, outputs: hidden).values.map {
                Reference.activation(Activation(configuration.activation), $0)
            }
            return try product(
                PackPlan.decoder,
                "",
                weight: configuration.tiesWordEmbeddings ? names.wordEmbeddings : stems.decoder,
                bias: stems.bias,
                try normalized(transformed, stems.norm),
                outputs: vocabulary
            )
        }
    }

    // MARK: - Products

    /// A linear layer's weight as the pack's format holds it, [outputs, inputs], and its bias.
    private struct Weight {
        let values: FloatBuffer
        let bias: [Float]?
        let format: WeightFormat
        let outputs: Int
        let inputs: Int

        /// - Parameters:
        ///   - stems: of the tensors whose rows lie below each other, equally many of each.
        ///   - weight: the weight's whole name, where it is not `stem.weight`; likewise the bias.
        init(
            _ model: ReferenceModel,
            _ checkpoint: Checkpoint,
            _ name: String,
            _ stems: [String],
            _ outputs: Int,
            _ inputs: Int,
            _ hasBias: Bool = true,
            weight: String? = nil,
            bias: String? = nil
        ) throws {
            (self.outputs, self.inputs) = (outputs, inputs)
            format = model.formats[name] ?? .float32
            values = FloatBuffer(count: outputs * inputs)
            var biases: [Float] = []
            let rows = outputs / stems.count
            for (index, stem) in stems.enumerated() {
                let tensor = try checkpoint.weight(weight ?? "\(stem).weight", shape: [rows, inputs])
                tensor.copyFloats(
                    to: UnsafeMutableBufferPointer(start: values.base + index * rows * inputs, count: rows * inputs)
                )
                if hasBias { biases += try checkpoint.weight(bias ?? "\(stem).bias", shape: [rows]).floats() }
            }
            self.bias = hasBias ? biases : nil
            Reference.round(
                values.base,
                rows: outputs,
                columns: inputs,
                to: format,
                levels: ReferenceModel.weightLevels
            )
        }

        /// x·Wᵀ + b, x [n, inputs] quantised first where the format has int8 products.
        func product(_ x: [Double]) throws -> [Double] {
            var x = x
            if format == .int8 {
                for row in stride(from: 0, to: x.count, by: inputs) { Reference.quantize(&x[row..<row + inputs]) }
            }
            return try Reference.product(
                x,
                weight: values.base,
                bias: bias,
                rows: x.count / inputs,
                outputs: outputs,
                inputs: inputs
            )
        }

        /// √Σ(w·x)² of each output's terms, [n, outputs].
        func magnitudes(_ x: [Double]) -> [Double] {
            (0..<x.count / inputs).flatMap { row in
                (0..<outputs).map { output in
                    let weights = values.base + output * inputs
                    var sum = 0.0
                    for column in 0..<inputs {
                        let term = Double(weights[column]) * x[row * inputs + column]
                        sum += term * term
                    }
                    return sum.squareRoot()
                }
            }
        }

        func knownProduct() throws -> KnownAnswers.Product {
            let probe = KnownAnswers.probe(inputs)
            let values = try product(probe.map { Double($0) })
            let magnitudes = (0..<outputs).map { output in
                let row = self.values.base + output * inputs
                var sum: Float = abs(bias?[output] ?? 0)
                for column in 0..<inputs { sum += abs(row[column]) * probe[column] }
                return sum
            }
            return KnownAnswers.Product(values: values.map { Float($0) }, magnitudes: magnitudes)
        }
    }
}
