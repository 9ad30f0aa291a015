package import DistilBERT
package import Messages
import Tensors

/// One request of one kind: what a folder below this one implements.
///
/// A request becomes sequences of tokens and a pipeline (`prepare`); the sequences are computed in steps together with
/// those of other requests (`BatchRun`); the pipeline takes their outputs and makes the answer of them.
protocol InferenceTask: SendableMetatype {
    static var method: InferenceMethod { get }

    /// Whether a model answers it.
    static func isAnswered(by model: Model) -> Bool

    /// Checks and tokenises. The model answers the task.
    func prepare(for model: Model) throws(TaskError) -> PreparedTask
}

/// Turns what the model computes for a request's sequences into the answer.
protocol Pipeline {
    var needs: PipelineNeeds { get }

    /// Takes the outputs of a sequence's wanted rows, from the `row`-th of them on: hidden states [n, H], all rows at
    /// once, or logits [n, outputs], in order and perhaps in several parts. They are valid until it returns.
    ///
    /// Sequences come in order. What it makes of them depends on nothing else.
    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) throws(TaskError)

    /// The answer, once all sequences were taken.
    mutating func finish() throws(TaskError) -> InferenceResponse
}

extension InferenceTask {
    /// What every model answers.
    static func isAnswered(by model: Model) -> Bool { true }
}

enum PipelineNeeds {
    /// The last hidden state.
    case states
    /// What the model's head makes of it.
    case logits
}

/// A request that was checked and tokenised, ready to be computed with others.
package struct PreparedTask {
    /// The answer, when nothing has to be computed for it.
    package let immediate: InferenceResponse?
    package let sequences: [TokenSequence]
    /// Of all sequences, special tokens included.
    package let tokens: Int
    let pipeline: (any Pipeline)?

    init(answered result: InferenceResponse) {
        immediate = result
        sequences = []
        tokens = 0
        pipeline = nil
    }

    /// - Parameter sequences: at least one.
    init(_ pipeline: some Pipeline, sequences: [TokenSequence]) {
        immediate = nil
        self.sequences = sequences
        tokens = sequences.reduce(0) { $0 + $1.ids.count }
        self.pipeline = pipeline
    }
}
