import DistilBERT
import ModelFiles
import Tensors
import Training

/// An encoder with a linear model on its sentence embeddings, as a folder of sentence-transformers: Transformer, the mean
/// of the tokens, Normalize, and a Dense layer to the labels.
struct EmbeddingClassifier {
    /// Of the encoder, without labels.
    let configuration: ModelConfiguration
    /// classify or multi-label.
    let task: TrainingTask
    let labels: [String]
    let head: LinearModel
    /// Tokens of a text; a longer one is cut.
    let maxLength: Int
    /// What the weights are stored as.
    var elementType = ElementType.float32

    /// - Parameters:
    ///   - files: the tokenizer's, and what else the folder has.
    ///   - values: of the encoder.
    func write(
        to folder: String,
        replacing: Bool,
        files: [SmallFile],
        values: ParameterBlock
    ) throws(DistillationError) {
        var configuration = configuration
        configuration.labels = labels
        configuration.problemType = task == .multiLabel ? .multiLabelClassification : .singleLabelClassification
        let width = configuration.hiddenSize
        let modules = SentenceTransformersModules(
            pooling: .init(dimension: width, modes: [.mean]),
            steps: [.normalize, .dense(.init(inputs: width, outputs: head.outputs))],
            maxSequenceLength: min(maxLength, configuration.maxPositions)
        )
        let plan = NetworkPlan(configuration, modules) { _ in false }
        let weights = FloatBuffer(count: head.outputs * width)
        let biases = FloatBuffer(count: head.outputs)
        for output in 0..<head.outputs {
            for (column, weight) in head.weights(output).enumerated() {
                weights.base[output * width + column] = Float(weight)
            }
            biases.base[output] = Float(head.bias(output))
        }
        let dense = plan.modules.flatMap(\.linears)[0]
        do throws(ModelFilesError) {
            try ModelFolderWriter(plan, modules: modules, tokenizer: files, elementType: elementType)
                .write(to: folder, replacing: replacing) {
                    switch $0.name {
                    case dense.weight.name: UnsafePointer(weights.base)
                    case dense.bias?.name: UnsafePointer(biases.base)
                    default: UnsafePointer(values[$0])
                    }
                }
        } catch {
            throw .failed("\(error)")
        }
    }
}
