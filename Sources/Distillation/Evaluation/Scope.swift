/// The examples to test on, by whether one of the model's labels fits them.
package struct Scope {
    package let inside: Dataset
    let outside: [Example]

    /// The part of the right answers that a threshold has to leave.
    private static let leastKept = 0.97

    /// - Parameter outOfScope: the names of the labels that the models do not know.
    package init(_ data: Dataset, outOfScope: [String]) throws(DistillationError) {
        guard !outOfScope.isEmpty else {
            (inside, outside) = (data, [])
            return
        }
        guard data.task == .classify else {
            throw .usage("--out-of-scope is for classifiers, and the task is \(data.task.rawValue)")
        }
        var strange: Set<Int> = []
        for name in outOfScope {
            guard let label = data.labels.firstIndex(of: name),
                data.examples.contains(where: { $0.target.rightLabel == label })
            else { throw .usage("--out-of-scope \(name): no example of the data has that label") }
            strange.insert(label)
        }
        let kept = data.labels.indices.filter { !strange.contains($0) }
        let numbers = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
        var examples: [Example] = []
        var outside: [Example] = []
        for example in data.examples {
            guard let number = example.target.rightLabel.flatMap({ numbers[$0] }) else {
                outside.append(example)
                continue
            }
            var known = example
            known.target = .label(number)
            examples.append(known)
        }
        guard examples.count > 1 else { throw .usage("the data has no example in scope") }
        inside = Dataset(task: data.task, labels: kept.map { data.labels[$0] }, examples: examples)
        self.outside = outside
    }

    /// What a classifier does with the texts out of scope; nil where there are none. The threshold is chosen on one half of the
    /// texts in scope and judged on the other.
    package func outOfScope(
        _ model: ServedModel,
        _ evaluation: Evaluation,
        seed: UInt64
    ) throws(DistillationError) -> OutOfScope? {
        try outOfScope(evaluation, seed: seed) { (texts) throws(DistillationError) in
            let columns = try model.columns(of: inside.labels)
            return try model.logits(of: texts).map { row in
                let all = softmax(row)
                return columns.map { all[$0] }
            }
        }
    }

    /// - Parameter probabilities: of each label for each of some texts.
    func outOfScope(
        _ evaluation: Evaluation,
        seed: UInt64,
        _ probabilities: ([Example]) throws(DistillationError) -> [[Double]]
    ) throws(DistillationError) -> OutOfScope? {
        guard !outside.isEmpty else { return nil }
        let confidences = zip(inside.examples, evaluation.predictions).map { example, prediction in
            let best = argmax(prediction.probabilities.map(\.probability))
            return Abstention.InScope(
                confidence: prediction.probabilities[best].probability,
                isCorrect: example.target.rightLabel == best
            )
        }
        let strange = try probabilities(outside).map { $0.max() ?? 0 }
        let halves = try inside.folds(k: 2, seed: seed)[0]
        let (heldOut, test) = (halves.test.map { confidences[$0] }, halves.train.map { confidences[$0] })
        let accuracy = Double(heldOut.count { $0.isCorrect }) / Double(heldOut.count)
        let abstention = Abstention(heldOut: heldOut, budget: .accuracy(accuracy * Self.leastKept))
        return OutOfScope(
            outcome: abstention.outcome(inScope: test, outOfScope: strange),
            areaUnderCurve: Abstention.areaUnderCurve(inScope: test.map(\.confidence), outOfScope: strange),
            curve: Abstention.curve(inScope: test, outOfScope: strange)
        )
    }
}
