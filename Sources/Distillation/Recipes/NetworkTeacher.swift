import DistilBERT
import Tensors
import Training

/// A teacher beside its student: what it says of the batch at hand.
///
/// Logits of texts, embeddings and last hidden states do not depend on the step and are worked out once, before the first. What
/// belongs to other layers, to tags and answers or to masked words is computed with each batch.
final class NetworkTeacher: TeacherSignals {
    /// Of each example: the teacher's logits, row by row; nil where they are not wanted or computed with the batch.
    private let logits: [Float]?
    private let outputs: Int
    private let embeddings: [Float]?
    /// Of each example: its first row of the embeddings, and behind the last example their number.
    private let embeddingStarts: [Int]
    private let width: Int
    private let states: StateFile?
    private let model: TrainableModel?
    private let objective: Objective

    private let logitRows = GrowingBuffer()
    private let embeddingRows = GrowingBuffer()
    private let firsts: [Int: GrowingBuffer]

    /// - Parameters:
    ///   - logits: [examples, outputs]
    ///   - embeddings: [sequences, width], of the examples' sequences in order.
    ///   - sequences: how many each example has: 2 of a pair whose embeddings are compared.
    ///   - states: the last hidden states, where they were worked out before.
    ///   - model: for what is computed with each batch; nil where nothing is.
    init(
        logits: [Float]?,
        outputs: Int,
        embeddings: [Float]?,
        sequences: [Int],
        width: Int,
        states: StateFile?,
        model: TrainableModel?,
        objective: Objective
    ) {
        self.logits = logits
        self.outputs = outputs
        self.embeddings = embeddings
        embeddingStarts = sequences.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
        self.width = width
        self.states = states
        self.model = model
        self.objective = objective
        firsts = Dictionary(objective.patientLayers.map { ($0.teacher, GrowingBuffer()) }) { first, _ in first }
    }

    func outputs(_ examples: [Int], _ batch: Batch, _ supervision: Supervision) throws -> TeacherOutputs {
        var result = TeacherOutputs()
        if let logits { result.logits = rows(logits, outputs, examples, logitRows) }
        if let embeddings {
            let places = examples.flatMap { embeddingStarts[$0]..<embeddingStarts[$0 + 1] }
            result.embeddings = rows(embeddings, width, places, embeddingRows)
        }
        if objective.cosine > 0 { result.hidden = states?.states(examples) }
        guard let model else { return result }
        let relations = objective.relations > 0 ? objective.relationLayers?.teacher : nil
        try model.encoder.forward(batch, projections: relations.map { [$0] } ?? [])
        if objective.cosine > 0, states == nil { result.hidden = model.encoder.lastHidden }
        if objective.patient > 0 {
            for (layer, buffer) in firsts {
                let state = model.encoder.hidden(layer + 1)
                let some = buffer.matrix(rows: batch.sequences, columns: state.columns)
                for (index, row) in batch.firstRows.enumerated() {
                    _ = some[index].update(fromContentsOf: state[row])
                }
                result.firstStates[layer] = some
            }
        }
        if let relations { result.projections = model.encoder.projections(relations) }
        if logits == nil, objective.softTargets > 0 || objective.logits > 0, let head = model.head {
            var rows = head.head.readsFirstToken ? batch.firstRows : Array(0..<batch.tokens)
            if case .words(let chosen, _) = supervision { rows = chosen }
            try head.forward(model.encoder.lastHidden, rows: rows)
            result.logits = head.logits
        }
        return result
    }

    private func rows(_ values: [Float], _ width: Int, _ examples: [Int], _ buffer: GrowingBuffer) -> Matrix {
        let matrix = buffer.matrix(rows: examples.count, columns: width)
        for (row, example) in examples.enumerated() {
            for column in 0..<width { matrix[row][column] = values[example * width + column] }
        }
        return matrix
    }
}
