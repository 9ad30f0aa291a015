import DistilBERT
import ModelFiles
import Tensors
import Tokenization
import Training

/// A baseline: the first layers of an encoder as it is, and logistic regression on its sentence embeddings.
struct FrozenEncoder {
    let source: ModelSource
    /// How many layers, chosen as a student's first ones are.
    let layers: Int

    /// Which of the encoder's layers.
    var chosen: [Int] { StudentInitialisation.spread(layers, of: source.configuration.layers) }

    /// Fits a head to labelled texts and writes both as a folder.
    ///
    /// - Returns: the C that cross-validation chose.
    func write(
        to folder: String,
        training: Dataset,
        seed: UInt64,
        team: ComputeTeam
    ) throws -> Double {
        var configuration = source.configuration.adapted(to: .embed, labels: [])
        configuration.layers = layers
        let plan = NetworkPlan(configuration) { _ in false }
        let initialisation = try studentInitialisation(from: source.plan, to: plan)
        let old = try source.values()
        let layout = ParameterLayout(plan)
        let values = ParameterBlock(layout)
        for parameter in layout.parameters {
            initialisation.fill(parameter, values[parameter], seed: seed) { UnsafePointer(old[$0]) }
        }
        let model = TrainableModel(plan, values: values, gradients: nil, team: team)
        model.refresh()
        let limit = source.folder.embeddingLimit(source.tokenizer.specification)
        let encoder = ExampleEncoder(source.tokenizer, configuration, maxLength: limit)
        let sequences = try encoder.encode(training).examples.map(\.sequence)
        let rows = FeatureRows(dense: try model.embeddings(of: sequences), width: configuration.hiddenSize)
        let choice = try LogisticRegression.crossValidated(
            rows,
            try LinearTargets(training),
            folds: try training.folds(k: 3, seed: seed)
        )
        try EmbeddingClassifier(
            configuration: configuration,
            task: training.task,
            labels: training.labels,
            head: choice.model,
            maxLength: limit
        ).write(to: folder, replacing: true, files: try source.tokenizerFiles(), values: values)
        return choice.c
    }
}
