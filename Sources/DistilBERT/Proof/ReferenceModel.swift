import ModelFiles
import Tensors

/// Computes a checkpoint's known answers from its own tensors: by definition, in double precision, with the plain kernels
/// for attention alone. It shares neither the pack nor the plan of the network, nor the encoder, so that a fault in one of
/// them shows as a difference: names and shapes stand here a second time. For formats of fewer bits the weights are rounded
/// first, so that what is left is rounding of sums (and of activations, where a set rounds them).
struct ReferenceModel {
    let configuration: ModelConfiguration
    let head: Head
    let checkpoint: Checkpoint
    /// What each weight is stored as, by its name in the pack.
    let formats: [String: WeightFormat]

    var answers = KnownAnswers()
    private var hidden: Int { configuration.hiddenSize }
    private var isBERT: Bool { configuration.family == .bert }

    /// Codes of int8 weights are in [−64, 64], those of word embeddings in [−127, 127].
    private static let weightLevels = 64
    private static let wordLevels = 127
    /// The most scores that are kept of a text.
    private static let mostScores = 1 << 16

    /// - Parameters:
    ///   - texts: token ids and types; at least one.
    ///   - extras: linear layers of the folder's other checkpoints, for their products alone.
    mutating func answer(
        _ texts: [TokenSequence],
        _ extras: [(layer: Linear, checkpoint: Checkpoint)]
    ) throws -> KnownAnswers {
        let team = try ComputeTeam(cpus: [nil], instructionSet: .plain)
        let bounds = SequenceBounds(lengths: texts.map(\.ids.count))
        var states = try embed(texts)
        for index in 0..<configuration.layers { states = try layer(index, states, bounds, team) }
        let scored = (0..<texts.count).flatMap { text in bounds[text].prefix(scoredRows(bounds[text].count)) }
        let (scores, magnitudes) = try self.scores(
            scored.flatMap { row in states[row * hidden..<(row + 1) * hidden] }
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
        for (layer, checkpoint) in extras {
            let (weight, bias) = (layer.weight.tensors, layer.bias?.tensors ?? [])
            _ = try self.weight(layer.name, weight, bias, layer.outputs, layer.inputs, of: checkpoint)
        }
        return answers
    }

    /// How many of a text's tokens the head is asked about.
    private func scoredRows(_ length: Int) -> Int {
        if case .none(let hasPooler) = head { return hasPooler ? 1 : 0 }
        return head.readsFirstToken ? 1 : min(length, max(1, Self.mostScores / max(1, head.outputs)))
    }

    // MARK: - Embeddings

    private static let wordEmbeddings = "embeddings.word_embeddings.weight"

    private mutating func embed(_ texts: [TokenSequence]) throws -> [Double] {
        var tables = [
            ("embeddings.word", Self.wordEmbeddings, configuration.vocabularySize),
            ("embeddings.position", "embeddings.position_embeddings.weight", configuration.maxPositions),
        ]
        let types = configuration.typeVocabularySize
        if types > 0 { tables.append(("embeddings.type", "embeddings.token_type_embeddings.weight", types)) }
        for (name, tensor, rows) in tables { answers.tables[name] = try known(name, tensor, rows: rows) }
        var states: [Double] = []
        for text in texts {
            for (position, id) in text.ids.enumerated() {
                var sum = [Double](repeating: 0, count: hidden)
                let places = [Int(id), position, text.types.isEmpty ? 0 : Int(text.types[position])]
                for ((name, tensor, rows), place) in zip(tables, places) {
                    for (column, value) in try row(place, of: name, tensor, rows: rows).enumerated() {
                        sum[column] += Double(value)
                    }
                }
                states += sum
            }
        }
        return try normalized(states, "embeddings.norm", "embeddings.LayerNorm")
    }

    private func known(_ name: String, _ tensor: String, rows: Int) throws -> KnownAnswers.Product {
        var sums = [Double](repeating: 0, count: hidden)
        var magnitudes = sums
        for (index, weight) in KnownAnswers.weights(rows).enumerated() {
            let values = try row(index, of: name, tensor, rows: rows)
            for column in 0..<hidden {
                sums[column] += weight * Double(values[column])
                magnitudes[column] += abs(weight * Double(values[column]))
            }
        }
        return KnownAnswers.Product(values: sums.map { Float($0) }, magnitudes: magnitudes.map { Float($0) })
    }

    /// One row of a table as the pack's format holds it.
    private func row(_ row: Int, of name: String, _ tensor: String, rows: Int) throws -> [Float] {
        let view = try checkpoint.weight(tensor, shape: [rows, hidden])
        return [Float](unsafeUninitializedCapacity: hidden) { buffer, count in
            view.copyFloats(from: row * hidden, to: UnsafeMutableBufferPointer(rebasing: buffer[..<hidden]))
            count = hidden
            guard let format = formats[name], let base = buffer.baseAddress else { return }
            Reference.round(base, rows: 1, columns: hidden, to: format, levels: Self.wordLevels)
        }
    }

    // MARK: - Layers

    /// What the family calls the parts of a layer.
    private func stems(_ index: Int) -> [String] {
        let parts =
            isBERT
            ? [
                "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm",
            ]
            : [
                "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin", "sa_layer_norm",
                "ffn.lin1", "ffn.lin2", "output_layer_norm",
            ]
        return parts.map { "\(isBERT ? "encoder" : "transformer").layer.\(index).\($0)" }
    }

    private mutating func layer(
        _ index: Int,
        _ x: [Double],
        _ bounds: SequenceBounds,
        _ team: ComputeTeam
    ) throws -> [Double] {
        let (stems, prefix, wide) = (stems(index), "layer.\(index).", configuration.intermediateSize)
        let qkv = try weight(prefix + "qkv", Array(stems[...2]), 3 * hidden, hidden).product(x)
        let context = try attention(qkv, bounds, team)
        let attended = try weight(prefix + "attention_output", [stems[3]], hidden, hidden).product(context)
        let middle = try normalized(zip(attended, x).map { $0 + $1 }, prefix + "attention_norm", stems[4])
        let inner = try activated(weight(prefix + "intermediate", [stems[5]], wide, hidden).product(middle))
        let outer = try weight(prefix + "output", [stems[6]], hidden, wide).product(inner)
        return try normalized(zip(outer, middle).map { $0 + $1 }, prefix + "output_norm", stems[7])
    }

    private func activated(_ x: [Double]) -> [Double] {
        x.map { Reference.activation(Activation(configuration.activation), $0) }
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

    private mutating func normalized(_ x: [Double], _ name: String, _ stem: String) throws -> [Double] {
        func vector(_ part: String) throws -> [Float] {
            let vector = try checkpoint.weight("\(stem).\(part)", shape: [hidden]).floats()
            let values = vector.map { $0 * Float(KnownAnswers.weights(1)[0]) }
            answers.tables["\(name).\(part)"] = KnownAnswers.Product(values: values, magnitudes: values.map(abs))
            return vector
        }
        let (gamma, beta) = (try vector("weight"), try vector("bias"))
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
    private mutating func scores(_ rows: [Double]) throws -> (values: [Double], magnitudes: [Double]) {
        func scored(_ weight: Weight, _ x: [Double]) throws -> (values: [Double], magnitudes: [Double]) {
            (try weight.product(x), weight.magnitudes(x))
        }
        func pooled() throws -> (values: [Double], magnitudes: [Double]) {
            let stem = isBERT ? "pooler.dense" : "pre_classifier"
            let sums = try scored(weight("head.pooling", [stem], hidden, hidden), rows)
            return (sums.values.map { Reference.activation(isBERT ? .tanh : .relu, $0) }, sums.magnitudes)
        }
        func classified(_ stem: String, _ x: [Double]) throws -> (values: [Double], magnitudes: [Double]) {
            try scored(weight("head.classifier", [stem], head.outputs, hidden), x)
        }
        switch head {
        case .none(let hasPooler): return hasPooler ? try pooled() : ([], [])
        case .sequenceClassification, .multipleChoice: return try classified("classifier", pooled().values)
        case .tokenClassification: return try classified("classifier", rows)
        case .questionAnswering: return try classified("qa_outputs", rows)
        case .maskedLM(let vocabulary):
            let prefix = isBERT ? "cls.predictions." : "vocab_"
            let transform = prefix + (isBERT ? "transform.dense" : "transform")
            let norm = prefix + (isBERT ? "transform.LayerNorm" : "layer_norm")
            let decoder = prefix + (isBERT ? "decoder" : "projector")
            let isTied = configuration.tiesWordEmbeddings
            let inner = try activated(weight("head.transform", [transform], hidden, hidden).product(rows))
            let normal = try normalized(inner, "head.transform_norm", norm)
            let last = try weight(
                "head.decoder",
                [isTied ? Self.wordEmbeddings : decoder + ".weight"],
                [isTied && isBERT ? prefix + "bias" : decoder + ".bias"],
                vocabulary,
                hidden,
                of: checkpoint
            )
            return try scored(last, normal)
        }
    }

    // MARK: - Products

    /// The weight of a linear layer, whose known product becomes one of the answers.
    ///
    /// - Parameter stems: of the tensors whose rows lie below each other, equally many of each.
    private mutating func weight(_ name: String, _ stems: [String], _ outputs: Int, _ inputs: Int) throws -> Weight {
        let (weights, biases) = (stems.map { $0 + ".weight" }, stems.map { $0 + ".bias" })
        return try weight(name, weights, biases, outputs, inputs, of: checkpoint)
    }

    private mutating func weight(
        _ name: String,
        _ weights: [String],
        _ biases: [String],
        _ outputs: Int,
        _ inputs: Int,
        of checkpoint: Checkpoint
    ) throws -> Weight {
        let (format, rows) = (formats[name] ?? .float32, outputs / weights.count)
        let values = FloatBuffer(count: outputs * inputs)
        for (index, tensor) in weights.enumerated() {
            try checkpoint.weight(tensor, shape: [rows, inputs]).copyFloats(
                to: UnsafeMutableBufferPointer(start: values.base + index * rows * inputs, count: rows * inputs)
            )
        }
        let bias = try biases.flatMap { try checkpoint.weight($0, shape: [rows]).floats() }
        Reference.round(values.base, rows: outputs, columns: inputs, to: format, levels: Self.weightLevels)
        let weight = Weight(
            values: values,
            bias: bias.isEmpty ? nil : bias,
            format: format,
            outputs: outputs,
            inputs: inputs
        )
        answers.products[name] = try weight.knownProduct()
        return weight
    }

    /// A linear layer's weight as the pack's format holds it, [outputs, inputs], and its bias.
    private struct Weight {
        let values: FloatBuffer
        let bias: [Float]?
        let format: WeightFormat
        let outputs: Int
        let inputs: Int

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
