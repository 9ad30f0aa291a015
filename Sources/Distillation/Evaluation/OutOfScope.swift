package import JSON

/// What a classifier does where no label fits; see `Abstention`.
package struct OutOfScope: Sendable, Equatable {
    /// On the test set, with the threshold that held-out texts chose.
    package private(set) var outcome: Abstention.Outcome
    package private(set) var areaUnderCurve: Double
    package let curve: [Abstention.Outcome]

    package init(outcome: Abstention.Outcome, areaUnderCurve: Double, curve: [Abstention.Outcome]) {
        self.outcome = outcome
        self.areaUnderCurve = areaUnderCurve
        self.curve = curve
    }

    /// Becomes the mean of one more model; the curve stays that of the first.
    ///
    /// - Parameter count: of the models with that one.
    mutating func average(_ other: OutOfScope, count: Int) {
        func mean(_ own: Double, _ other: Double) -> Double { own + (other - own) / Double(count) }
        let (own, more) = (outcome, other.outcome)
        outcome = Abstention.Outcome(
            threshold: mean(own.threshold, more.threshold),
            kept: mean(own.kept, more.kept),
            accuracy: mean(own.accuracy, more.accuracy),
            accuracyOfKept: mean(own.accuracyOfKept, more.accuracyOfKept),
            outOfScopeRecall: mean(own.outOfScopeRecall, more.outOfScopeRecall)
        )
        areaUnderCurve = mean(areaUnderCurve, other.areaUnderCurve)
    }

    /// By their names in JSON.
    package var json: JSONText {
        JSONText.object([
            ("threshold", outcome.threshold), ("kept", outcome.kept), ("accuracy", outcome.accuracy),
            ("accuracy_of_kept", outcome.accuracyOfKept), ("recall", outcome.outOfScopeRecall),
            ("auroc", areaUnderCurve),
        ])
    }
}
