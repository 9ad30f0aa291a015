import DistilBERT
import Messages
import Tensors
import Tokenization

/// Compares variants of a model with the model in fp32, on calibration texts.
///
/// Compared are what every model has, its embeddings, and the logits of its head, row by row.
package struct QualityGate {
    private let texts: [String]
    private let reference: [Outputs]

    /// What a model makes of one text.
    private struct Outputs {
        var embedding: [Float]
        /// The logits of each prediction.
        var rows: [[Float]] = []
    }

    /// Of a text's logits, more are not kept: of the rows of a large head, some that lie evenly in the text.
    private static let keptLogits = 16_384

    /// - Parameters:
    ///   - reference: the model in fp32; needed here alone.
    ///   - texts: at least one. What is too long is cut.
    ///   - progress: called after each text.
    package init(reference: Model, texts: [String], progress: () throws -> Void = {}) throws {
        self.texts = texts
        var outputs: [Outputs] = []
        for text in texts {
            outputs.append(try Self.outputs(of: reference, text))
            try progress()
        }
        self.reference = outputs
    }

    /// - Parameters:
    ///   - limit: the most texts to compare.
    ///   - progress: called after each text.
    package func measure(
        _ variant: Model,
        limit: Int = .max,
        progress: () throws -> Void = {}
    ) throws -> QualityReport {
        var report = QualityReport()
        var cosines = 0.0
        var same = 0
        for (text, expected) in zip(texts, reference).prefix(limit) {
            let outputs = try Self.outputs(of: variant, text)
            let cosine = Self.cosine(expected.embedding, outputs.embedding)
            cosines += cosine
            report.texts += 1
            report.leastCosine = min(report.leastCosine, cosine)
            for (old, new) in zip(expected.rows, outputs.rows) {
                report.predictions += 1
                if Self.best(old) == Self.best(new) { same += 1 }
                for (before, after) in zip(Self.scores(old), Self.scores(new)) {
                    report.largestScoreChange = max(report.largestScoreChange, abs(before - after))
                }
            }
            try progress()
        }
        report.meanCosine = report.texts > 0 ? cosines / Double(report.texts) : 1
        report.agreement = report.predictions > 0 ? Double(same) / Double(report.predictions) : 1
        return report
    }

    // MARK: - Outputs

    private static func outputs(of model: Model, _ text: String) throws(TaskError) -> Outputs {
        var outputs = Outputs(embedding: [])
        let inputs = [TextInput(text)]
        let embedding = try model.answer(.embed(EmbedRequest(inputs: inputs, truncation: .truncate)))
        if case .embed(let response) = embedding, let result = response.results.first {
            outputs.embedding = result.values
        }
        guard model.hasLogits else { return outputs }
        let tokenized = try model.answer(.tokenize(TokenizeRequest(inputs: inputs, truncation: .truncate)))
        guard case .tokenize(let response) = tokenized, let encoding = response.results.first else { return outputs }
        var ids = encoding.ids.map { Int64($0) }
        let most = max(2, InferTask.mostValues / (model.head?.head.outputs ?? 1))
        if ids.count > most { ids = ids.prefix(most - 1) + ids.suffix(1) }
        let count = UInt64(ids.count)
        let shape = model.head?.head == .multipleChoice ? [1, 1, count] : [1, count]
        let request = InferRequest(inputs: [
            Tensor(name: "input_ids", shape: shape, int64Data: ids),
            Tensor(name: "attention_mask", shape: shape, int64Data: ids.map { _ in 1 }),
        ])
        guard case .infer(let response) = try model.answer(.infer(request)) else { return outputs }
        for tensor in response.outputs {
            let values = tensor.floatData
            guard let size = tensor.shape.last.map({ Int($0) }), size > 0 else { continue }
            let rows = values.count / size
            let kept = min(rows, max(1, keptLogits / size))
            outputs.rows += (0..<kept).map { index in
                let start = rows * index / kept * size
                return Array(values[start..<start + size])
            }
        }
        return outputs
    }

    // MARK: - Figures

    private static func cosine(_ left: [Float], _ right: [Float]) -> Double {
        var (product, leftSquare, rightSquare) = (0.0, 0.0, 0.0)
        for (x, y) in zip(left, right) {
            product += Double(x) * Double(y)
            leftSquare += Double(x) * Double(x)
            rightSquare += Double(y) * Double(y)
        }
        let norms = (leftSquare * rightSquare).squareRoot()
        return norms > 0 ? product / norms : (leftSquare == rightSquare ? 1 : 0)
    }

    private static func best(_ row: [Float]) -> Int? { row.indices.max { row[$0] < row[$1] } }

    /// Probabilities: the softmax of a row, the sigmoid of a single logit.
    private static func scores(_ row: [Float]) -> [Double] {
        if row.count == 1 { return [1 / (1 + PlainFunctions.exp(-Double(row[0])))] }
        let greatest = Double(row.max() ?? 0)
        let powers = row.map { PlainFunctions.exp(Double($0) - greatest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}

extension Model {
    /// Whether the head makes logits of texts as they are.
    fileprivate var hasLogits: Bool { (head?.head.outputs ?? 0) > 0 }
}
