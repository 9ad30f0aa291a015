/// When a classifier had better say "none of these": where the probability of its best label is below a threshold.
///
/// The threshold is chosen on held-out texts and its worth reported on others.
package struct Abstention: Sendable, Equatable {
    /// A text that one of the labels fits.
    package struct InScope: Sendable, Equatable {
        /// The probability of the best label.
        package let confidence: Double
        package let isCorrect: Bool

        package init(confidence: Double, isCorrect: Bool) {
            self.confidence = confidence
            self.isCorrect = isCorrect
        }
    }

    /// What the threshold may cost.
    package enum Budget: Sendable, Equatable {
        /// At least this share of the texts in scope is still answered.
        case kept(Double)
        /// At least this share of the texts in scope is still answered rightly; one that is not answered is wrong.
        case accuracy(Double)
    }

    /// What a threshold does.
    package struct Outcome: Sendable, Equatable {
        package let threshold: Double
        /// The share of texts in scope that are answered.
        package let kept: Double
        /// The share of texts in scope that are answered rightly.
        package let accuracy: Double
        /// The share of right answers among those that are given to texts in scope; NaN where none is.
        package let accuracyOfKept: Double
        /// The share of texts out of scope that are not answered; NaN without such texts.
        package let outOfScopeRecall: Double
    }

    /// Below it there is no answer.
    package let threshold: Double

    package init(threshold: Double) { self.threshold = threshold }

    /// The highest threshold that the budget allows on held-out texts in scope; 0 where it allows none.
    package init(heldOut: [InScope], budget: Budget) {
        let sorted = heldOut.sorted { $0.confidence > $1.confidence }
        let needed: Double
        let counts: (InScope) -> Bool
        switch budget {
        case .kept(let share): (needed, counts) = (share * Double(heldOut.count), { _ in true })
        case .accuracy(let share): (needed, counts) = (share * Double(heldOut.count), { $0.isCorrect })
        }
        var reached = 0
        for text in sorted where counts(text) {
            reached += 1
            // a hair for the rounding of the share's product
            if Double(reached) >= needed - 1e-9 {
                threshold = text.confidence
                return
            }
        }
        threshold = 0
    }

    /// What the threshold does to other texts.
    ///
    /// - Parameter outOfScope: of each text that no label fits the probability of the best one.
    package func outcome(inScope: [InScope], outOfScope: [Double]) -> Outcome {
        let kept = inScope.filter { $0.confidence >= threshold }
        let right = kept.count { $0.isCorrect }
        return Outcome(
            threshold: threshold,
            kept: Double(kept.count) / Double(inScope.count),
            accuracy: Double(right) / Double(inScope.count),
            accuracyOfKept: Double(right) / Double(kept.count),
            outOfScopeRecall: Double(outOfScope.count { $0 < threshold }) / Double(outOfScope.count)
        )
    }

    /// The outcomes of every threshold that changes one, at most `most` of them, evenly spread and with both ends.
    package static func curve(inScope: [InScope], outOfScope: [Double], most: Int = 101) -> [Outcome] {
        let thresholds = [0] + Set(inScope.map(\.confidence) + outOfScope).sorted() + [Double(1).nextUp]
        let count = min(max(most, 2), thresholds.count)
        return (0..<count).map { place in
            Abstention(threshold: thresholds[place * (thresholds.count - 1) / (count - 1)])
                .outcome(inScope: inScope, outOfScope: outOfScope)
        }
    }

    /// The probability that a text in scope has a higher confidence than one out of scope, ties by half: the area under
    /// the ROC curve; NaN where either is missing.
    package static func areaUnderCurve(inScope: [Double], outOfScope: [Double]) -> Double {
        let ranks = Correlation.ranks(inScope + outOfScope)
        let (inside, outside) = (Double(inScope.count), Double(outOfScope.count))
        let sum = ranks.prefix(inScope.count).reduce(0, +)
        return (sum - inside * (inside + 1) / 2) / (inside * outside)
    }
}
