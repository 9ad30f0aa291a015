/// A baseline: logistic regression on words and pairs of words.
struct TfIdfClassifier {
    private let words: TfIdf
    private let model: LinearModel
    /// What cross-validation chose.
    let c: Double

    init(training: Dataset, seed: UInt64) throws(DistillationError) {
        let texts = training.examples.map(Self.text)
        words = TfIdf(fitting: texts)
        guard !words.terms.isEmpty else { throw .failed("the training texts have no word of two letters") }
        let choice = try LogisticRegression.crossValidated(
            words.rows(texts),
            try LinearTargets(training),
            folds: try training.folds(k: 3, seed: seed)
        )
        (model, c) = (choice.model, choice.c)
    }

    /// The numbers that it has learned.
    var parameters: Int { (model.width + 1) * model.outputs }

    /// [examples, labels of the training data]
    func probabilities(of examples: [Example]) -> [[Double]] {
        let all = model.predictions(words.rows(examples.map(Self.text)))
        return examples.indices.map { Array(all[$0 * model.outputs..<($0 + 1) * model.outputs]) }
    }

    private static func text(_ example: Example) -> String {
        example.pair.map { "\(example.text) \($0)" } ?? example.text
    }
}
