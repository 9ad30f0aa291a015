import JSON

/// What a model makes of a data set, and how good that is.
package struct Evaluation: Sendable {
    package let metrics: Metrics
    /// In the order of the examples.
    package let predictions: [Prediction]
    /// What intervals are worked out of, by the names that the metrics have.
    package let statistics: [(name: String, statistic: Statistic)]
    /// Of a classifier alone.
    package let confusion: ConfusionMatrix?
    package let calibration: Calibration?
}

/// Evaluates a model on labelled examples, by the metrics of the data's task:
///
/// | task | metrics |
/// |---|---|
/// | classify | accuracy, macro_f1, weighted_f1, matthews, of two labels f1 (of the second), loss, calibration_error |
/// | multi-label | exact_match, micro_f1, macro_f1 |
/// | regression | pearson, spearman, mean_squared_error |
/// | tag | f1, precision, recall (of entities), token_accuracy |
/// | answer | exact_match, f1 |
/// | embed | spearman, pearson: of the cosine of two texts with the value that the data give them |
///
/// - Throws: where an example has no right answer, or a label that the model does not know.
package func evaluate(model: ServedModel, data: Dataset) throws(DistillationError) -> Evaluation {
    guard data.count > 0 else { throw .usage("there is no example to evaluate \(model.directory) on") }
    return switch data.task {
    case .classify: try evaluateClassifier(model, data)
    case .multiLabel: try evaluateMultiLabel(model, data)
    case .regression: try evaluateRegression(model, data)
    case .tag: try evaluateTags(model, data)
    case .answer: try evaluateAnswers(model, data)
    case .embed: try evaluateEmbeddings(model, data)
    }
}

extension Evaluation {
    /// Of a classifier's probabilities, by whatever made them, so that all systems are judged alike.
    ///
    /// - Parameters:
    ///   - probabilities: [examples, labels of the data]
    ///   - data: each example with its label, or the labels' probabilities, of which the likeliest is right.
    package init(probabilities: [[Double]], data: Dataset) throws(DistillationError) {
        let gold = try data.targets("label", \.rightLabel)
        let predicted = probabilities.map(argmax)
        let confidences = zip(probabilities, predicted).map { $0[$1] }
        let labels = data.labels.count
        let matrix = ConfusionMatrix(gold: gold, predicted: predicted, labels: labels)
        let correct = zip(gold, predicted).map { $0 == $1 }
        let calibration = Calibration(confidences: confidences, correct: correct)
        var metrics = Metrics(
            task: .classify,
            count: data.count,
            [
                "accuracy": matrix.accuracy, "macro_f1": matrix.macroF1, "weighted_f1": matrix.weightedF1,
                "matthews": matrix.matthews,
            ]
        )
        var statistics: [(name: String, statistic: Statistic)] = [
            ("accuracy", Statistics.mean(correct.map { $0 ? 1 : 0 })),
            ("macro_f1", Statistics.confusion(gold: gold, predicted: predicted, labels: labels) { $0.macroF1 }),
            ("weighted_f1", Statistics.confusion(gold: gold, predicted: predicted, labels: labels) { $0.weightedF1 }),
            ("matthews", Statistics.confusion(gold: gold, predicted: predicted, labels: labels) { $0.matthews }),
        ]
        if labels == 2 {
            metrics["f1"] = matrix.f1(of: 1)
            statistics.append(
                ("f1", Statistics.confusion(gold: gold, predicted: predicted, labels: labels) { $0.f1(of: 1) })
            )
        }
        metrics["loss"] = logLoss(probabilities, gold: gold)
        metrics["calibration_error"] = calibration.error
        self.init(
            metrics: metrics,
            predictions: data.examples.indices.map { index in
                Prediction(
                    example: data.examples[index],
                    answer: .label(data.labels[predicted[index]]),
                    probabilities: Array(zip(data.labels, probabilities[index]))
                )
            },
            statistics: statistics,
            confusion: matrix,
            calibration: calibration
        )
    }
}

private func evaluateClassifier(_ model: ServedModel, _ data: Dataset) throws(DistillationError) -> Evaluation {
    let columns = try model.columns(of: data.labels)
    let probabilities = try model.logits(of: data.examples).map { row in
        let all = softmax(row)
        return columns.map { all[$0] }
    }
    return try Evaluation(probabilities: probabilities, data: data)
}

private func evaluateMultiLabel(_ model: ServedModel, _ data: Dataset) throws(DistillationError) -> Evaluation {
    let gold = try data.targets("labels") { if case .labels(let labels) = $0 { labels } else { nil } }
    let columns = try model.columns(of: data.labels)
    let probabilities = try model.logits(of: data.examples).map { row in columns.map { sigmoid(row[$0]) } }
    let predicted = probabilities.map { row in row.indices.filter { row[$0] > 0.5 } }
    let labels = data.labels.count
    let scores = MultiLabelScores(gold: gold, predicted: predicted, labels: labels)
    func statistic(_ metric: @escaping @Sendable (MultiLabelScores) -> Double) -> Statistic {
        Statistics.multiLabel(gold: gold, predicted: predicted, labels: labels, metric)
    }
    return Evaluation(
        metrics: Metrics(
            task: data.task,
            count: data.count,
            ["exact_match": scores.exactMatch, "micro_f1": scores.microF1, "macro_f1": scores.macroF1]
        ),
        predictions: data.examples.indices.map { index in
            Prediction(
                example: data.examples[index],
                answer: .labels(predicted[index].map { data.labels[$0] }),
                probabilities: Array(zip(data.labels, probabilities[index]))
            )
        },
        statistics: [
            ("exact_match", statistic { $0.exactMatch }), ("micro_f1", statistic { $0.microF1 }),
            ("macro_f1", statistic { $0.macroF1 }),
        ],
        confusion: nil,
        calibration: nil
    )
}

private func evaluateRegression(_ model: ServedModel, _ data: Dataset) throws(DistillationError) -> Evaluation {
    let gold = try data.values()
    guard model.labels.count == 1 else {
        throw .failed("\(model.directory): it has \(model.labels.count) outputs, and a regression has one")
    }
    let predicted = try model.logits(of: data.examples).map { Double($0[0]) }
    let errors = zip(gold, predicted).map { ($0 - $1) * ($0 - $1) }
    return Evaluation(
        metrics: Metrics(
            task: data.task,
            count: data.count,
            [
                "pearson": Correlation.pearson(gold, predicted), "spearman": Correlation.spearman(gold, predicted),
                "mean_squared_error": errors.reduce(0, +) / Double(errors.count),
            ]
        ),
        predictions: zip(data.examples, predicted).map { Prediction(example: $0, answer: .value($1)) },
        statistics: [
            ("pearson", Statistics.pearson(gold, predicted)), ("spearman", Statistics.spearman(gold, predicted)),
            ("mean_squared_error", Statistics.mean(errors)),
        ],
        confusion: nil,
        calibration: nil
    )
}

private func evaluateTags(_ model: ServedModel, _ data: Dataset) throws(DistillationError) -> Evaluation {
    let gold = try data.targets("tags") { if case .tags(let tags) = $0 { tags.map { data.labels[$0] } } else { nil } }
    let predicted = try model.tags(of: data.examples)
    if let index = data.examples.indices.first(where: { gold[$0].count != predicted[$0].count }) {
        let counts = (gold[index].count, predicted[index].count)
        throw .usage("example \(index + 1) has \(counts.0) tags and \(counts.1) words; give each word one tag")
    }
    let scores = TaggingScores(gold: gold, predicted: predicted)
    func statistic(_ metric: @escaping @Sendable (TaggingScores) -> Double) -> Statistic {
        Statistics.tagging(gold: gold, predicted: predicted, metric)
    }
    return Evaluation(
        metrics: Metrics(
            task: data.task,
            count: data.count,
            [
                "f1": scores.f1, "precision": scores.precision, "recall": scores.recall,
                "token_accuracy": scores.tokenAccuracy,
            ]
        ),
        predictions: zip(data.examples, predicted).map { Prediction(example: $0, answer: .tags($1)) },
        statistics: [
            ("f1", statistic { $0.f1 }), ("precision", statistic { $0.precision }),
            ("recall", statistic { $0.recall }), ("token_accuracy", statistic { $0.tokenAccuracy }),
        ],
        confusion: nil,
        calibration: nil
    )
}

private func evaluateAnswers(_ model: ServedModel, _ data: Dataset) throws(DistillationError) -> Evaluation {
    let gold = try data.targets("answers") {
        if case .answers(let answers) = $0 { answers.map(\.text) } else { nil }
    }
    // As in SQuAD 2, where some questions have no answer.
    let mayBeImpossible = gold.contains { $0.isEmpty }
    let predicted = try model.answers(to: data.examples, mayBeImpossible: mayBeImpossible)
    let scores = zip(predicted, gold).map {
        SquadScores.score($0, gold: $1, version: mayBeImpossible ? .two : .one)
    }
    let (exact, f1) = (scores.map(\.exact), scores.map(\.f1))
    let count = Double(data.count)
    return Evaluation(
        metrics: Metrics(
            task: data.task,
            count: data.count,
            ["exact_match": exact.reduce(0, +) / count, "f1": f1.reduce(0, +) / count]
        ),
        predictions: zip(data.examples, predicted).map { Prediction(example: $0, answer: .answer($1)) },
        statistics: [("exact_match", Statistics.mean(exact)), ("f1", Statistics.mean(f1))],
        confusion: nil,
        calibration: nil
    )
}

private func evaluateEmbeddings(_ model: ServedModel, _ data: Dataset) throws(DistillationError) -> Evaluation {
    let gold = try data.values()
    if let index = data.examples.firstIndex(where: { $0.pair == nil }) {
        throw .usage("example \(index + 1) has no second text, and embeddings are judged by the likeness of two")
    }
    let vectors = try model.embeddings(of: data.examples.map(\.text))
    let others = try model.embeddings(of: data.examples.map { $0.pair ?? "" })
    let predicted = zip(vectors, others).map { cosine($0, $1) }
    return Evaluation(
        metrics: Metrics(
            task: data.task,
            count: data.count,
            ["spearman": Correlation.spearman(gold, predicted), "pearson": Correlation.pearson(gold, predicted)]
        ),
        predictions: zip(data.examples, predicted).map { Prediction(example: $0, answer: .value($1)) },
        statistics: [
            ("spearman", Statistics.spearman(gold, predicted)), ("pearson", Statistics.pearson(gold, predicted)),
        ],
        confusion: nil,
        calibration: nil
    )
}

extension Dataset {
    /// What each example's target holds, where `read` finds it.
    fileprivate func targets<T>(_ kind: String, _ read: (Target) -> T?) throws(DistillationError) -> [T] {
        var result: [T] = []
        for (index, example) in examples.enumerated() {
            guard let target = read(example.target) else {
                throw .usage("example \(index + 1) has no \(kind); evaluation needs the right answer of each example")
            }
            result.append(target)
        }
        return result
    }

    fileprivate func values() throws(DistillationError) -> [Double] {
        try targets("value") { if case .value(let value) = $0 { Double(value) } else { nil } }
    }
}

extension ServedModel {
    /// Where the labels of a data set are among the model's: by their names, or, where the model's are only numbered
    /// (`LABEL_0`, …), by their order.
    ///
    /// - Throws: names a label that the model does not have.
    package func columns(of names: [String]) throws(DistillationError) -> [Int] {
        let isNumbered = labels.enumerated().allSatisfy { $1 == "LABEL_\($0)" }
        if isNumbered, labels.count == names.count, !names.contains(where: labels.contains) {
            return Array(labels.indices)
        }
        var columns: [Int] = []
        for name in names {
            guard let column = labels.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) else {
                let known = labels.prefix(8).map(quoted).joined(separator: ", ")
                let more = labels.count > 8 ? ", …" : ""
                throw .usage(
                    "the data have the label \(quoted(name)), and \(directory) knows \(labels.count): \(known)\(more); "
                        + "rename one of them, or train the model with these data"
                )
            }
            columns.append(column)
        }
        return columns
    }
}
