import DistilBERT
import Messages
import ModelFiles
import Tensors

/// The model's own outputs for token ids, named and shaped as `transformers` has them:
///
/// | head | outputs |
/// |---|---|
/// | none | `last_hidden_state` [batch, tokens, hidden], and for BERT with its pooler `pooler_output` [batch, hidden] |
/// | sequence classification | `logits` [batch, labels] |
/// | token classification | `logits` [batch, tokens, labels] |
/// | question answering | `start_logits` and `end_logits` [batch, tokens] |
/// | masked LM | `logits` [batch, tokens, vocabulary] |
/// | multiple choice | `logits` [batch, choices] |
///
/// Tokens that `attention_mask` leaves out are not computed; their outputs are 0.
struct InferTask: InferenceTask {
    static let method = InferenceMethod.infer
    private let request: InferRequest

    init(_ request: InferRequest) { self.request = request }

    /// More values are not answered at once: they would not fit a frame of 16 MiB.
    static let mostValues = 4_000_000

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        let inputs = try InferInputs(request.inputs, for: model)
        let outputs = request.outputs
        let known = Self.outputs(of: model, inputs)
        for name in outputs where !known.contains(where: { $0.name == name }) {
            let names = known.map(\.name).joined(separator: ", ")
            throw .invalid("outputs", "the model has no \"\(name)\"; it has \(names)")
        }
        var count = 0
        for output in known where outputs.isEmpty || outputs.contains(output.name) {
            count += Tensor.count(output.shape) ?? Self.mostValues
        }
        guard count <= Self.mostValues else {
            throw .invalid(
                "input_ids",
                "the outputs would have \(count) values, and \(Self.mostValues) is the most; send fewer or shorter rows"
            )
        }
        let sequences = inputs.rows.map { row in
            var sequence = row.sequence
            if model.head?.head.readsFirstToken == true { sequence.rows = .first }
            return sequence
        }
        let pipeline = InferPipeline(
            model: model,
            inputs: inputs,
            wanted: outputs,
            outputs: known.map { ($0.name, $0.shape) }
        )
        return PreparedTask(pipeline, sequences: sequences)
    }

    private static func outputs(of model: Model, _ inputs: InferInputs) -> [(name: String, shape: [Int])] {
        let batch = inputs.shape[0]
        let hidden = model.configuration.hiddenSize
        switch model.head?.head {
        case nil: return [("last_hidden_state", [batch, inputs.length, hidden])]
        case .some(.none):
            return [("last_hidden_state", [batch, inputs.length, hidden]), ("pooler_output", [batch, hidden])]
        case .questionAnswering:
            return [("start_logits", [batch, inputs.length]), ("end_logits", [batch, inputs.length])]
        case .multipleChoice: return [("logits", [batch, inputs.shape[1]])]
        case .some(let head):
            return [("logits", (head.readsFirstToken ? [batch] : [batch, inputs.length]) + [head.outputs])]
        }
    }
}

struct InferPipeline: Pipeline {
    private let head: HeadLayers?
    private let inputs: InferInputs
    private let wanted: [String]
    private let names: [String]
    private let shapes: [[Int]]
    private var values: [[Float]]

    init(model: Model, inputs: InferInputs, wanted: [String], outputs: [(name: String, shape: [Int])]) {
        head = model.head
        self.inputs = inputs
        self.wanted = wanted
        names = outputs.map(\.name)
        shapes = outputs.map(\.shape)
        values = outputs.map { [Float](repeating: 0, count: Tensor.count($0.shape) ?? 0) }
    }

    var needs: PipelineNeeds {
        if let head, head.head.outputs > 0 { .logits } else { .states }
    }

    mutating func take(_ rows: Matrix, fromRow first: Int, of sequence: Int) throws(TaskError) {
        if head?.head.readsFirstToken == true { return copy(Array(rows[0]), at: sequence * rows.columns, of: 0) }
        for row in 0..<rows.rows {
            let place = sequence * inputs.length + inputs.rows[sequence].places[first + row]
            if head?.head == .questionAnswering {
                values[0][place] = rows[row][0]
                values[1][place] = rows[row][1]
            } else {
                copy(Array(rows[row]), at: place * rows.columns, of: 0)
            }
        }
        if names.count > 1, case .some(.none) = head?.head { try pool(rows, sequence) }
    }

    private mutating func pool(_ states: Matrix, _ sequence: Int) throws(TaskError) {
        // A pooler looks at the first token, which is no output where the mask leaves it out.
        guard let head, inputs.rows[sequence].places[0] == 0 else { return }
        var pooled: [Float] = []
        do throws(EngineError) {
            try head.pooled(states, rows: [0]) { (_, result) throws(EngineError) in pooled = Array(result[0]) }
        } catch {
            throw TaskError(.internal, error.description)
        }
        copy(pooled, at: sequence * pooled.count, of: 1)
    }

    private mutating func copy(_ source: [Float], at start: Int, of output: Int) {
        values[output].replaceSubrange(start..<start + source.count, with: source)
    }

    func finish() -> InferenceResponse {
        let tensors = names.indices.filter { wanted.isEmpty || wanted.contains(names[$0]) }.map {
            Tensor(name: names[$0], type: .float32, shape: shapes[$0].map(UInt64.init), floatData: values[$0])
        }
        let tokens = inputs.rows.reduce(0) { $0 + $1.places.count }
        return .infer(InferResponse(outputs: tensors, tokens: UInt32(clamping: tokens)))
    }
}
