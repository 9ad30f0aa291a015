import Distillation
import Testing

@Suite struct AbstentionTests {
    private let heldOut = [0.95, 0.9, 0.8, 0.6, 0.3].map { Abstention.InScope(confidence: $0, isCorrect: $0 != 0.9) }

    @Test func theThresholdIsTheHighestThatTheBudgetAllows() {
        #expect(Abstention(heldOut: heldOut, budget: .kept(0.8)).threshold == 0.6)
        #expect(Abstention(heldOut: heldOut, budget: .kept(1)).threshold == 0.3)
        #expect(Abstention(heldOut: heldOut, budget: .accuracy(0.6)).threshold == 0.6)
        #expect(Abstention(heldOut: heldOut, budget: .accuracy(0.9)).threshold == 0, "never that many are right")
    }

    @Test func whatAThresholdDoes() {
        let outcome = Abstention(threshold: 0.6).outcome(inScope: heldOut, outOfScope: [0.7, 0.5, 0.6, 0.1])
        #expect(outcome.kept == 0.8)
        #expect(outcome.accuracy == 0.6)
        #expect(outcome.accuracyOfKept == 0.75)
        #expect(outcome.outOfScopeRecall == 0.5)
    }

    @Test func theCurveGoesFromEverythingToNothing() {
        let curve = Abstention.curve(inScope: heldOut, outOfScope: [0.7, 0.2])
        #expect(curve.first?.kept == 1)
        #expect(curve.first?.outOfScopeRecall == 0)
        #expect(curve.last?.kept == 0)
        #expect(curve.last?.outOfScopeRecall == 1)
        for (lower, higher) in zip(curve, curve.dropFirst()) {
            #expect(lower.threshold < higher.threshold)
            #expect(lower.kept >= higher.kept)
            #expect(lower.outOfScopeRecall <= higher.outOfScopeRecall)
        }
        #expect(Abstention.curve(inScope: heldOut, outOfScope: [0.7, 0.2], most: 3).count == 3)
    }
}
